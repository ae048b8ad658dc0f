//go:build !amd64 || race

package graph

import (
	"sync/atomic"
	"unsafe"
)

func loadOwner(p *unsafe.Pointer) unsafe.Pointer { return atomic.LoadPointer(p) }

func storeOwner(p *unsafe.Pointer, t unsafe.Pointer) { atomic.StorePointer(p, t) }
