// Command checker is an HTTP service that type-checks and vets Go code on
// request, and the main job that Hem is shown on: CPU-heavy requests beside
// light ones.
//
//	POST /check              a package's or module's source: a tar, or one file (?name=x.go)
//	GET  /check?pkg=net/http a package of the installed standard library
//	GET  /ping               the light neighbour
//	GET  /debug/hem          what runs and what waits, now (?format=json)
//
// Where the heavy work runs is one flag:
//
//	checker -on goroutine    a goroutine for each request
//	checker -on pool         a CPU pool that leaves one processor to the others
//	checker -on process      a worker process, which the kernel bounds and can kill
//	checker -on job          a durable job, in a log on the disk before it begins, which
//	                         is worked at in such a process
//
//	checker -compare -for 5s measures each, from a process of its own
//
// Source can be written to harm whoever checks it: a few lines that keep go/types
// busy for ever, fill the memory or overflow the stack, which no recover survives.
// On process and job that fails the one request, with a reason. On the other two it
// stays for ever, or takes the service down. hostile_test.go shows it.
package main
