package chat

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// ErrRoomCreation is returned for a room that there is not, to callers who may not
// make it.
var ErrRoomCreation = errors.New("chat: there is no such room, and the caller may not make it")

// Creation says who may make a room, by being the first to join it or to say
// something in it.
type Creation int

const (
	CreationAnyone  Creation = iota // who comes first
	CreationMembers                 // who has an ID
	CreationNobody                  // the rooms of Config.Rooms, and those made before
)

// unreadEvents bounds how many events are looked at to count a room's unread
// messages.
const unreadEvents = 1_000

// admit returns a *TargetError with ErrRoomCreation if a room does not exist and is not to be made by m.
func (s *Service) admit(ctx context.Context, m Member, room string) error {
	if err := checkRoom("room", room); err != nil {
		return err
	}
	if s.creation == CreationAnyone || s.creation == CreationMembers && m.ID != "" || s.exists(room) {
		return nil
	}
	if err := s.openRegistry(ctx); err != nil {
		return err
	}
	head, err := s.journal.Head(ctx, room)
	if err != nil {
		return fmt.Errorf("head of room %q: %w", room, err)
	}
	if head.Last == 0 && !s.registered(room) {
		return &TargetError{"room", ErrRoomCreation}
	}
	return nil
}

// exists says whether a room without events exists all the same.
func (s *Service) exists(name string) bool {
	if _, lasting := slices.BinarySearch(s.lasting, name); lasting || s.registered(name) {
		return true
	}
	return s.countMembers(name) > 0
}

// RoomInfo describes a room.
type RoomInfo struct {
	Name         string
	Head         uint64    // the newest event's sequence, 0 when there is none
	LastActivity time.Time // when that was accepted; zero when there is none
	Members      int       // connected here
	Profile      Profile
	Unread       int // messages after the cursor that was given, MaxUnread at most; -1 without one
}

// Rooms returns the rooms that come after a name, by name, at most limit of
// them, and whether there are more. For those in seen, it counts the messages after
// the cursor. It returns a *FieldError.
func (s *Service) Rooms(ctx context.Context, after string, limit int, seen map[string]Cursor) (rooms []RoomInfo, more bool, err error) {
	for name := range seen {
		if err := checkRoom("seen.room", name); err != nil {
			return nil, false, err
		}
	}
	if err := s.openRegistry(ctx); err != nil {
		return nil, false, err
	}
	// No room that callers can name comes before this one, but the registry does.
	heads, err := s.journal.Rooms(ctx, max(after, registryRoom), limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("list rooms: %w", err)
	}
	for _, h := range heads {
		rooms = append(rooms, RoomInfo{Name: h.Room, Head: h.Last})
	}
	for _, name := range s.present(after) {
		if at, found := slices.BinarySearchFunc(rooms, name, compareName); !found {
			rooms = slices.Insert(rooms, at, RoomInfo{Name: name})
		}
	}
	if more = len(rooms) > limit; more {
		rooms = rooms[:limit]
	}
	for i := range rooms {
		cursor, asked := seen[rooms[i].Name]
		if err := s.describe(ctx, &rooms[i]); err != nil {
			return nil, false, err
		}
		rooms[i].Unread = -1
		if asked {
			if rooms[i].Unread, err = s.unread(ctx, rooms[i].Name, cursor); err != nil {
				return nil, false, err
			}
		}
	}
	return rooms, more, nil
}

// describe fills in all but what the journal lists.
func (s *Service) describe(ctx context.Context, info *RoomInfo) (err error) {
	info.Members = s.countMembers(info.Name)
	if info.Profile, err = s.profile(ctx, info.Name); err != nil || info.Head == 0 {
		return err
	}
	newest, err := s.journal.ReadBack(ctx, info.Name, math.MaxUint64, 1)
	if err != nil {
		return fmt.Errorf("newest event of room %q: %w", info.Name, err)
	}
	if len(newest) == 1 {
		info.Head, info.LastActivity = newest[0].Sequence, s.decode(info.Name, newest[0]).Time
	}
	return nil
}

// unread counts the messages among the unreadEvents events after a cursor,
// MaxUnread at most: from the oldest on if it can't be honoured.
func (s *Service) unread(ctx context.Context, room string, c Cursor) (int, error) {
	head, err := s.journal.Head(ctx, room)
	if err != nil {
		return 0, fmt.Errorf("head of room %q: %w", room, err)
	}
	after := c.Sequence
	if head.check(room, c) != nil {
		after = 0
	}
	n := 0
	for range unreadEvents / MaxUnread {
		stored, err := s.journal.Read(ctx, room, after, MaxUnread)
		if err != nil {
			return 0, fmt.Errorf("read room %q: %w", room, err)
		}
		for _, st := range stored {
			if _, ok := s.read(room, st).Body.(Message); ok {
				n++
			}
			after = st.Sequence
		}
		if n >= MaxUnread || len(stored) < MaxUnread {
			break
		}
	}
	return min(n, MaxUnread), nil
}

// present returns the rooms after a name, by name, that exist whether or not
// anything was said in them.
func (s *Service) present(after string) []string {
	var names []string
	add := func(name string) {
		if name > after {
			names = append(names, name)
		}
	}
	for _, name := range s.lasting {
		add(name)
	}
	s.registry.mu.Lock()
	for name := range s.registry.profiles {
		add(name)
	}
	s.registry.mu.Unlock()
	s.mu.Lock()
	for name := range s.crowds {
		if s.countLocked(name) > 0 {
			add(name)
		}
	}
	s.mu.Unlock()
	slices.Sort(names)
	return slices.Compact(names)
}

func compareName(r RoomInfo, name string) int { return strings.Compare(r.Name, name) }
