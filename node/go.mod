module github.com/hemgo/hem/node

go 1.26
