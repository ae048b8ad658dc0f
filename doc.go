// Package hem is the front door of Hem, a toolkit for asynchronous work in
// which nothing is left running and nothing hangs in silence. It exports
// nothing: import the package that does what you need, beginning with scope.
package hem
