package chat

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

// registryRoom is where the profiles of rooms are stored: a room of the journal
// that no caller can name. The ID of each event in it is the name of the room that
// it is about.
const registryRoom = "!rooms"

// registry knows how rooms present themselves, as all nodes have stored it.
type registry struct {
	opening sync.Mutex // held while the journal is read

	mu       sync.Mutex // guards below
	profiles map[string]profiled
	stop     func() // ends the journal's tail; nil before it was opened
	closed   bool
}

type profiled struct {
	Profile
	sequence uint64
}

// SetProfile says how a room presents itself from now on, and makes the room if
// there is none. It returns a *FieldError, ErrSignIn, ErrRoomCreation and
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
	if err := s.openRegistry(ctx); err != nil {
		return err
	}
	event := &Event{Time: time.Now().UTC(), ID: room, Sender: by, Body: RoomChanged{p}}
	payload, err := s.encoding.Encode(event)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	at, _, err := s.journal.Append(ctx, registryRoom, rand.Text(), payload)
	if err != nil {
		return fmt.Errorf("append to the registry of rooms: %w", err)
	}
	s.register(event, at.Sequence) // the caller may ask before the tail comes to it
	return nil
}

// profile returns how a room presents itself.
func (s *Service) profile(ctx context.Context, room string) (Profile, error) {
	if err := s.openRegistry(ctx); err != nil {
		return Profile{}, err
	}
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	return s.registry.profiles[room].Profile, nil
}

// registered tells whether a room was given a profile.
func (s *Service) registered(room string) bool {
	s.registry.mu.Lock()
	defer s.registry.mu.Unlock()
	_, found := s.registry.profiles[room]
	return found
}

// openRegistry reads the registry, the first time it is asked for.
func (s *Service) openRegistry(ctx context.Context) error {
	r := &s.registry
	r.opening.Lock()
	defer r.opening.Unlock()
	r.mu.Lock()
	open, closed := r.stop != nil, r.closed
	r.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if open {
		return nil
	}
	stop, err := s.journal.Tail(context.WithoutCancel(ctx), registryRoom, func(events []Stored) {
		for _, st := range events {
			s.register(s.read(registryRoom, st), st.Sequence)
		}
	})
	if err != nil {
		return fmt.Errorf("tail the registry of rooms: %w", err)
	}
	for after := uint64(0); ; {
		stored, err := s.journal.Read(ctx, registryRoom, after, replayChunk)
		if err != nil {
			stop()
			return fmt.Errorf("read the registry of rooms: %w", err)
		}
		for _, st := range stored {
			s.register(s.read(registryRoom, st), st.Sequence)
			after = st.Sequence
		}
		if len(stored) < replayChunk {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		stop()
		return ErrClosed
	}
	r.stop = stop
	return nil
}

// register notes what an event of the registry says, unless something newer was
// said already, and tells those who are in the room.
func (s *Service) register(e *Event, sequence uint64) {
	change, ok := e.Body.(RoomChanged)
	if !ok {
		return
	}
	r := &s.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	if sequence <= r.profiles[e.ID].sequence {
		return
	}
	if r.profiles == nil {
		r.profiles = make(map[string]profiled)
	}
	r.profiles[e.ID] = profiled{change.Profile, sequence}
	if room := s.openRoom(e.ID); room != nil {
		room.pass(&Event{Room: e.ID, Time: e.Time, Sender: e.Sender, Body: change}, roomKey)
	}
}

func (r *registry) close() {
	r.mu.Lock()
	stop := r.stop
	r.stop, r.closed = nil, true
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
}
