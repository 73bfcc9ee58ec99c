package revocation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
)

// MaxRevocations is how many revocations there may be.
const MaxRevocations = 100_000

// ErrTooMany is returned when there are MaxRevocations already.
var ErrTooMany = fmt.Errorf("revocation: there are %d already", MaxRevocations)

const (
	pageSize      = 500
	cleanInterval = time.Hour
)

// Config is what a List needs. The zero value works.
type Config struct {
	Log *slog.Logger // nil discards
	// Revoked is called with each revocation that any node adds: streams of callers that
	// it covers are to be ended. It must not block.
	Revoked func(Revocation)
}

// List knows the revocations in a State. All methods are safe for concurrent use.
type List struct {
	state   chat.State
	log     *slog.Logger
	revoked func(Revocation)

	stopWatch func()
	stop      context.CancelFunc
	wg        sync.WaitGroup

	mu      sync.RWMutex         // guards below
	byKey   map[string]*stored   // by the key of the record
	tokens  map[tokenKey]*stored // the same ones by what they are about
	members map[string]*stored
}

type tokenKey struct{ issuer, id string }

type stored struct {
	Revocation
	revision uint64
}

// Open loads the revocations, and follows their changes until Close.
func Open(ctx context.Context, state chat.State, c Config) (*List, error) {
	l := &List{
		state: state, log: c.Log, revoked: c.Revoked,
		byKey: make(map[string]*stored), tokens: make(map[tokenKey]*stored), members: make(map[string]*stored),
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.revoked == nil {
		l.revoked = func(Revocation) {}
	}
	var err error
	l.stopWatch, err = state.Watch(context.WithoutCancel(ctx), prefix, func(records []chat.Record) {
		for _, r := range records {
			l.apply(r)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("watch revocations: %w", err)
	}
	if err := l.load(ctx); err != nil {
		l.stopWatch()
		return nil, fmt.Errorf("list revocations: %w", err)
	}
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.wg.Go(func() { l.cleanUntil(ctx) })
	return l, nil
}

func (l *List) load(ctx context.Context) error {
	for after := ""; ; {
		records, err := l.state.List(ctx, prefix, after, pageSize)
		if err != nil {
			return err
		}
		for _, r := range records {
			l.apply(r)
		}
		if len(records) < pageSize {
			return nil
		}
		after = records[len(records)-1].Key
	}
}

// Close ends the watch, and waits for what runs.
func (l *List) Close() {
	l.stopWatch()
	l.stop()
	l.wg.Wait()
}

// apply takes over what a record says, unless a newer one was taken over before.
func (l *List) apply(record chat.Record) {
	if record.Value == nil {
		l.forget(record.Key, record.Revision)
		return
	}
	r, err := decode(record.Key, record.Value)
	if err != nil {
		l.log.Error("stored revocation can't be read, and has no effect", "key", record.Key, "revision", record.Revision, "err", err)
		return
	}
	l.mu.Lock()
	if former := l.byKey[record.Key]; former != nil && former.revision >= record.Revision {
		l.mu.Unlock()
		return
	}
	s := &stored{r, record.Revision}
	l.byKey[record.Key] = s
	if r.Member != "" {
		l.members[r.Member] = s
	} else {
		l.tokens[tokenKey{r.Issuer, r.TokenID}] = s
	}
	l.mu.Unlock()
	l.revoked(r)
}

func (l *List) forget(key string, revision uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.byKey[key]
	if s == nil || s.revision > revision {
		return
	}
	delete(l.byKey, key)
	delete(l.members, s.Member)
	delete(l.tokens, tokenKey{s.Issuer, s.TokenID})
}

// Revoked reports whether a credential is revoked.
func (l *List) Revoked(c *identity.Credential) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if s := l.members[c.Member.ID]; s != nil && s.Covers(c) {
		return true
	}
	if c.TokenID == "" {
		return false
	}
	return l.tokens[tokenKey{c.Issuer, c.TokenID}] != nil
}

// Add stores a revocation, in addition to one of the same token or member. It is in effect
// here when Add returns. It returns ErrInvalid and ErrTooMany.
func (l *List) Add(ctx context.Context, r Revocation) error {
	if err := r.check(); err != nil {
		return err
	}
	key := r.key()
	for {
		record, err := l.state.Get(ctx, key)
		switch {
		case errors.Is(err, chat.ErrNoRecord):
			if l.full() {
				return ErrTooMany
			}
		case err != nil:
			return fmt.Errorf("read revocation: %w", err)
		default:
			if former, err := decode(key, record.Value); err == nil {
				r = r.with(&former)
			}
		}
		value, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode revocation: %w", err)
		}
		revision, err := l.state.Put(ctx, key, value, record.Revision)
		switch {
		case errors.Is(err, chat.ErrRevision):
			continue // another node has changed it
		case err != nil:
			return fmt.Errorf("store revocation: %w", err)
		}
		l.apply(chat.Record{Key: key, Value: value, Revision: revision}) // the watch may be later
		return nil
	}
}

func (l *List) full() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.byKey) >= MaxRevocations
}

// cleanUntil deletes the revocations that have expired, now and then, until ctx ends.
func (l *List) cleanUntil(ctx context.Context) {
	ticker := time.NewTicker(cleanInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.clean(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// clean deletes what has expired. What can't be deleted now is deleted by a later call.
func (l *List) clean(ctx context.Context) {
	now := time.Now()
	l.mu.RLock()
	expired := make(map[string]uint64)
	for key, s := range l.byKey {
		if s.expired(now) {
			expired[key] = s.revision
		}
	}
	l.mu.RUnlock()
	for key, revision := range expired {
		err := l.state.Delete(ctx, key, revision)
		if err != nil && !errors.Is(err, chat.ErrRevision) && !errors.Is(err, chat.ErrNoRecord) {
			l.log.Warn("revocation that has expired is not deleted", "err", err)
			return
		}
		if err == nil {
			l.forget(key, revision)
		}
	}
}
