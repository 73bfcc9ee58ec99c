package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"chatroom/server/internal/chat"
)

// Profiles are stored in the state under rooms/NAME/profile, as an encoded event with a
// RoomChanged body, whose sender and time are those of the change.
const (
	profilePrefix = "rooms/"
	profileSuffix = "/profile"
	// creatorSuffix is that of the records with the id of the member who has made a room.
	creatorSuffix = "/creator"
)

// profilesChunk is how many records are listed at a time.
const profilesChunk = 500

// profiles are the profiles of rooms, as stored by any node.
type profiles struct {
	state   chat.State
	loading sync.Mutex // held while the state is listed

	mu     sync.Mutex // guards below
	byRoom map[string]storedProfile
	// creators are the ids of members by room. They are never changed.
	creators map[string]string
	stop     func() // ends the watch; nil before the profiles were loaded
	closed   bool
}

type storedProfile struct {
	chat.Profile
	revision uint64
	exists   bool // false after it was deleted
}

func profileKey(room string) string { return RecordPrefix(room) + profileSuffix[1:] }

// SetProfile stores another profile of a room, which makes the room if it does not exist.
func (d *Directory) SetProfile(ctx context.Context, by chat.Member, room string, p chat.Profile) error {
	if err := d.loadProfiles(ctx); err != nil {
		return err
	}
	value, err := d.encoding.Encode(&chat.Event{Time: time.Now().UTC(), Sender: by, Body: chat.RoomChanged{Profile: p}})
	if err != nil {
		return fmt.Errorf("encode profile: %w", err)
	}
	revision, err := d.profiles.put(ctx, room, value)
	if err != nil {
		return fmt.Errorf("store profile of room %q: %w", room, err)
	}
	// The caller may read it before the watch reports it.
	d.applyProfile(chat.Record{Key: profileKey(room), Value: value, Revision: revision}, true)
	return nil
}

// put stores a profile. Of concurrent calls, the last one to be stored wins.
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
		if !errors.Is(err, chat.ErrRevision) {
			return revision, err
		}
		record, err := p.state.Get(ctx, profileKey(room))
		if err != nil && !errors.Is(err, chat.ErrNoRecord) {
			return 0, err
		}
		expected = record.Revision
	}
}

// Profile returns the profile of a room, an empty one if it has none.
func (d *Directory) Profile(ctx context.Context, room string) (chat.Profile, error) {
	if err := d.loadProfiles(ctx); err != nil {
		return chat.Profile{}, err
	}
	p := &d.profiles
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byRoom[room].Profile, nil
}

// has reports whether a room has a profile.
func (p *profiles) has(room string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byRoom[room].exists
}

// loadProfiles lists the profiles, the first time that it is called, and watches them from
// then on.
func (d *Directory) loadProfiles(ctx context.Context) error {
	p := &d.profiles
	if loaded, err := p.loaded(); loaded || err != nil {
		return err
	}
	p.loading.Lock()
	defer p.loading.Unlock()
	if loaded, err := p.loaded(); loaded || err != nil {
		return err
	}
	stop, err := p.state.Watch(context.WithoutCancel(ctx), profilePrefix, func(records []chat.Record) {
		for _, r := range records {
			d.applyProfile(r, true)
		}
	})
	if err != nil {
		return fmt.Errorf("watch the profiles of rooms: %w", err)
	}
	for after := ""; ; {
		records, err := p.state.List(ctx, profilePrefix, after, profilesChunk)
		if err != nil {
			stop()
			return fmt.Errorf("list the profiles of rooms: %w", err)
		}
		for _, r := range records {
			d.applyProfile(r, false)
			after = r.Key
		}
		if len(records) < profilesChunk {
			break
		}
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		stop()
		return chat.ErrClosed
	}
	p.stop = stop
	p.mu.Unlock()
	return nil
}

func (p *profiles) loaded() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false, chat.ErrClosed
	}
	return p.stop != nil, nil
}

// applyProfile applies a record, unless a newer one of the room was applied before. A
// change is announced if announce is set.
func (d *Directory) applyProfile(r chat.Record, announce bool) {
	if room, creator := strings.CutSuffix(strings.TrimPrefix(r.Key, profilePrefix), creatorSuffix); creator {
		d.profiles.applyCreator(room, string(r.Value))
		return
	}
	name, profile := strings.CutSuffix(strings.TrimPrefix(r.Key, profilePrefix), profileSuffix)
	if !profile || chat.CheckRoom(name) != nil {
		return
	}
	event, changed := &chat.Event{}, chat.RoomChanged{}
	if r.Value != nil {
		var err error
		if event, err = d.encoding.Decode(r.Value); err == nil {
			changed, profile = event.Body.(chat.RoomChanged)
		}
		if err != nil || !profile {
			d.log.Error("stored profile of a room can't be decoded", "room", name, "revision", r.Revision, "err", err)
			return
		}
	}
	p := &d.profiles
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
		d.index.SetProfile(name, changed.Profile)
	} else {
		d.index.RemoveProfile(name)
	}
	if announce {
		d.profileChanged(&chat.Event{Room: name, Time: event.Time, Sender: event.Sender, Body: changed})
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
