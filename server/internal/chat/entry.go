package chat

import (
	"crypto/sha256"
	"fmt"
)

// NewEntry returns the journal entry of an event.
func NewEntry(encoding Encoding, e *Event) (Entry, error) {
	payload, err := encoding.Encode(e)
	if err != nil {
		return Entry{}, fmt.Errorf("encode event: %w", err)
	}
	key, err := keyOf(encoding, e)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{Room: e.Room, Key: key, Payload: payload, Author: e.Sender.ID}
	entry.Relation, entry.Target, entry.Counted = Relate(e.Body)
	return entry, nil
}

// keyOf returns the key by which the journal recognizes retries of an event. Anonymous senders
// have no identity that could distinguish the ids that they choose: as two of them may both
// use the id "1" for their first message, the body is part of their keys. Quoting keeps the
// parts of a key apart.
func keyOf(encoding Encoding, e *Event) (string, error) {
	if e.Sender.ID != "" {
		return fmt.Sprintf("%q %q", e.Sender.ID, e.ID), nil
	}
	body, err := encoding.Encode(&Event{Body: e.Body})
	if err != nil {
		return "", fmt.Errorf("encode body: %w", err)
	}
	return fmt.Sprintf("%q %x", e.ID, sha256.Sum256(body)), nil
}
