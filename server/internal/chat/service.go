package chat

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"chatroom/server/fanout"
)

// ErrClosed is returned after the service was closed.
var ErrClosed = errors.New("chat: the service is closed")

// Config is what a Service is made of.
type Config struct {
	Journal  Journal
	Encoding Encoding
	// Rooms exist from the start, before anything is said in them.
	Rooms []string
	// Window is how many recent events of a room are kept in memory for readers
	// that are behind; further back they read from the journal. Zero means 1024.
	Window int
	// Gather is for how long a busy room may put off waking its listeners, so
	// that what is said meanwhile leaves together: see fanout.Config.
	Gather time.Duration
	// Log takes what operators should know. Nil means slog.Default.
	Log *slog.Logger
}

// Service is one node's view of all rooms.
type Service struct {
	journal  Journal
	encoding Encoding
	topics   fanout.Config
	log      *slog.Logger
	lasting  []string      // Config.Rooms, sorted
	closing  chan struct{} // closed by Close
	memo     memo

	mu     sync.Mutex // guards below, and the fields of rooms that say so
	rooms  map[string]*room
	closed bool
}

// New returns a service on a journal. The caller closes the service, and then
// the journal.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{
		journal:  c.Journal,
		encoding: c.Encoding,
		topics:   fanout.Config{Window: c.Window, Gather: c.Gather},
		log:      c.Log,
		lasting:  slices.Sorted(slices.Values(c.Rooms)),
		closing:  make(chan struct{}),
		rooms:    make(map[string]*room),
	}
}

// Close refuses new work and answers those who wait for events. Feeds are closed
// by those who opened them.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
}

// Post is something to be said.
type Post struct {
	Room string
	ID   string // the sender's name for it: a retry carries the same
	Body Body
}

// Receipt says where a post was stored.
type Receipt struct {
	At        Cursor
	Time      time.Time // when it was accepted; zero if the event is gone
	Duplicate bool      // At and Time are those of an earlier post with this ID
}

// Send stores a post by from. It returns a *FieldError for what is out of
// bounds, and ErrClosed.
func (s *Service) Send(ctx context.Context, from Member, p Post) (Receipt, error) {
	if err := p.check(); err != nil {
		return Receipt{}, err
	}
	if s.isClosed() {
		return Receipt{}, ErrClosed
	}
	event := &Event{Time: time.Now().UTC(), ID: p.ID, Sender: from, Body: p.Body}
	payload, err := s.encoding.Encode(event)
	if err != nil {
		return Receipt{}, fmt.Errorf("encode event: %w", err)
	}
	key, err := s.key(from, p)
	if err != nil {
		return Receipt{}, err
	}
	at, duplicate, err := s.journal.Append(ctx, p.Room, key, payload)
	if err != nil {
		return Receipt{}, fmt.Errorf("append to room %q: %w", p.Room, err)
	}
	if !duplicate {
		return Receipt{At: at, Time: event.Time}, nil
	}
	first, err := s.journal.Read(ctx, p.Room, at.Sequence-1, 1)
	if err != nil {
		return Receipt{}, fmt.Errorf("read the first of a duplicate in room %q: %w", p.Room, err)
	}
	r := Receipt{At: at, Duplicate: true}
	if len(first) == 1 && first[0].Sequence == at.Sequence {
		r.Time = s.decode(p.Room, first[0]).Time
	}
	return r, nil
}

func (p Post) check() error {
	if err := checkRoom("room", p.Room); err != nil {
		return err
	}
	if err := checkID(p.ID); err != nil {
		return err
	}
	switch body := p.Body.(type) {
	case Message:
		return body.check()
	default:
		return &FieldError{"body", "body.required", "must be set"}
	}
}

// key names a post for the journal's deduplication. Anonymous senders share
// their lack of an identity, and so their ids: two of them who both call their
// first message "1" must not swallow each other's, hence the body is part of
// their key. Quoting keeps the parts apart, whatever is in them.
func (s *Service) key(from Member, p Post) (string, error) {
	if from.ID != "" {
		return fmt.Sprintf("%q %q", from.ID, p.ID), nil
	}
	body, err := s.encoding.Encode(&Event{Body: p.Body})
	if err != nil {
		return "", fmt.Errorf("encode body: %w", err)
	}
	return fmt.Sprintf("%q %x", p.ID, sha256.Sum256(body)), nil
}

// decode never fails: an event that can't be read keeps its place in the room's
// chain without a body, so that nobody takes it for a gap.
func (s *Service) decode(room string, stored Stored) *Event {
	if event := s.memo.find(room, stored); event != nil {
		return event
	}
	event, err := s.encoding.Decode(stored.Payload)
	if err != nil {
		s.log.Error("stored event can't be read", "room", room, "sequence", stored.Sequence, "err", err)
		event = &Event{}
	}
	event.Room, event.Sequence, event.Previous = room, stored.Sequence, stored.Previous
	s.memo.keep(event, stored.Payload)
	return event
}

func (s *Service) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
