package lock_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hemgo/hem/fault"
	"github.com/hemgo/hem/lock"
	"github.com/hemgo/hem/scope"
)

// The bank is a property of all updates at once: money is conserved. Tasks
// transfer random sums between random accounts, and end a transfer at random
// points in every way there is; readers look at all accounts meanwhile.

const (
	bankAccounts = 12
	bankTasks    = 32
	bankOpening  = 1000
)

// account has a map, so that a copy which is not one would show.
type account struct {
	cents  int
	booked map[string]int // by whom; sums to cents
}

func (a account) Clone() account { return account{a.cents, maps.Clone(a.booked)} }

func (a account) check() error {
	sum := 0
	for _, n := range a.booked {
		sum += n
	}
	if sum != a.cents {
		return fmt.Errorf("an account of %d has bookings of %d", a.cents, sum)
	}
	return nil
}

type bank struct {
	accounts []*lock.Guard[account]
	owed     [bankAccounts]atomic.Int64 // opening and what transfers that returned nil have moved
	ended    [5]atomic.Int64            // transfers by how they ended
	looks    atomic.Int64
	rest     func(r *rand.Rand) // how a transfer lets time pass
}

func newBank(rest func(*rand.Rand)) *bank {
	b := &bank{accounts: make([]*lock.Guard[account], bankAccounts), rest: rest}
	class := lock.NewClass("account")
	for i := range b.accounts {
		b.accounts[i] = lock.NewGuard(account{bankOpening, map[string]int{"opening": bankOpening}}, lock.In(class))
		b.owed[i].Store(bankOpening)
	}
	return b
}

var errLooked = errors.New("looked, changed nothing")

// look checks that all accounts together have what they always had.
func (b *bank) look(ctx context.Context) error {
	err := lock.UpdateAll(ctx, b.accounts, func(all []*account) error {
		sum := 0
		for _, a := range all {
			if err := a.check(); err != nil {
				return err
			}
			sum += a.cents
			a.cents = -1 // must not count
			clear(a.booked)
		}
		if sum != bankAccounts*bankOpening {
			return fmt.Errorf("there are %d cents in the bank", sum)
		}
		return errLooked
	})
	if err != errLooked {
		return err
	}
	b.looks.Add(1)
	return nil
}

// plan is one transfer: from the first account to each of the others.
type plan struct {
	at     []int
	sums   []int  // sums[i] goes to at[i], for i > 0
	trap   int    // the move after which it ends
	end    string // how: commit, refuse, panic, exit, late
	wait   time.Duration
	cancel bool
}

var bankEnds = []string{"commit", "refuse", "panic", "exit", "late"}

func planTransfer(r *rand.Rand) plan {
	n := 2 + r.IntN(4)
	p := plan{at: r.Perm(bankAccounts)[:n], sums: make([]int, n), trap: r.IntN(n), end: bankEnds[0]}
	for i := 1; i < n; i++ {
		p.sums[i] = r.IntN(50)
	}
	if r.IntN(2) == 0 {
		p.end = bankEnds[r.IntN(len(bankEnds))]
	}
	if r.IntN(3) == 0 {
		p.wait = time.Duration(1+r.IntN(2000)) * time.Microsecond
		p.cancel = r.IntN(2) == 0
	}
	return p
}

// book is what the transfer does with the copies that it got.
func (b *bank) book(ctx context.Context, r *rand.Rand, p plan, who string, vs []*account) error {
	for i := range vs {
		if i > 0 {
			move(vs[0], -p.sums[i], who)
			move(vs[i], p.sums[i], who)
		}
		if i != p.trap {
			continue
		}
		b.rest(r)
		switch p.end {
		case "refuse":
			return errRefused
		case "panic":
			panic(errRefused)
		case "exit":
			runtime.Goexit()
		case "late":
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

func move(a *account, cents int, who string) {
	a.cents += cents
	a.booked[who] += cents
}

// transfer carries p out, by the function that suits the number of accounts.
func (b *bank) transfer(ctx context.Context, r *rand.Rand, p plan, who string) error {
	gs := make([]*lock.Guard[account], len(p.at))
	for i, at := range p.at {
		gs[i] = b.accounts[at]
	}
	switch len(gs) + 10*r.IntN(2) {
	case 2:
		return lock.Update2(ctx, gs[0], gs[1], func(a0, a1 *account) error {
			return b.book(ctx, r, p, who, []*account{a0, a1})
		})
	case 3:
		return lock.Update3(ctx, gs[0], gs[1], gs[2], func(a0, a1, a2 *account) error {
			return b.book(ctx, r, p, who, []*account{a0, a1, a2})
		})
	}
	return lock.UpdateAll(ctx, gs, func(vs []*account) error { return b.book(ctx, r, p, who, vs) })
}

// try carries p out in a task of its own, which may end in any way, and notes
// what the accounts are owed.
func (b *bank) try(ctx context.Context, r *rand.Rand, p plan, who string) error {
	if p.wait > 0 {
		var cancel context.CancelFunc
		if p.cancel {
			ctx, cancel = context.WithCancel(ctx)
			time.AfterFunc(p.wait, cancel)
		} else {
			ctx, cancel = context.WithTimeout(ctx, p.wait)
		}
		defer cancel()
	}
	err := scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		s.Go(func(ctx context.Context) error {
			err := b.transfer(ctx, r, p, who)
			if err == nil {
				for i, at := range p.at {
					b.owed[at].Add(int64(p.sums[i]))
					b.owed[p.at[0]].Add(-int64(p.sums[i]))
				}
			}
			return err
		})
		return nil
	}, scope.Contain())
	return b.count(err)
}

// count returns err if no transfer may end so.
func (b *bank) count(err error) error {
	switch kind := fault.KindOf(err); {
	case err == nil:
		b.ended[0].Add(1)
	case err == errRefused:
		b.ended[1].Add(1)
	case kind == fault.Panicked:
		b.ended[2].Add(1)
	case kind == fault.Cancelled:
		b.ended[3].Add(1)
	case kind == fault.Deadline:
		b.ended[4].Add(1)
	default:
		return err
	}
	return nil
}

// open lets the tasks transfer and the readers look.
func (b *bank) open(ctx context.Context, seed uint64, transfers int) error {
	return scope.Run(ctx, func(_ context.Context, s *scope.Scope) error {
		for n := range uint64(bankTasks) {
			s.Go(func(ctx context.Context) error {
				r := rand.New(rand.NewPCG(seed, n))
				for range transfers {
					if err := b.try(ctx, r, planTransfer(r), fmt.Sprint("task ", n)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		for n := range uint64(2) {
			s.Daemon(func(ctx context.Context) error {
				r := rand.New(rand.NewPCG(seed, bankTasks+n))
				for ctx.Err() == nil {
					if err := b.look(ctx); err != nil {
						return err
					}
					b.rest(r)
				}
				return nil
			})
		}
		return nil
	})
}

// close checks each account's books.
func (b *bank) close(ctx context.Context) error {
	for i, g := range b.accounts {
		err := g.View(ctx, func(a account) error {
			if owed := int(b.owed[i].Load()); a.cents != owed {
				return fmt.Errorf("account %d has %d and is owed %d", i, a.cents, owed)
			}
			return a.check()
		})
		if err != nil {
			return err
		}
	}
	return b.look(ctx)
}

// run is the property for one seed.
func (b *bank) run(t *testing.T, seed uint64, transfers int) {
	t.Helper()
	err := b.open(t.Context(), seed, transfers)
	if err == nil {
		err = b.close(t.Context())
	}
	if err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
	for i := range b.ended {
		if b.ended[i].Load() == 0 {
			t.Errorf("seed %d: no transfer ended in the way %d of %d: the test proves little", seed, i, len(b.ended))
		}
	}
	if b.looks.Load() < 2 {
		t.Errorf("seed %d: nobody looked meanwhile", seed)
	}
	t.Logf("seed %d: %d committed, %d refused, %d panicked or exited, %d cancelled, %d late; %d looks", seed,
		b.ended[0].Load(), b.ended[1].Load(), b.ended[2].Load(), b.ended[3].Load(), b.ended[4].Load(), b.looks.Load())
}

func TestMoneyIsConservedOverRandomTransfers(t *testing.T) {
	transfers := 400
	if testing.Short() {
		transfers = 60
	}
	newBank(func(r *rand.Rand) {
		switch r.IntN(10) {
		case 0:
			time.Sleep(time.Duration(r.IntN(200)) * time.Microsecond)
		case 1, 2, 3:
			runtime.Gosched()
		}
	}).run(t, uint64(time.Now().UnixNano()), transfers)
}

// The same in virtual time: transfers rest while they hold their accounts, so
// that contexts end at every point of others' waits.
func TestMoneyIsConservedInVirtualTime(t *testing.T) {
	seeds := 20
	if testing.Short() {
		seeds = 4
	}
	start := uint64(time.Now().UnixNano())
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			newBank(func(r *rand.Rand) {
				time.Sleep(time.Duration(1+r.IntN(400)) * time.Microsecond)
			}).run(t, start+seed, 20)
		})
	}
}

// The negative control: a transfer that works on the accounts themselves loses
// money as soon as one of them is left in the middle.
func TestMoneyIsLostWithoutAllOrNothing(t *testing.T) {
	b := newBank(func(*rand.Rand) {})
	err := func() error {
		for _, at := range []int{0, 1} {
			v, h, err := b.accounts[at].Lock(t.Context())
			if err != nil {
				return err
			}
			move(v, 2*at*10-10, "control")
			h.Unlock()
			if at == 0 {
				return errRefused // before the second account
			}
		}
		return nil
	}()
	if err != errRefused {
		t.Fatal(err)
	}
	if err := b.look(t.Context()); err == nil {
		t.Error("the look at all accounts did not see that 10 cents are gone")
	}
	if err := b.close(t.Context()); err == nil {
		t.Error("the close did not see that 10 cents are gone")
	}
}
