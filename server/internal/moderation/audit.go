package moderation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"chatroom/server/internal/chat"
)

const (
	// MaxActs is how many acts are kept of a room, the newest ones.
	MaxActs = 1_000
	// pruneEvery is how many acts of a room are recorded before older ones are looked for:
	// up to so many more than MaxActs are kept for each node.
	pruneEvery = 64

	auditPrefix = "audit/" // audit/ROOM/ID
)

// Action is what a moderator has done.
type Action string

const (
	Ban    Action = "ban"
	Unban  Action = "unban"
	Mute   Action = "mute"
	Unmute Action = "unmute"
	Kick   Action = "kick"
	Delete Action = "delete" // a message
)

// Act is what a moderator has done.
type Act struct {
	Time    time.Time // set by Record
	Action  Action
	Room    string
	By      string // the member id of the moderator
	Subject Subject
	Until   time.Time // when a ban, a kick or a mute ends; zero for never
	Reason  string
	Target  uint64 // the sequence of the message, of a deletion
}

// storedAct is the stored form of an Act.
type storedAct struct {
	Time    time.Time `json:"time"`
	Action  Action    `json:"action"`
	By      string    `json:"by"`
	Member  string    `json:"member,omitempty"`
	Address string    `json:"address,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Reason  string    `json:"reason,omitempty"`
	Target  uint64    `json:"target,omitempty"`
}

// Record stores an act.
func (m *Moderation) Record(ctx context.Context, a Act) error {
	s := storedAct{Time: time.Now().UTC(), Action: a.Action, By: a.By, Member: a.Subject.Member, Until: a.Until, Reason: a.Reason, Target: a.Target}
	if a.Subject.Address.IsValid() {
		s.Address = a.Subject.Address.String()
	}
	value, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("record an act: %w", err)
	}
	// The newest one comes first in the order of keys.
	key := fmt.Sprintf("%s%s/%016x-%s", auditPrefix, a.Room, math.MaxInt64-s.Time.UnixNano(), strings.ToLower(rand.Text()[:8]))
	if _, err := m.config.State.Put(ctx, key, value, 0); err != nil {
		return fmt.Errorf("record an act: %w", err)
	}
	// A moderator can displace a record by MaxActs other acts, and no line of the log.
	m.config.Log.InfoContext(ctx, "a moderator acts", "action", a.Action, "room", a.Room, "moderator", a.By,
		"subject", a.Subject, "message", a.Target, "reason", a.Reason)
	m.mu.Lock()
	prune := m.acts[a.Room]%pruneEvery == 0
	m.acts[a.Room]++
	m.mu.Unlock()
	if prune {
		if err := m.prune(ctx, a.Room); err != nil {
			m.config.Log.Warn("old records of moderators can't be removed", "room", a.Room, "err", err)
		}
	}
	return nil
}

// prune removes the acts of a room that are beyond MaxActs.
func (m *Moderation) prune(ctx context.Context, room string) error {
	prefix := auditPrefix + room + "/"
	for after, kept := "", 0; ; {
		records, err := m.config.State.List(ctx, prefix, after, chunk)
		if err != nil {
			return err
		}
		for _, r := range records {
			after = r.Key
			if kept++; kept <= MaxActs {
				continue
			}
			if err := m.config.State.Delete(ctx, r.Key, r.Revision); err != nil && !errors.Is(err, chat.ErrRevision) && !errors.Is(err, chat.ErrNoRecord) {
				return err
			}
		}
		if len(records) < chunk {
			return nil
		}
	}
}

// Audit returns up to limit acts in a room, the newest first, which come after a token, and
// the token of the next page: empty on the last one.
func (m *Moderation) Audit(ctx context.Context, room, after string, limit int) (acts []Act, next string, err error) {
	prefix := auditPrefix + room + "/"
	records, err := m.config.State.List(ctx, prefix, afterKey(prefix, after), limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list what moderators have done: %w", err)
	}
	if len(records) > limit {
		records = records[:limit]
		next = strings.TrimPrefix(records[limit-1].Key, prefix)
	}
	for _, r := range records {
		var s storedAct
		if err := json.Unmarshal(r.Value, &s); err != nil {
			m.config.Log.Error("a record of moderators can't be read", "key", r.Key, "err", err)
			continue
		}
		a := Act{Time: s.Time, Action: s.Action, Room: room, By: s.By, Subject: Subject{Member: s.Member}, Until: s.Until, Reason: s.Reason, Target: s.Target}
		if s.Address != "" {
			a.Subject.Address, _ = netip.ParsePrefix(s.Address) // an invalid one is shown as none
		}
		acts = append(acts, a)
	}
	return acts, next, nil
}
