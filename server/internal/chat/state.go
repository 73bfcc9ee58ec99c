package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrNoRecord is returned for a key without a record.
	ErrNoRecord = errors.New("chat: the record does not exist")
	// ErrRevision is returned when a record is not at the revision that a write expected.
	ErrRevision = errors.New("chat: the record has another revision")
)

// State stores small records under keys, such as the profiles of rooms. Retention
// of events does not apply to it.
//
// A key is 1 to MaxKey bytes: segments of text without control characters, none of them
// empty, separated by slashes. A value is at most MaxValue bytes. Revisions grow
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

// The bounds of records.
const (
	MaxKey   = 512      // bytes of a key, and of a prefix
	MaxValue = 64 << 10 // bytes of a value
)

// ErrInvalidRecord is returned for a key, a prefix or a value that State does not allow.
var ErrInvalidRecord = errors.New("chat: invalid record")

// CheckKey returns ErrInvalidRecord for a string that is not a valid key.
func CheckKey(key string) error {
	if len(key) > MaxKey || !isKey(key) {
		return fmt.Errorf("%w: key %.600q must be 1 to %d bytes of text without control characters, and without empty segments", ErrInvalidRecord, key, MaxKey)
	}
	return nil
}

// CheckPrefix returns ErrInvalidRecord for a string that is not a valid prefix of keys.
func CheckPrefix(prefix string) error {
	key, slash := strings.CutSuffix(prefix, "/")
	if prefix != "" && (!slash || len(prefix) > MaxKey || !isKey(key)) {
		return fmt.Errorf("%w: prefix %.600q must be empty, or segments of a key with a slash after each", ErrInvalidRecord, prefix)
	}
	return nil
}

// CheckValue returns ErrInvalidRecord for a value that is too large.
func CheckValue(value []byte) error {
	if len(value) > MaxValue {
		return fmt.Errorf("%w: value must be at most %d bytes, not %d", ErrInvalidRecord, MaxValue, len(value))
	}
	return nil
}

// isKey reports whether a string is segments that are separated by slashes.
func isKey(s string) bool {
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "" || !utf8.ValidString(segment) || strings.ContainsFunc(segment, unicode.IsControl) {
			return false
		}
	}
	return true
}
