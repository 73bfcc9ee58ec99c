package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"chatroom/server/internal/chat/directory"
)

// Profiles are stored in the state under rooms/NAME/profile, as an encoded Event with
// RoomChanged as its body: it says who set the profile, and when.
const (
	profilePrefix = "rooms/"
	profileSuffix = "/profile"
)

// profilePage is how many records are listed at a time.
const profilePage = 500

// profiles knows how rooms present themselves, as any node has stored it.
type profiles struct {
	state   State
	loading sync.Mutex // held while the state is listed

	mu     sync.Mutex // guards below
	byRoom map[string]storedProfile
	stop   func() // ends the watch; nil before the profiles were loaded
	closed bool
}

type storedProfile struct {
	Profile
	revision uint64
	exists   bool // false once it was deleted
}

func profileKey(room string) string { return profilePrefix + room + profileSuffix }

// SetProfile says how a room presents itself from now on, and makes the room if
// it does not exist. It returns a *FieldError, ErrSignIn, ErrRoomCreation and
// ErrClosed.
func (s *Service) SetProfile(ctx context.Context, by Member, room string, p Profile) error {
	if err := checkRoom("room", room); err != nil {
		return err
	}
	p, err := p.check()
	if err != nil {
		return err
	}
	if s.isClosed() {
		return ErrClosed
	}
	if by.ID == "" {
		return ErrSignIn
	}
	if err := s.admit(ctx, by, room); err != nil {
		return err
	}
	if err := s.loadProfiles(ctx); err != nil {
		return err
	}
	value, err := s.encoding.Encode(&Event{Time: time.Now().UTC(), Sender: by, Body: RoomChanged{p}})
	if err != nil {
		return fmt.Errorf("encode profile: %w", err)
	}
	revision, err := s.profiles.put(ctx, room, value)
	if err != nil {
		return fmt.Errorf("store profile of room %q: %w", room, err)
	}
	// The caller may ask before the watch brings it.
	s.setProfile(Record{Key: profileKey(room), Value: value, Revision: revision}, true)
	return nil
}

// put stores a profile. Of two that are stored at once, the second one stays.
func (p *profiles) put(ctx context.Context, room string, value []byte) (revision uint64, err error) {
	p.mu.Lock()
	stored := p.byRoom[room]
	p.mu.Unlock()
	var expected uint64
	if stored.exists {
		expected = stored.revision
	}
	for {
		revision, err = p.state.Put(ctx, profileKey(room), value, expected)
		if !errors.Is(err, ErrRevision) {
			return revision, err
		}
		record, err := p.state.Get(ctx, profileKey(room))
		if err != nil && !errors.Is(err, ErrNoRecord) {
			return 0, err
		}
		expected = record.Revision
	}
}

// profile returns how a room presents itself.
func (s *Service) profile(ctx context.Context, room string) (Profile, error) {
	if err := s.loadProfiles(ctx); err != nil {
		return Profile{}, err
	}
	s.profiles.mu.Lock()
	defer s.profiles.mu.Unlock()
	return s.profiles.byRoom[room].Profile, nil
}

// hasProfile reports whether a room was given a profile.
func (s *Service) hasProfile(room string) bool {
	s.profiles.mu.Lock()
	defer s.profiles.mu.Unlock()
	return s.profiles.byRoom[room].exists
}

// loadProfiles lists the profiles, the first time it is called.
func (s *Service) loadProfiles(ctx context.Context) error {
	p := &s.profiles
	if loaded, err := p.loaded(); loaded || err != nil {
		return err
	}
	p.loading.Lock()
	defer p.loading.Unlock()
	if loaded, err := p.loaded(); loaded || err != nil {
		return err
	}
	stop, err := p.state.Watch(context.WithoutCancel(ctx), profilePrefix, func(records []Record) {
		for _, r := range records {
			s.setProfile(r, true)
		}
	})
	if err != nil {
		return fmt.Errorf("watch the profiles of rooms: %w", err)
	}
	for after := ""; ; {
		records, err := p.state.List(ctx, profilePrefix, after, profilePage)
		if err != nil {
			stop()
			return fmt.Errorf("list the profiles of rooms: %w", err)
		}
		for _, r := range records {
			s.setProfile(r, false)
			after = r.Key
		}
		if len(records) < profilePage {
			break
		}
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		stop()
		return ErrClosed
	}
	p.stop = stop
	p.mu.Unlock()
	return nil
}

func (p *profiles) loaded() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false, ErrClosed
	}
	return p.stop != nil, nil
}

// setProfile takes over what a record says, unless a newer one was taken over before.
// A change is announced to those who are in the room.
func (s *Service) setProfile(r Record, announce bool) {
	name, profile := strings.CutSuffix(strings.TrimPrefix(r.Key, profilePrefix), profileSuffix)
	if !profile || CheckRoom(name) != nil {
		return
	}
	event, changed := &Event{}, RoomChanged{}
	if r.Value != nil {
		var err error
		if event, err = s.encoding.Decode(r.Value); err == nil {
			changed, profile = event.Body.(RoomChanged)
		}
		if err != nil || !profile {
			s.log.Error("stored profile of a room can't be read", "room", name, "revision", r.Revision, "err", err)
			return
		}
	}
	p := &s.profiles
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Revision <= p.byRoom[name].revision {
		return
	}
	if p.byRoom == nil {
		p.byRoom = make(map[string]storedProfile)
	}
	p.byRoom[name] = storedProfile{changed.Profile, r.Revision, r.Value != nil}
	if r.Value != nil {
		s.list.directory.SetProfile(name, directory.Profile(changed.Profile))
	} else {
		s.list.directory.RemoveProfile(name)
	}
	if room := s.openRoom(name); room != nil && announce {
		room.pass(&Event{Room: name, Time: event.Time, Sender: event.Sender, Body: changed}, roomKey)
	}
}

func (p *profiles) close() {
	p.mu.Lock()
	stop := p.stop
	p.stop, p.closed = nil, true
	p.mu.Unlock()
	if stop != nil {
		stop()
	}
}
