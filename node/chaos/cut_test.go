//go:build linux

package chaos_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// A machine has one disk with ext4 on it, that is mounted while it has power.
type machine struct {
	t       *testing.T
	content []byte // of the disk, while there is no power
	path    string // of the disk
	mount   string // where its file system is
	disk    *disk  // nil while there is no power
	mounted bool   // it has been: it can be

	mu     sync.Mutex
	life   *life // that runs on it, or has
	fallen bool  // the power has gone
}

const diskBytes = 64 << 20

// newMachine makes a machine whose file system is empty.
func newMachine(t *testing.T) *machine {
	t.Helper()
	needs(t, "mkfs.ext4", "mount")
	dir := t.TempDir()
	m := &machine{t: t, path: filepath.Join(dir, "disk"), mount: filepath.Join(dir, "mnt")}
	image := filepath.Join(dir, "image")
	if err := os.Mkdir(m.mount, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(diskBytes); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-b", "4096", image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v\n%s", err, out)
	}
	m.content, err = syscall.Mmap(int(f.Fd()), 0, diskBytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// scrap gives everything of m back. Whatever ran on it has ended, or is killed.
func (m *machine) scrap() {
	if m.disk != nil {
		m.disk.cut()
		if m.life != nil {
			<-m.life.ended
		}
		m.lose()
	}
	if err := syscall.Munmap(m.content); err != nil {
		m.t.Error(err)
	}
}

// boot gives m power, for so many writes, and mounts its file system: that is
// when ext4 repairs what the last cut has left. It reports whether the power
// lasted until then.
func (m *machine) boot(writes int) bool {
	m.t.Helper()
	m.life, m.fallen = nil, false
	m.disk = insert(m.t, m.path, m.content, writes)
	go m.watch(m.disk)
	out, err := exec.Command("mount", "-o", "loop", m.path, m.mount).CombinedOutput()
	if m.disk.isOff() {
		return false
	}
	if err != nil && !m.mounted {
		lacks(m.t, "loop devices: mount -o loop: %v %s", err, out)
	}
	if err != nil {
		m.t.Fatalf("mount: %v %s", err, out)
	}
	m.mounted = true
	return true
}

// watch sees to it that nobody outlives the power. Who waits for the disk is
// killed before it is told that the disk has failed, and so is never told.
func (m *machine) watch(d *disk) {
	<-d.gone
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fallen = true
	if m.life != nil {
		m.life.kill()
	}
	d.bury()
}

// begin begins a life on m, if there is still power.
func (m *machine) begin(tr *trial, promises int) *life {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.fallen {
		m.life = tr.begin(promises)
	}
	return m.life
}

// lose takes down what is left of m after its power has gone.
func (m *machine) lose() {
	m.t.Helper()
	if err := syscall.Unmount(m.mount, 0); err != nil && err != syscall.EINVAL { // it is not mounted
		m.t.Errorf("unmount: %v", err)
	}
	if err := m.disk.remove(m.path); err != nil {
		m.t.Errorf("remove the disk: %v", err)
	}
	m.disk = nil
}

// cutDuring takes the power away after so many writes, during the life of a load
// or before it has begun, and says what became of the disk's cache.
func (m *machine) cutDuring(tr *trial, writes int) string {
	m.t.Helper()
	when := "mounting"
	if m.boot(writes) {
		when = "no life"
		if lf := m.begin(tr, 1); lf != nil {
			when = "opening"
			if lf.await(m.t, lf.reached) {
				when = "working"
			}
			lf.mourn(m.t)
		}
	}
	<-m.disk.gone
	d := m.disk
	m.lose()
	return when + ": " + d.keep(tr.rand)
}

// cutAfter takes the power away when a life has been promised so much.
func (m *machine) cutAfter(tr *trial, promises int) string {
	m.t.Helper()
	if !m.boot(never) {
		m.t.Fatal("the power has gone by itself")
	}
	lf := m.begin(tr, promises)
	lf.wait(m.t)
	m.disk.cut()
	lf.mourn(m.t)
	d := m.disk
	m.lose()
	return "working: " + d.keep(tr.rand)
}

// finish looks at what is there in the end, whether that can go on, and whether
// it is still there after the machine was switched off in good order.
func (m *machine) finish(tr *trial) {
	m.t.Helper()
	for range 2 {
		if !m.boot(never) {
			m.t.Fatal("the power has gone by itself")
		}
		lf := m.begin(tr, 20)
		lf.wait(m.t)
		lf.dismiss(m.t)
		m.lose()
	}
}

// never is after how many writes the power goes if it is not to go.
const never = math.MaxInt

func TestPowerCutsLoseNothingThatWasAcknowledged(t *testing.T) {
	for name := range loads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !apart(t) {
				return
			}
			for e := effort(2); e.more(); {
				powerCuts(t, name, 4)
			}
		})
	}
}

// powerCuts tries a load on a new machine, the first time while its log is made.
func powerCuts(t *testing.T, name string, cuts int) {
	m := newMachine(t)
	defer m.scrap()
	tr := newTrial(t, name, filepath.Join(m.mount, "log"))
	writes := 1 + tr.rand.IntN(40)
	for range cuts {
		t.Log(m.cutDuring(tr, writes))
		switch tr.rand.IntN(4) {
		case 0:
			writes = 1 + tr.rand.IntN(60)
		default:
			writes = 1 + tr.rand.IntN(1200)
		}
	}
	m.finish(tr)
	tr.judge()
}

// The control: without fsync, acknowledged work is lost.
func TestPowerCutsCatchALogThatIsNotFlushed(t *testing.T) {
	for name := range loads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !apart(t) {
				return
			}
			const cuts = 2
			lost := 0
			for range cuts {
				if unflushed(t, name) {
					lost++
				}
			}
			t.Logf("%d of %d cuts have lost what was acknowledged and not flushed", lost, cuts)
			if lost == 0 {
				t.Error("nothing was lost: the test of power cuts proves nothing")
			}
		})
	}
}

// unflushed tries a load under a kernel that flushes nothing, and reports whether
// anything is lost.
func unflushed(t *testing.T, name string) bool {
	m := newMachine(t)
	defer m.scrap()
	tr := newTrial(t, name, filepath.Join(m.mount, "log"))
	t.Log(m.cutAfter(tr, 50)) // what makes the log is flushed
	tr.order.Lying = true
	t.Log(m.cutAfter(tr, 100))
	tr.order.Lying = false
	lost := m.peek(tr)
	t.Log(lost)
	return lost != ""
}

// peek begins a life, and says what it complains of or what it is missing.
func (m *machine) peek(tr *trial) string {
	if !m.boot(never) {
		m.t.Fatal("the power has gone by itself")
	}
	defer m.lose()
	lf := m.begin(tr, 1)
	if !lf.await(m.t, lf.reached) {
		return lf.stderr.String()
	}
	lf.dismiss(m.t)
	complaints, _ := tr.ledger.wrong()
	if len(complaints) == 0 {
		return ""
	}
	return fmt.Sprintf("%d complaints: %s", len(complaints), complaints[0])
}
