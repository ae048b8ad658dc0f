module github.com/hemgo/hem/examples

go 1.26.0

require golang.org/x/tools v0.52.0

require github.com/hemgo/hem v0.0.0

replace github.com/hemgo/hem => ../
