package chat

import (
	"context"
	"errors"
)

var (
	// ErrNoRecord is returned for a key under which nothing is stored.
	ErrNoRecord = errors.New("chat: there is no such record")
	// ErrRevision is returned when a record is not at the revision that a write
	// expected.
	ErrRevision = errors.New("chat: the record has another revision")
)

// State stores small records under keys, such as the profiles of rooms. Retention
// of events does not apply to it.
//
// A key is 1 to 512 bytes: segments of any text without control characters, none
// of them empty, separated by slashes. A value is at most 64 KiB. Revisions grow
// over all records of a store, and are never 0. All methods are safe for
// concurrent use.
type State interface {
	// Get returns a record, or ErrNoRecord.
	Get(ctx context.Context, key string) (Record, error)
	// Put stores a value durably and returns its revision. It returns ErrRevision
	// unless the record is at the given revision; 0 means that there must be none.
	Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// Delete removes a record durably. It returns ErrRevision unless the record is at
	// the given revision.
	Delete(ctx context.Context, key string, revision uint64) error
	// List returns the records whose keys begin with a prefix, which is empty or ends
	// with a slash, and come after a key, in the order of the keys' bytes.
	List(ctx context.Context, prefix, after string, limit int) ([]Record, error)
	// Watch calls fn with each change under a prefix from now on, by any node, until
	// stop is called. The changes of one key come in order; changes that follow one
	// another closely may come as the last of them. A deleted record has a nil Value
	// and the revision of its deletion. The conditions of Journal.Tail apply to fn and
	// stop. A caller who lists after Watch has returned misses nothing.
	Watch(ctx context.Context, prefix string, fn func([]Record)) (stop func(), err error)
}

// Record is a value stored in State. The value is shared and must not be changed.
type Record struct {
	Key      string
	Value    []byte
	Revision uint64
}
