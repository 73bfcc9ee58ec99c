package chat

import "sync/atomic"

// Encoding turns events into the journal's payloads and back. Room, Sequence and
// Previous are the journal's to keep, and not part of a payload.
type Encoding interface {
	Encode(*Event) ([]byte, error)
	Decode([]byte) (*Event, error)
}

// Form is one of the ways in which an adapter encodes items for its receivers.
type Form int

// MaxForms bounds the forms: they are 0 to MaxForms-1.
const MaxForms = 4

// encodings are the forms of an item that many receivers share.
type encodings [MaxForms]atomic.Pointer[[]byte]

// Encoded returns the item in one form. It is encoded for the first receiver, and
// kept for the others, who must not change the bytes.
func (e *encodings) Encoded(f Form, encode func() ([]byte, error)) ([]byte, error) {
	if made := e[f].Load(); made != nil {
		return *made, nil
	}
	made, err := encode()
	if err != nil {
		return nil, err
	}
	// Two receivers may have encoded it at once: the first one's bytes are kept.
	if e[f].CompareAndSwap(nil, &made) {
		return made, nil
	}
	return *e[f].Load(), nil
}
