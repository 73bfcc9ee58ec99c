package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"chatroom/server/internal/chat"
)

const (
	stateBucket = "CHATROOM_STATE"
	stateStream = "KV_" + stateBucket
	statePrefix = "$KV." + stateBucket + "." // + key: where the bucket stores a record
	watchPrefix = "chatroom.state."          // + key: what was stored

	// markerAge is how long the bucket keeps the marker of a deletion. A watch that is
	// disconnected for longer misses the deletion.
	markerAge = 24 * time.Hour
	// subjectWait is how long a write waits for the one before it to the same key.
	subjectWait = 2 * time.Millisecond

	operationHeader = "KV-Operation" // of a deletion
)

// state is the records of a store, in a bucket.
type state struct {
	bucket  jetstream.KeyValue
	records source
	feed    *feed
	barrier *barrier

	mu      sync.Mutex // guards below
	watches []*watch
}

func openState(ctx context.Context, s *Store) (*state, error) {
	bucket, err := s.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket:         stateBucket,
		History:        1,
		Replicas:       s.config.Replicas,
		Storage:        jetstream.FileStorage,
		LimitMarkerTTL: markerAge,
		RePublish:      &jetstream.RePublish{Source: statePrefix + ">", Destination: watchPrefix + ">"},
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", stateBucket, err)
	}
	st := &state{bucket: bucket, records: source{s.conn, s.requester, s.js, stateStream}}
	st.feed = newFeed(st.records, watchPrefix+">", s.log, st.receive)
	st.barrier = newBarrier(st.feed)
	end, err := st.records.state(ctx)
	if err != nil {
		return nil, err
	}
	return st, st.feed.open(ctx, end.LastSeq)
}

// Get implements chat.State.
func (s *Store) Get(ctx context.Context, key string) (chat.Record, error) {
	if err := errors.Join(chat.CheckKey(key), s.check(ctx)); err != nil {
		return chat.Record{}, err
	}
	r, err := s.state.get(ctx, key)
	if errors.Is(err, chat.ErrNoRecord) {
		return r, err
	}
	return r, s.failed(ctx, fmt.Sprintf("get %q", key), err)
}

func (st *state) get(ctx context.Context, key string) (chat.Record, error) {
	m, found, err := st.records.last(ctx, statePrefix+encodeKey(key))
	if err != nil {
		return chat.Record{}, err
	}
	if !found || isDeletion(m) {
		return chat.Record{}, chat.ErrNoRecord
	}
	return toRecord(m), nil
}

// Put implements chat.State.
func (s *Store) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if err := errors.Join(chat.CheckKey(key), chat.CheckValue(value)); err != nil {
		return 0, err
	}
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	at, err := s.state.put(ctx, key, value, revision)
	if err == nil {
		err = s.state.feed.wait(ctx, at)
	}
	if errors.Is(err, chat.ErrRevision) {
		return 0, err
	}
	return at, s.failed(ctx, fmt.Sprintf("put %q", key), err)
}

func (st *state) put(ctx context.Context, key string, value []byte, revision uint64) (at uint64, err error) {
	err = st.write(ctx, key, revision, func(ctx context.Context, last uint64) (err error) {
		at, err = st.bucket.Update(ctx, encodeKey(key), value, last)
		return err
	})
	return at, err
}

// write calls attempt with the sequence of a key's newest message if the key's
// record is at a revision, and returns chat.ErrRevision if it is not.
//
// A cluster acknowledges a message before it accepts the next one for the same
// subject, and refuses what arrives in between. write repeats such an attempt.
func (st *state) write(ctx context.Context, key string, revision uint64, attempt func(ctx context.Context, last uint64) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for {
		last, err := st.expect(ctx, key, revision)
		if err != nil {
			return err
		}
		err = attempt(ctx, last)
		if code(err) == jetstream.JSErrCodeStreamWrongLastSequence {
			return chat.ErrRevision
		}
		if code(err) != jetstream.JSErrCodeStreamWrongLastSequenceConstant {
			return err
		}
		select {
		case <-time.After(subjectWait):
		case <-ctx.Done():
			return err
		}
	}
}

// expect returns the sequence of a key's newest message, which may be a deletion, if
// the key's record is at a revision.
func (st *state) expect(ctx context.Context, key string, revision uint64) (last uint64, err error) {
	m, found, err := st.records.last(ctx, statePrefix+encodeKey(key))
	if err != nil {
		return 0, err
	}
	at := m.sequence
	if !found || isDeletion(m) {
		at = 0
	}
	if at != revision {
		return 0, chat.ErrRevision
	}
	return m.sequence, nil
}

// Delete implements chat.State.
func (s *Store) Delete(ctx context.Context, key string, revision uint64) error {
	if err := errors.Join(chat.CheckKey(key), s.check(ctx)); err != nil {
		return err
	}
	err := s.state.remove(ctx, key, revision)
	if errors.Is(err, chat.ErrRevision) {
		return err
	}
	return s.failed(ctx, fmt.Sprintf("delete %q", key), err)
}

func (st *state) remove(ctx context.Context, key string, revision uint64) error {
	if revision == 0 {
		return chat.ErrRevision
	}
	err := st.write(ctx, key, revision, func(ctx context.Context, last uint64) error {
		return st.bucket.Purge(ctx, encodeKey(key), jetstream.LastRevision(last), jetstream.PurgeTTL(markerAge))
	})
	if err != nil {
		return err
	}
	// The bucket does not say at which revision it has stored the deletion.
	m, found, err := st.records.last(ctx, statePrefix+encodeKey(key))
	if err != nil || !found {
		return err
	}
	return st.feed.wait(ctx, m.sequence)
}

// List implements chat.State. It asks for the names of all keys under the prefix.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]chat.Record, error) {
	if err := errors.Join(chat.CheckPrefix(prefix), s.check(ctx)); err != nil {
		return nil, err
	}
	list, err := s.state.list(ctx, prefix, after, limit)
	return list, s.failed(ctx, fmt.Sprintf("list %q", prefix), err)
}

func (st *state) list(ctx context.Context, prefix, after string, limit int) (list []chat.Record, err error) {
	subjects, err := st.records.subjects(ctx, statePrefix+encodePrefix(prefix))
	if err != nil {
		return nil, err
	}
	var keys []string
	for subject := range subjects {
		if key := decodeKey(strings.TrimPrefix(subject, statePrefix)); key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for len(keys) > 0 && len(list) < limit {
		// Some records may be deleted meanwhile.
		n := min(limit-len(list), len(keys))
		found, err := st.getAll(ctx, keys[:n])
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
		keys = keys[n:]
	}
	return list, nil
}

// getAll returns the records of keys, without those that do not exist.
func (st *state) getAll(ctx context.Context, keys []string) ([]chat.Record, error) {
	records := make([]chat.Record, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxRequests)
	for i, key := range keys {
		group.Go(func() (err error) {
			records[i], err = st.get(ctx, key)
			if errors.Is(err, chat.ErrNoRecord) {
				return nil
			}
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(records, func(r chat.Record) bool { return r.Revision == 0 }), err
}

// watch follows the records under a prefix.
type watch struct {
	work
	prefix string
	fn     func([]chat.Record)

	mu      sync.Mutex // guards below
	changed map[string]chat.Record
}

// Watch implements chat.State.
func (s *Store) Watch(ctx context.Context, prefix string, fn func([]chat.Record)) (func(), error) {
	if err := errors.Join(chat.CheckPrefix(prefix), s.check(ctx)); err != nil {
		return nil, err
	}
	if err := s.state.barrier.wait(ctx); err != nil {
		return nil, s.failed(ctx, fmt.Sprintf("watch %q", prefix), err)
	}
	w := &watch{prefix: prefix, fn: fn, changed: make(map[string]chat.Record)}
	w.work = work{pool: s.pool, do: w.deliver}
	st := s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	st.watches = append(st.watches, w)
	return func() {
		st.mu.Lock()
		st.watches = slices.DeleteFunc(st.watches, func(other *watch) bool { return other == w })
		st.mu.Unlock()
		w.stop()
	}, nil
}

// receive handles a batch of the bucket's feed.
func (st *state) receive(batch []message, _ uint64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, m := range batch {
		if !strings.HasPrefix(m.subject, statePrefix) {
			continue
		}
		r := toRecord(m)
		for _, w := range st.watches {
			if strings.HasPrefix(r.Key, w.prefix) {
				w.add(r)
			}
		}
	}
}

func (w *watch) add(r chat.Record) {
	w.mu.Lock()
	w.changed[r.Key] = r
	w.mu.Unlock()
	w.wake()
}

// deliver calls the function with the last of the changes of each key.
func (w *watch) deliver() {
	w.mu.Lock()
	records := make([]chat.Record, 0, len(w.changed))
	for _, r := range w.changed {
		records = append(records, r)
	}
	clear(w.changed)
	w.mu.Unlock()
	slices.SortFunc(records, func(a, b chat.Record) int { return cmp.Compare(a.Revision, b.Revision) })
	if len(records) > 0 {
		w.fn(records)
	}
}

func isDeletion(m message) bool {
	return m.header.Get(operationHeader) != "" || m.header.Get(jetstream.MarkerReasonHeader) != ""
}

func toRecord(m message) chat.Record {
	r := chat.Record{Key: decodeKey(strings.TrimPrefix(m.subject, statePrefix)), Revision: m.sequence}
	if !isDeletion(m) {
		r.Value = append([]byte{}, m.data...) // not nil, even if it is empty
	}
	return r
}

// encodeKey returns a key as the bucket has it: a token for each segment.
func encodeKey(key string) string {
	segments := strings.Split(key, "/")
	for i, segment := range segments {
		segments[i] = escape(segment)
	}
	return strings.Join(segments, ".")
}

func decodeKey(key string) string {
	segments := strings.Split(key, ".")
	for i, segment := range segments {
		segments[i] = unescape(segment)
	}
	return strings.Join(segments, "/")
}

// encodePrefix returns the filter of the keys that begin with a prefix.
func encodePrefix(prefix string) string {
	if prefix == "" {
		return ">"
	}
	return encodeKey(strings.TrimSuffix(prefix, "/")) + ".>"
}
