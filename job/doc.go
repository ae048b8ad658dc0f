// Package job is durable work. So far it holds what the rest will stand on: the
// [Log], where the truth of a shard of jobs is kept, and the promises that every
// one of them makes. jobtest.Exercise proves a Log, jobtest.Memory is one whose
// disk fails when a test says so, and node/natslog keeps one on a real disk.
//
// The owner that decides over a log, and the client that enqueues, are not here
// yet.
package job
