package chat

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"chatroom/server/fanout"
	"chatroom/server/internal/presence"
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
	// Presence says how members come and go. Its zero value is ready to use.
	Presence presence.Config
	// Creation says who may make rooms.
	Creation Creation
	// Log takes what operators should know. Nil means slog.Default.
	Log *slog.Logger
}

// Service is one node's view of all rooms.
type Service struct {
	journal  Journal
	encoding Encoding
	topics   fanout.Config
	log      *slog.Logger
	lasting  []string // Config.Rooms, sorted
	presence presence.Config
	creation Creation
	closing  chan struct{} // closed by Close
	memo     memo
	folds    folds
	registry registry

	mu     sync.Mutex // guards below, and the fields of rooms that say so
	rooms  map[string]*room
	crowds map[string]*crowd
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
		presence: c.Presence,
		creation: c.Creation,
		rooms:    make(map[string]*room),
		crowds:   make(map[string]*crowd),
	}
}

// Close refuses new work and answers those who wait for events. Feeds are closed
// by those who opened them.
func (s *Service) Close() {
	s.mu.Lock()
	crowds := s.crowds
	if !s.closed {
		s.closed = true
		close(s.closing)
		s.crowds = make(map[string]*crowd)
	}
	s.mu.Unlock()
	for _, c := range crowds {
		c.mu.Lock()
		s.disperseLocked(c)
		c.mu.Unlock()
	}
	s.registry.close()
}

// decode never fails: an event that can't be read keeps its place in the room's
// chain without a body, so that nobody takes it for a gap.
func (s *Service) decode(room string, stored Stored) *Event {
	if event := s.memo.find(room, stored); event != nil {
		return event
	}
	event := s.read(room, stored)
	s.memo.keep(event, stored.Payload)
	return event
}

// read is decode for an event that others are not likely to ask for.
func (s *Service) read(room string, stored Stored) *Event {
	event, err := s.encoding.Decode(stored.Payload)
	if err != nil {
		s.log.Error("stored event can't be read", "room", room, "sequence", stored.Sequence, "err", err)
		event = &Event{}
	}
	event.Room, event.Sequence, event.Previous = room, stored.Sequence, stored.Previous
	return event
}

func (s *Service) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
