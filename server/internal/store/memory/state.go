package memory

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/tidwall/btree"

	"chatroom/server/internal/chat"
)

// state is the records of a store.
type state struct {
	mu       sync.Mutex                     // guards below; taken after feed.delivering
	records  btree.Map[string, chat.Record] // by key
	revision uint64
	watches  feed[chat.Record]
	closed   bool
}

// Get implements chat.State.
func (s *Store) Get(ctx context.Context, key string) (chat.Record, error) {
	if err := chat.CheckKey(key); err != nil {
		return chat.Record{}, err
	}
	st := &s.state
	if err := st.lock(ctx); err != nil {
		return chat.Record{}, err
	}
	defer st.mu.Unlock()
	r, found := st.records.Get(key)
	if !found {
		return chat.Record{}, chat.ErrNoRecord
	}
	return r, nil
}

// Put implements chat.State.
func (s *Store) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if err := errors.Join(chat.CheckKey(key), chat.CheckValue(value)); err != nil {
		return 0, err
	}
	// Not nil, even if it is empty: nil is the value of a deleted record.
	return s.state.change(ctx, chat.Record{Key: key, Value: append([]byte{}, value...)}, revision)
}

// Delete implements chat.State.
func (s *Store) Delete(ctx context.Context, key string, revision uint64) error {
	if err := chat.CheckKey(key); err != nil {
		return err
	}
	_, err := s.state.change(ctx, chat.Record{Key: key}, revision)
	return err
}

// List implements chat.State.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]chat.Record, error) {
	if err := chat.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	st := &s.state
	if err := st.lock(ctx); err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	var list []chat.Record
	st.records.Ascend(max(prefix, after), func(key string, r chat.Record) bool {
		switch {
		case key == after:
			return true
		case len(list) == limit || !strings.HasPrefix(key, prefix):
			return false
		}
		list = append(list, r)
		return true
	})
	return list, nil
}

// Watch implements chat.State. Writers call fn.
func (s *Store) Watch(ctx context.Context, prefix string, fn func([]chat.Record)) (func(), error) {
	if err := chat.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	st := &s.state
	if err := st.lock(ctx); err != nil {
		return nil, err
	}
	defer st.mu.Unlock()
	from := st.revision
	return st.watches.listen(&st.mu, fn, func(r chat.Record) bool {
		return r.Revision > from && strings.HasPrefix(r.Key, prefix)
	}), nil
}

// change stores a record, or deletes it if the value is nil.
func (st *state) change(ctx context.Context, r chat.Record, revision uint64) (uint64, error) {
	if err := st.lock(ctx); err != nil {
		return 0, err
	}
	old, found := st.records.Get(r.Key)
	if old.Revision != revision || r.Value == nil && !found {
		st.mu.Unlock()
		return 0, chat.ErrRevision
	}
	st.revision++
	r.Revision = st.revision
	if r.Value == nil {
		st.records.Delete(r.Key)
	} else {
		st.records.Set(r.Key, r)
	}
	if st.watches.used() {
		st.watches.pending = append(st.watches.pending, r)
	}
	st.mu.Unlock()

	st.watches.deliver(&st.mu)
	return r.Revision, nil
}

func (st *state) close() {
	st.mu.Lock()
	st.closed = true
	st.watches.end()
	st.mu.Unlock()
	st.watches.await()
}

// lock locks mu, unless ctx has ended or the store is closed.
func (st *state) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.mu.Lock()
	if st.closed {
		st.mu.Unlock()
		return chat.ErrStoreClosed
	}
	return nil
}
