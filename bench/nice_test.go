package main

import (
	"strings"
	"testing"
)

func TestEveryBurdenIsBorneAndPinged(t *testing.T) {
	mark := marked(t)
	rows := lines(t, "nice")
	if len(rows) != 1+len(burdens) {
		t.Fatalf("%d rows, want one for each of %d burdens, and a heading", len(rows), len(burdens))
	}
	for i, row := range rows[1:] {
		if len(row) != len(niceColumns) || !strings.HasSuffix(row[1], "ns") || !strings.HasSuffix(row[2], "ns") {
			t.Errorf("%q is not a cell for each column", row)
		}
		if works := burdens[i].open != nil; works != (strings.HasSuffix(row[3], "/s") && row[3] != "0/s") {
			t.Errorf("%s: work done is %s", row[0], row[3])
		}
	}
	awaitGone(t, mark)
}

func TestThePingerTimesEachRequest(t *testing.T) {
	addr, shut, err := serveLight()
	if err != nil {
		t.Fatal(err)
	}
	var b bearing
	err = b.ping(addr, 20*pingEvery)
	shut()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.pings); n == 0 || n > 20 || quantile(b.pings, 0) < 1000 {
		t.Errorf("%d pings in the time of 20, the fastest took %v ns", n, quantile(b.pings, 0))
	}
	if err := b.ping(addr, pingEvery); err == nil {
		t.Error("nobody listens, and the pinger has no complaint")
	}
}

func TestABusyMachineIsRemarkedOn(t *testing.T) {
	if !realTime() && niceRemark(0.1) != "" || !strings.Contains(niceRemark(1.5), "processors busy") && !realTime() {
		t.Errorf("got %q and %q, want nothing and a remark", niceRemark(0.1), niceRemark(1.5))
	}
	before := processorTime()
	if before == 0 {
		t.Skip("no /proc/stat or /proc/<pid>/statm here, where the kernel tells what is used")
	}
	for range 1000 { // a tick is 10 ms
		burn(1 << 20)
		if processorTime() > before {
			return
		}
	}
	t.Error("burning does not count as busy")
}
