package chat

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"chatroom/server/fanout"
	"chatroom/server/internal/presence"
)

// ErrClosed is returned after the service was closed.
var ErrClosed = errors.New("chat: the service is closed")

// DefaultMemoryBytes is the memory of a service whose Config leaves it zero.
const DefaultMemoryBytes = 128 << 20

// Config is what a Service is made of.
type Config struct {
	Journal  Journal
	State    State
	Encoding Encoding
	// Rooms exist from the start, before anything is said in them.
	Rooms []string
	// Window is how many recent events of a room are kept in memory for readers
	// that are behind; further back they read from the journal. Zero means 1024.
	Window int
	// MemoryBytes bounds what is kept in memory of events, of all rooms together: the
	// windows, the events and the folded messages that were read recently. What was
	// not used for longest goes first. Zero means DefaultMemoryBytes.
	MemoryBytes int
	// Presence says how members come and go. Its zero value is ready to use.
	Presence presence.Config
	// Creation says who may make rooms.
	Creation Creation
	// Log takes what operators should know. Nil means slog.Default.
	Log *slog.Logger
}

// Service is one node's view of all rooms.
type Service struct {
	journal         Journal
	encoding        Encoding
	topics          fanout.Config[*Event]
	memory          *fanout.Budget // of the windows of topics, events and folds
	log             *slog.Logger
	configuredRooms []string // Config.Rooms, sorted
	presence        presence.Config
	creation        Creation
	closing         chan struct{} // closed by Close
	events          eventCache
	folds           foldCache
	profiles        profiles
	list            *roomList
	watch           *roomWatch
	eraser          *eraser

	background sync.WaitGroup // the eraser
	stop       func()         // ends the context of what runs in the background

	mu        sync.Mutex // guards below, and the fields of rooms that say so
	rooms     map[string]*room
	presences map[string]*roomPresence
	closed    bool
}

// New returns a service on a journal and a state. It starts to erase what an earlier
// run may have left in the journal's files. The caller closes the service, and then
// the store.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	memory := fanout.NewBudget(int64(cmp.Or(c.MemoryBytes, DefaultMemoryBytes)))
	ctx, stop := context.WithCancel(context.Background())
	s := &Service{
		journal:         c.Journal,
		encoding:        c.Encoding,
		topics:          fanout.Config[*Event]{Window: c.Window, Budget: memory, Size: (*Event).size},
		memory:          memory,
		log:             c.Log,
		configuredRooms: slices.Sorted(slices.Values(c.Rooms)),
		closing:         make(chan struct{}),
		presence:        c.Presence,
		creation:        c.Creation,
		events:          eventCache{newCache[uint64, *Event](memory)},
		folds:           foldCache{folds: newCache[uint64, *fold](memory)},
		profiles:        profiles{state: c.State},
		list:            newRoomList(c.Journal, c.Log, c.Rooms),
		eraser:          newEraser(c.Journal, c.Log),
		stop:            stop,
		rooms:           make(map[string]*room),
		presences:       make(map[string]*roomPresence),
	}
	s.watch = newRoomWatch(s.list.directory)
	s.background.Go(func() { s.eraser.run(ctx) })
	return s
}

// Close refuses new work and answers those who wait for events, and for texts to be
// erased. Feeds are closed by those who opened them.
func (s *Service) Close() {
	s.mu.Lock()
	presences := s.presences
	if !s.closed {
		s.closed = true
		close(s.closing)
		s.presences = make(map[string]*roomPresence)
	}
	s.mu.Unlock()
	for _, p := range presences {
		p.mu.Lock()
		s.endPresenceLocked(p)
		p.mu.Unlock()
	}
	s.watch.close()
	s.list.close()
	s.profiles.close()
	s.stop()
	s.background.Wait()
}

// Stats are figures of a service.
type Stats struct {
	ErasuresPending int    // deletions whose texts may still be in the journal's files
	Erased          uint64 // events removed from the journal's files since New
	ErasureFailures uint64 // attempts that failed since New
	MemoryBytes     int64  // what is charged to Config.MemoryBytes
}

// Stats returns figures as of now.
func (s *Service) Stats() Stats {
	stats := s.eraser.stats()
	stats.MemoryBytes = s.memory.Used()
	return stats
}

// decode returns the event that is stored, which others share. It never fails: an
// event that can't be read keeps its place in the room's chain without a body, so
// that no receiver takes it for a gap.
func (s *Service) decode(room string, stored Stored) *Event {
	if event := s.events.find(room, stored); event != nil {
		return event
	}
	event := s.read(room, stored)
	s.events.keep(event)
	return event
}

// read is decode for an event that is not kept for others.
func (s *Service) read(room string, stored Stored) *Event {
	event, err := s.encoding.Decode(stored.Payload)
	if err != nil {
		s.log.Error("stored event can't be read", "room", room, "sequence", stored.Sequence, "err", err)
		event = &Event{}
	}
	event.Room, event.Sequence, event.Previous = room, stored.Sequence, stored.Previous
	event.payload = len(stored.Payload)
	return event
}

func (s *Service) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
