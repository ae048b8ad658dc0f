// Package record is the envelope of one record of a shard's log: who wrote it,
// when, and after which one. What it wraps are transitions, opaque bytes that
// another package gives a meaning.
//
// It promises three things. What [Finish] returns is what [Open] accepts, and
// whatever Open accepts is, byte for byte, what [Begin], [Add] and Finish make of
// it: no two records mean the same. What a [Chain] accepts is one history: each
// record names the one before it by its hash, so no record was changed, left out,
// put elsewhere or brought from another log, and each owner's records stand
// together. And neither costs much beyond its checksum: nothing is copied, and
// nothing allocated unless there is an error.
//
// What cannot be seen here is a lost tail, since a history that ends early is a
// history: whoever keeps the log must know how long it was. Nor is this a
// signature; who can write to the log can write anything.
//
// It refuses to guess. A record with one bit wrong, or written by a newer
// version, is an [Error], and there is no way to see its contents: to skip a
// transition is to have another state than everyone else.
package record
