module github.com/hemgo/hem/bench

go 1.26
