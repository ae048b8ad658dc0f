module github.com/hemgo/hem

go 1.26
