// Package lock has locks that can say who holds them.
package lock
