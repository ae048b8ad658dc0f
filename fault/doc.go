// Package fault is the vocabulary of failure, the same wherever work runs: in
// a goroutine, in a pool, in another process, on another machine tomorrow.
//
// What it promises:
//
//   - An error answers questions. [KindOf] says in what way the work failed,
//     [Started] whether it may have begun, [Retryable] whether trying again is
//     worth it, [RetryDelay] when, [HintOf] what a person can do.
//   - Every question has an answer for every error, those of other packages
//     included, and the answer is the cautious one: an error that promises
//     nothing has started, and failed.
//   - The outermost word counts. A wrapper knows more than what it wraps, so
//     reading stops at the first that has something to say. Where an error
//     branches, as [errors.Join] does, Started and Retryable ask every branch.
//   - An error that crosses a process by [Encode] and [Decode] gives the same
//     text and the same answers on the other side; [errors.Is] still finds
//     every [Sentinel] and the errors of package context in it, and
//     [errors.As] every *Error, *Panic and *Deadlock.
//   - [errors.Is] with [context.Canceled] and [context.DeadlineExceeded] holds
//     beside Kind, so code that never heard of this package goes on working.
//
// What it refuses:
//
//   - Matching text. Nothing here or in Hem reads an error's text to decide
//     something, and the texts may change in any release.
//   - Carrying types across. The identity of a variable such as io.EOF and the
//     fields of a foreign error type end where the process ends; what should
//     arrive is named by a Sentinel. A registry of types would couple both
//     sides to the same release.
//   - Stacks in every error. Only a panic and a deadlock have them, because
//     there the place is the finding. For the rest, the path is the text.
//   - Codes of other protocols. That a Deadline is a 504 is for whoever speaks
//     HTTP to say.
//
// Functions here return error and never a typed nil.
package fault
