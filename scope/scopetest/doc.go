// Package scopetest makes a test own a scope: what the test starts has ended
// when the test has, and what Hem found strange about it fails that test.
//
//	func TestCheckout(t *testing.T) {
//		scopetest.Run(t, func(ctx context.Context, s *scope.Scope) error {
//			shop := newShop(s)
//			return shop.Checkout(ctx, cart)
//		})
//	}
//
// # What it promises
//
//   - [Run]'s body and tasks are a scope named after the test. Its error fails
//     the test.
//   - A goroutine that was started by the body or a task, or by a goroutine that
//     these started, by plain go statements too, and still runs when the scope
//     has ended, fails the test with its name and stack.
//   - A finding about a task of the scope, such as one that ignores its
//     cancellation, fails the test unless it is [Allow]ed. Locks are taken in
//     one order, see below. That one was held or waited for for long is no
//     failure: it depends on the machine.
//   - The verdicts are about this test alone, under t.Parallel too: what another
//     test leaks or does is nothing to it; but see the orders of locks.
//   - In a testing/synctest bubble all of this holds in virtual time.
//
// # How a leak is known
//
// Goroutines inherit the pprof labels of whoever starts them. Run gives the
// test's goroutine a label that nobody else has and afterwards looks for it in
// the goroutine profile, where it must find at least itself: a detector that
// sees nothing says so. Goroutines that are just ending get a second to do it.
//
// Some goroutines are not seen: those that [time.AfterFunc] starts, which
// inherit no label; those that were running before and work for the test; and
// those of code that replaces labels instead of adding to the context's, as
// pprof.Do of context.Background does. Goroutines that the standard library starts once for the
// whole process, as os/signal does, and those of subtests are no leaks.
//
// # Orders of locks
//
// While a test runs, lock.CheckOrder is on: contrary orders fail the test that
// has taken the locks in the second one, with the stacks of both, whether or not
// they met. What is learned of classes of locks stays for the tests that follow
// or run beside: when one test has taken a stock and then a price, another that
// does it the other way round fails, and the message names both. Each cycle
// fails one test, the first.
//
// Orders of goroutines that are not adopted are found as well, and logged. They
// are about no task, and fail no test.
//
// # What it refuses
//
//   - A scope that lasts from a constructor to t.Cleanup. Run's body is the
//     test's own goroutine. In a scope that began elsewhere the test would be a
//     stranger: what it waits for would be part of no verdict, a task's failure
//     or t.FailNow could not end it, and cleanups would run before its tasks
//     had ended or after, depending on the order of their registration.
//   - Ignoring leaks by the name of a function. A leak that is meant has an
//     owner that can be closed: a server, a pool of connections. Close it.
package scopetest
