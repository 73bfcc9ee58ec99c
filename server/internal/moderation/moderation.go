package moderation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
)

// MaxDenials is how many bans and mutes a room may have that have not ended.
const MaxDenials = 1_000

var (
	// ErrTooMany is returned for a ban or a mute of a room that has MaxDenials.
	ErrTooMany = errors.New("moderation: the room has as many bans and mutes as a room may have")
	// ErrNoDenial is returned for a ban or a mute that does not exist.
	ErrNoDenial = errors.New("moderation: there is no such ban or mute")
)

const (
	chunk         = 500 // records that are listed at a time
	sweepInterval = time.Minute
)

// Config is what a Moderation is made of.
type Config struct {
	State   chat.State
	Denials *policy.Denials
	// Changed is called after a ban or a mute has come into force, was replaced, or has
	// been lifted. It must not block.
	Changed func(policy.Denial)
	Log     *slog.Logger // nil means slog.Default
}

// Moderation keeps policy.Denials as they are stored. All methods are safe for concurrent
// use. Create it with Open.
type Moderation struct {
	config  Config
	stop    func() // ends the watch
	cancel  context.CancelFunc
	sweeper sync.WaitGroup

	mu        sync.Mutex           // guards below
	revisions map[string]revision  // by key
	rooms     map[string]int       // how many denials there are of a room
	acts      map[string]int       // how many acts were recorded in a room since the last prune
	ids       map[string]recordKey // by the ID of the denial
}

// revision is that of a record. One of a record that was deleted is kept for a moment, as
// the store may still report an earlier one.
type revision struct {
	number  uint64
	exists  bool
	applied time.Time
}

// recordKey says where a denial is stored.
type recordKey struct{ key, room string }

// Open has the denials that are stored in force when it returns, and follows them until
// Close.
func Open(ctx context.Context, c Config) (*Moderation, error) {
	if c.Changed == nil {
		c.Changed = func(policy.Denial) {}
	}
	c.Log = cmp.Or(c.Log, slog.Default())
	m := &Moderation{
		config: c, revisions: make(map[string]revision), rooms: make(map[string]int),
		acts: make(map[string]int), ids: make(map[string]recordKey),
	}
	var err error
	m.stop, err = c.State.Watch(context.WithoutCancel(ctx), denialsPrefix, func(records []chat.Record) {
		for _, r := range records {
			m.apply(r)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("watch bans and mutes: %w", err)
	}
	for after, last := "", false; !last; {
		records, err := c.State.List(ctx, denialsPrefix, after, chunk)
		if err != nil {
			m.stop()
			return nil, fmt.Errorf("list bans and mutes: %w", err)
		}
		for _, r := range records {
			m.apply(r)
			after = r.Key
		}
		last = len(records) < chunk
	}
	ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	m.sweeper.Go(func() { m.sweep(ctx) })
	return m, nil
}

// Close stops following the store. It is called before the store is closed.
func (m *Moderation) Close() {
	m.cancel()
	m.sweeper.Wait()
	m.stop()
}

// Ban stores a ban that ends at a time, never if that is zero, and has it in force when it
// returns. It returns ErrTooMany.
func (m *Moderation) Ban(ctx context.Context, room string, s Subject, until time.Time, reason, by string) (policy.Denial, error) {
	act := Act{Action: Ban, Room: room, By: by, Subject: s, Until: until, Reason: reason}
	return m.deny(ctx, act, policy.Ban, false)
}

// Mute is Ban for a mute.
func (m *Moderation) Mute(ctx context.Context, room string, s Subject, until time.Time, reason, by string) (policy.Denial, error) {
	act := Act{Action: Mute, Room: room, By: by, Subject: s, Until: until, Reason: reason}
	return m.deny(ctx, act, policy.Mute, false)
}

// Kick is a short Ban, which does not shorten one that there is.
func (m *Moderation) Kick(ctx context.Context, room string, s Subject, until time.Time, reason, by string) (policy.Denial, error) {
	act := Act{Action: Kick, Room: room, By: by, Subject: s, Until: until, Reason: reason}
	return m.deny(ctx, act, policy.Ban, true)
}

func (m *Moderation) deny(ctx context.Context, act Act, effect policy.Effect, extends bool) (policy.Denial, error) {
	if act.Subject.Address.IsValid() {
		act.Subject.Address = policy.Network(act.Subject.Address)
	}
	pattern, err := policy.ParsePattern(act.Room)
	if err != nil {
		return policy.Denial{}, err
	}
	d := policy.Denial{
		ID: denialID(act.Room, effect, act.Subject), Effect: effect, Rooms: pattern, Member: act.Subject.Member, Address: act.Subject.Address,
		Until: act.Until, Reason: act.Reason, By: act.By,
	}
	value, err := encodeDenial(d)
	if err != nil {
		return policy.Denial{}, err
	}
	key := denialKey(act.Room, d.ID)
	if !m.hasSpace(act.Room, key) {
		return policy.Denial{}, ErrTooMany
	}
	if err := m.Record(ctx, act); err != nil {
		return policy.Denial{}, err
	}
	for {
		record, err := m.config.State.Get(ctx, key)
		if err != nil && !errors.Is(err, chat.ErrNoRecord) {
			return policy.Denial{}, fmt.Errorf("read the %s: %w", effect, err)
		}
		if extends && record.Value != nil {
			if former, err := decodeDenial(key, record.Value); err == nil && lastsLonger(former, d, time.Now()) {
				return former, nil
			}
		}
		revision, err := m.config.State.Put(ctx, key, value, record.Revision)
		if errors.Is(err, chat.ErrRevision) {
			continue
		}
		if err != nil {
			return policy.Denial{}, fmt.Errorf("store the %s: %w", effect, err)
		}
		m.apply(chat.Record{Key: key, Value: value, Revision: revision}) // before the watch reports it
		return d, nil
	}
}

// hasSpace reports whether a room may have a denial with a key.
func (m *Moderation) hasSpace(room, key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revisions[key].exists || m.rooms[room] < MaxDenials
}

// Unban ends a ban or a kick. It returns ErrNoDenial.
func (m *Moderation) Unban(ctx context.Context, room string, s Subject, reason, by string) error {
	return m.lift(ctx, Act{Action: Unban, Room: room, By: by, Subject: s, Reason: reason}, policy.Ban)
}

// Unmute ends a mute. It returns ErrNoDenial.
func (m *Moderation) Unmute(ctx context.Context, room string, s Subject, reason, by string) error {
	return m.lift(ctx, Act{Action: Unmute, Room: room, By: by, Subject: s, Reason: reason}, policy.Mute)
}

func (m *Moderation) lift(ctx context.Context, act Act, effect policy.Effect) error {
	if act.Subject.Address.IsValid() {
		act.Subject.Address = policy.Network(act.Subject.Address)
	}
	key := denialKey(act.Room, denialID(act.Room, effect, act.Subject))
	for recorded := false; ; recorded = true {
		record, err := m.config.State.Get(ctx, key)
		if errors.Is(err, chat.ErrNoRecord) {
			return ErrNoDenial
		}
		if err != nil {
			return fmt.Errorf("read the %s: %w", effect, err)
		}
		if !recorded {
			if err := m.Record(ctx, act); err != nil {
				return err
			}
		}
		err = m.config.State.Delete(ctx, key, record.Revision)
		if errors.Is(err, chat.ErrRevision) {
			continue
		}
		if err != nil {
			return fmt.Errorf("end the %s: %w", effect, err)
		}
		m.apply(chat.Record{Key: key, Revision: record.Revision + 1})
		return nil
	}
}

// List returns up to limit denials of a room that have not ended, which come after a
// token, and the token of the next page: empty on the last one.
func (m *Moderation) List(ctx context.Context, room, after string, limit int) (denials []policy.Denial, next string, err error) {
	prefix := denialsPrefix + room + "/"
	records, err := m.config.State.List(ctx, prefix, afterKey(prefix, after), limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list bans and mutes: %w", err)
	}
	if len(records) > limit {
		records = records[:limit]
		next = strings.TrimPrefix(records[limit-1].Key, prefix)
	}
	now := time.Now()
	for _, r := range records {
		d, err := decodeDenial(r.Key, r.Value)
		if err != nil {
			m.config.Log.Error("a stored ban or mute can't be read", "key", r.Key, "err", err)
			continue
		}
		if d.Until.IsZero() || now.Before(d.Until) {
			denials = append(denials, d)
		}
	}
	return denials, next, nil
}

// afterKey returns the key that a page of the records under a prefix follows.
func afterKey(prefix, token string) string {
	if token == "" {
		return ""
	}
	return prefix + token
}

// apply applies a record, unless a newer one with its key was applied before.
func (m *Moderation) apply(r chat.Record) {
	room, id, ok := strings.Cut(strings.TrimPrefix(r.Key, denialsPrefix), "/")
	if !ok {
		return
	}
	var d policy.Denial
	if r.Value != nil {
		var err error
		if d, err = decodeDenial(r.Key, r.Value); err != nil {
			m.config.Log.Error("a stored ban or mute can't be read", "key", r.Key, "err", err)
			return
		}
	}
	m.mu.Lock()
	known := m.revisions[r.Key]
	if r.Revision <= known.number {
		m.mu.Unlock()
		return
	}
	changed := true
	if r.Value == nil {
		delete(m.ids, id)
		d, changed = m.config.Denials.Get(id)
		m.config.Denials.Remove(id)
	} else {
		m.ids[id] = recordKey{r.Key, room}
		if err := m.config.Denials.Put(d); err != nil {
			m.config.Log.Error("a stored ban or mute can't be applied", "key", r.Key, "err", err)
		}
	}
	m.revisions[r.Key] = revision{r.Revision, r.Value != nil, time.Now()}
	m.countLocked(room, known.exists, r.Value != nil)
	m.mu.Unlock()
	if changed {
		m.config.Changed(d)
	}
}

func (m *Moderation) countLocked(room string, before, after bool) {
	switch {
	case after && !before:
		m.rooms[room]++
	case before && !after:
		if m.rooms[room]--; m.rooms[room] <= 0 {
			delete(m.rooms, room)
		}
	}
}

// sweep removes the denials that have ended, at an interval, until ctx ends.
func (m *Moderation) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		m.removeEnded(ctx, time.Now())
	}
}

func (m *Moderation) removeEnded(ctx context.Context, now time.Time) {
	m.mu.Lock()
	maps.DeleteFunc(m.revisions, func(_ string, r revision) bool { return !r.exists && now.Sub(r.applied) > sweepInterval })
	m.mu.Unlock()
	for _, d := range m.config.Denials.All() {
		if d.Until.IsZero() || now.Before(d.Until) {
			continue
		}
		m.mu.Lock()
		at := m.ids[d.ID]
		revision := m.revisions[at.key].number
		m.mu.Unlock()
		if at.key == "" {
			continue
		}
		err := m.config.State.Delete(ctx, at.key, revision)
		switch {
		case err == nil:
			m.apply(chat.Record{Key: at.key, Revision: revision + 1})
		case !errors.Is(err, chat.ErrRevision) && !errors.Is(err, chat.ErrNoRecord) && ctx.Err() == nil:
			m.config.Log.Warn("a ban or mute that has ended can't be removed", "key", at.key, "err", err)
		}
	}
}
