package record

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// An ID is random, and never zero: of a log, or of an owner's incarnation.
type ID [16]byte

// NewID returns an ID that nobody else has.
func NewID() ID {
	var id ID
	rand.Read(id[:]) // never fails: it would end the process
	return id
}

// String returns id in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// A Hash is the first half of a record's SHA-256.
type Hash [16]byte

// Sum returns the hash of rec, by which the record after it names it.
func Sum(rec []byte) Hash {
	whole := sha256.Sum256(rec)
	return Hash(whole[:])
}
