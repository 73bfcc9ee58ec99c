package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	metaBucket = "CHATROOM_META"
	markKey    = "mark"
)

// highwater describes the log as of some seconds ago. It is stored apart from the log, so that
// a log that has become shorter is noticed.
type highwater struct {
	// Epoch is that of the log. Replaced is the one before it, which the stream may
	// still have when the node that changed it was interrupted.
	Epoch    string `json:"epoch"`
	Replaced string `json:"replaced,omitempty"`
	// Last is a sequence that the log has reached.
	Last uint64 `json:"last"`
	// Scrubbed is the sequence up to which all that was deleted is erased from the stream.
	Scrubbed uint64 `json:"scrubbed"`
	// Trimmed says that events were dropped because all rooms together were too
	// large.
	Trimmed bool `json:"trimmed,omitempty"`
	// LeastRoomEvents is the least Config.RoomEvents that the store was opened with.
	LeastRoomEvents int `json:"least_room_events,omitempty"`
}

// mark is the high-water mark that all nodes share.
type mark struct {
	bucket jetstream.KeyValue
	source source // of the bucket

	mu       sync.Mutex // guards below
	value    highwater
	revision uint64 // 0 when there is none
}

func openMark(ctx context.Context, s *Store) (*mark, error) {
	bucket, err := s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: metaBucket, Replicas: s.config.Replicas, Storage: jetstream.FileStorage,
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", metaBucket, err)
	}
	m := &mark{bucket: bucket, source: source{s.conn, s.requester, s.js, "KV_" + metaBucket}}
	return m, m.load(ctx)
}

// load reads from the leader: an outdated mark would look like a loss of events.
func (m *mark) load(ctx context.Context) error {
	var value highwater
	stored, found, err := m.source.last(ctx, "$KV."+metaBucket+"."+markKey)
	if err == nil && found {
		err = json.Unmarshal(stored.data, &value)
	}
	if err != nil {
		return fmt.Errorf("read the high-water mark, key %q of bucket %s: %w", markKey, metaBucket, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.value, m.revision = value, stored.sequence
	return nil
}

func (m *mark) get() highwater {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.value
}

// change changes the mark, and retries when another node has changed it meanwhile. The
// function returns false to leave the mark as it is.
func (m *mark) change(ctx context.Context, change func(*highwater) bool) error {
	for {
		m.mu.Lock()
		next, revision := m.value, m.revision
		m.mu.Unlock()
		if !change(&next) {
			return nil
		}
		text, err := json.Marshal(next)
		if err != nil {
			return err
		}
		revision, err = m.bucket.Update(ctx, markKey, text, revision)
		if err == nil {
			m.mu.Lock()
			m.value, m.revision = next, revision
			m.mu.Unlock()
			return nil
		}
		if !isConflict(err) {
			return fmt.Errorf("write the high-water mark: %w", err)
		}
		if err := m.load(ctx); err != nil {
			return err
		}
	}
}

// isConflict reports whether a write was refused because a record has changed.
func isConflict(err error) bool {
	c := code(err)
	return c == jetstream.JSErrCodeStreamWrongLastSequence || c == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}
