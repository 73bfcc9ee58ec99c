package apikey

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"chatroom/server/internal/chat"
)

var (
	// ErrInvalid is returned for what is no key, or not any more.
	ErrInvalid = errors.New("apikey: the key is not valid")
	// ErrUnknown is returned for an id that no key has.
	ErrUnknown = errors.New("apikey: there is no key with this id")
	// ErrTooMany is returned when there are MaxKeys already.
	ErrTooMany = fmt.Errorf("apikey: there are %d keys already", MaxKeys)
)

// MaxKeys is how many keys there may be.
const MaxKeys = 1_000

// The records of keys, and of when they were used. They are apart, so that a use wakes
// nobody who watches keys, and does not come between a key and its revocation.
const (
	keyPrefix = "apikeys/"
	usePrefix = "apikey-uses/"
)

const (
	// useUnit is how precisely it is known when a key was used.
	useUnit = time.Hour
	// writeUses is how often uses are written.
	writeUses = time.Minute
	pageSize  = 500
)

// Config is what Keys need. The zero value works.
type Config struct {
	Log *slog.Logger // nil discards
	// Revoked is called with the id of each key that was revoked, by any node: streams
	// that were opened with it are to be ended. It must not block.
	Revoked func(id string)
}

// Keys knows the API keys in a State. All methods are safe for concurrent use.
type Keys struct {
	state   chat.State
	log     *slog.Logger
	revoked func(id string)

	stopWatch func()
	stop      context.CancelFunc
	wg        sync.WaitGroup

	mu        sync.RWMutex // guards below
	byID      map[string]*Key
	revisions map[string]uint64    // of the records, those of deleted ones among them
	uses      map[string]time.Time // to be written: the hour by key
	written   map[string]time.Time // the hour by key that was written last by this node
}

// Open loads the keys, and follows their changes until Close.
func Open(ctx context.Context, state chat.State, c Config) (*Keys, error) {
	k := &Keys{
		state: state, log: c.Log, revoked: c.Revoked, byID: make(map[string]*Key), revisions: make(map[string]uint64),
		uses: make(map[string]time.Time), written: make(map[string]time.Time),
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	if k.revoked == nil {
		k.revoked = func(string) {}
	}
	var err error
	k.stopWatch, err = state.Watch(context.WithoutCancel(ctx), keyPrefix, func(records []chat.Record) {
		for _, r := range records {
			k.apply(r)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("watch API keys: %w", err)
	}
	records, err := list(ctx, state, keyPrefix)
	if err != nil {
		k.stopWatch()
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	for _, r := range records {
		k.apply(r)
	}
	ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	k.wg.Go(func() { k.writeUses(ctx) })
	return k, nil
}

// Close ends the watch, and writes the uses that are not written yet.
func (k *Keys) Close() {
	k.stopWatch()
	k.stop()
	k.wg.Wait()
}

func list(ctx context.Context, state chat.State, prefix string) ([]chat.Record, error) {
	var all []chat.Record
	for after := ""; ; {
		records, err := state.List(ctx, prefix, after, pageSize)
		if err != nil {
			return nil, err
		}
		all = append(all, records...)
		if len(records) < pageSize {
			return all, nil
		}
		after = records[len(records)-1].Key
	}
}

// apply takes over what a record says, unless a newer one was taken over before.
func (k *Keys) apply(r chat.Record) {
	id := strings.TrimPrefix(r.Key, keyPrefix)
	var key *Key
	if r.Value != nil {
		var err error
		if key, err = decode(id, r.Value); err != nil {
			k.log.Error("stored API key can't be read, and is refused", "id", id, "revision", r.Revision, "err", err)
		}
	}
	k.mu.Lock()
	if r.Revision <= k.revisions[id] {
		k.mu.Unlock()
		return
	}
	k.revisions[id] = r.Revision
	_, was := k.byID[id]
	if key != nil {
		k.byID[id] = key
	} else {
		delete(k.byID, id)
		delete(k.uses, id)
		delete(k.written, id)
	}
	k.mu.Unlock()
	if was && key == nil {
		k.revoked(id)
	}
}

// Create makes a key and returns it with the text that its holder sends, which can't be
// found out later. An error of the Spec says what is wrong.
func (k *Keys) Create(ctx context.Context, s Spec) (*Key, string, error) {
	k.mu.RLock()
	n := len(k.byID)
	k.mu.RUnlock()
	if n >= MaxKeys {
		return nil, "", ErrTooMany
	}
	r, key, sent, err := newKey(s, time.Now())
	if err != nil {
		return nil, "", fmt.Errorf("apikey: %w", err)
	}
	value, err := json.Marshal(r)
	if err != nil {
		return nil, "", fmt.Errorf("encode API key: %w", err)
	}
	revision, err := k.state.Put(ctx, keyPrefix+key.ID, value, 0)
	if err != nil {
		return nil, "", fmt.Errorf("store API key: %w", err)
	}
	// The holder may use it before the watch brings it.
	k.apply(chat.Record{Key: keyPrefix + key.ID, Value: value, Revision: revision})
	return key, sent, nil
}

// Revoke ends a key for good. It returns ErrUnknown.
func (k *Keys) Revoke(ctx context.Context, id string) error {
	if len(id) != encoding.EncodedLen(idSize) || strings.Contains(id, "/") {
		return ErrUnknown
	}
	for {
		r, err := k.state.Get(ctx, keyPrefix+id)
		if err == nil {
			err = k.state.Delete(ctx, keyPrefix+id, r.Revision)
		}
		switch {
		case errors.Is(err, chat.ErrRevision):
			continue // another has changed it
		case errors.Is(err, chat.ErrNoRecord):
			return ErrUnknown
		case err != nil:
			return fmt.Errorf("revoke API key %q: %w", id, err)
		}
		k.forget(id, r.Revision)
		return k.deleteUse(ctx, id)
	}
}

// forget refuses a key whose record was deleted, before the watch tells.
func (k *Keys) forget(id string, revision uint64) {
	k.apply(chat.Record{Key: keyPrefix + id, Revision: revision + 1})
}

func (k *Keys) deleteUse(ctx context.Context, id string) error {
	r, err := k.state.Get(ctx, usePrefix+id)
	if err == nil {
		err = k.state.Delete(ctx, usePrefix+id, r.Revision)
	}
	if err != nil && !errors.Is(err, chat.ErrNoRecord) && !errors.Is(err, chat.ErrRevision) {
		return fmt.Errorf("API key %q is revoked, but the time of its last use is still stored: %w", id, err)
	}
	return nil
}

// Verify returns the key that a caller sends, which is shared and must not be changed,
// or ErrInvalid.
func (k *Keys) Verify(sent string) (*Key, error) {
	id, hash, ok := split(sent)
	if !ok {
		return nil, ErrInvalid
	}
	now := time.Now().UTC().Truncate(useUnit)
	k.mu.RLock()
	key, found := k.byID[id]
	seen := found && (k.written[id].Equal(now) || k.uses[id].Equal(now))
	k.mu.RUnlock()
	if !found || subtle.ConstantTimeCompare(hash[:], key.hash[:]) != 1 {
		return nil, ErrInvalid
	}
	if !seen {
		k.mu.Lock()
		if _, still := k.byID[id]; still {
			k.uses[id] = now
		}
		k.mu.Unlock()
	}
	return key, nil
}

// Has reports whether there is a key with an id, so that what was verified before is still
// valid.
func (k *Keys) Has(id string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.byID[id] != nil
}

// List returns the keys by the time of their creation, with the hour of their last use
// on any node.
func (k *Keys) List(ctx context.Context) ([]Key, error) {
	used, err := list(ctx, k.state, usePrefix)
	if err != nil {
		return nil, fmt.Errorf("list the uses of API keys: %w", err)
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	last := make(map[string]time.Time)
	for _, r := range used {
		if at, err := time.Parse(time.RFC3339, string(r.Value)); err == nil {
			last[strings.TrimPrefix(r.Key, usePrefix)] = at
		}
	}
	keys := make([]Key, 0, len(k.byID))
	for id, key := range k.byID {
		one := *key
		one.LastUsed = last[id]
		if at := k.uses[id]; at.After(one.LastUsed) {
			one.LastUsed = at
		}
		keys = append(keys, one)
	}
	slices.SortFunc(keys, func(a, b Key) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return keys, nil
}

// writeUses writes uses until ctx ends, and once after that.
func (k *Keys) writeUses(ctx context.Context) {
	ticker := time.NewTicker(writeUses)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			k.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
			defer cancel()
			k.flush(last)
			return
		}
	}
}

// closeTimeout is how long Close waits for the store.
const closeTimeout = 2 * time.Second

// flush writes the uses. Those that can't be written are tried again.
func (k *Keys) flush(ctx context.Context) {
	k.mu.RLock()
	pending := maps.Clone(k.uses)
	k.mu.RUnlock()
	for id, at := range pending {
		if err := k.writeUse(ctx, id, at); err != nil {
			k.log.Warn("time of the last use of an API key is not stored", "id", id, "err", err)
			continue
		}
		k.mu.Lock()
		if _, still := k.byID[id]; still {
			k.written[id] = at
		}
		if k.uses[id].Equal(at) {
			delete(k.uses, id)
		}
		k.mu.Unlock()
	}
}

// writeUse stores that a key was used, unless a later use is stored.
func (k *Keys) writeUse(ctx context.Context, id string, at time.Time) error {
	for {
		r, err := k.state.Get(ctx, usePrefix+id)
		if err != nil && !errors.Is(err, chat.ErrNoRecord) {
			return err
		}
		if stored, err := time.Parse(time.RFC3339, string(r.Value)); err == nil && !at.After(stored) {
			return nil
		}
		_, err = k.state.Put(ctx, usePrefix+id, []byte(at.Format(time.RFC3339)), r.Revision)
		if !errors.Is(err, chat.ErrRevision) {
			return err
		}
	}
}
