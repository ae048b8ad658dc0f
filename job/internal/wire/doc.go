// Package wire is the form of what the owner of a log of jobs and those who ask it
// from another process say to each other. Design note 0011 has the protocol.
//
//	client                              server
//	Hello   who it is            ─────▶
//	                             ◀─────  Welcome  which log, whose, how much at a time, and its clock
//	Ask     7: a request         ─────▶
//	Ask     8: another           ─────▶
//	Leave   7: who asked is gone ─────▶
//	                             ◀─────  Answer   8
//	                             ◀─────  Answer   7: dropped, or what came of it
//	Ping                         ─────▶
//	                             ◀─────  Pong     its clock
//	                             ◀─────  Bye      why it says nothing more
//
// What it promises:
//
//   - A value has one encoding, and an encoding one value, but for errors that are
//     of no kind named here: of those [fault.Encode] decides.
//   - Decoding never panics, and takes no more memory than a fixed multiple of the
//     bytes that are there.
//   - A length is believed only when the checksum of its header is right; a frame
//     with one damaged bit is refused.
//   - Nothing that was decoded shares memory with what it was decoded from.
//
// What it refuses: to know what a request means, to know of connections, and to
// find the next frame in damaged bytes.
package wire
