package hub

import (
	"cmp"
	"context"
	"log/slog"
	"sync"

	"chatroom/server/fanout"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/erasure"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/presence"
	"chatroom/server/internal/text"
)

// DefaultMemoryBytes is Config.MemoryBytes when that is zero.
const DefaultMemoryBytes = 128 << 20

// Config is what a Hub is made of.
type Config struct {
	Journal  chat.Journal
	State    chat.State
	Encoding chat.Encoding
	// Rooms exist from the start, even without events.
	Rooms []string
	// Window is how many recent events of a room are kept in memory for subscribers that
	// are behind; those who need older ones read the journal. Zero means 1024.
	Window int
	// MemoryBytes bounds the memory for events of all rooms together: the windows, and the
	// events and the folded messages that were read recently. The least recently used are
	// evicted first. Zero means DefaultMemoryBytes.
	MemoryBytes int
	// Presence configures who counts as present. Its zero value is ready to use.
	Presence presence.Config
	// Creation says who may create rooms.
	Creation Creation
	// ReservedNames are names that stand for the service: those of guests that look like
	// one have a mark. Nil means text.DefaultReserved.
	ReservedNames []string
	// Publishing is called with each stored event before it is delivered to the listeners on
	// this node, and may set its Trace. It must not block. Nil means nothing.
	Publishing func(*chat.Event)
	// Log receives what operators need to know. Nil means slog.Default.
	Log *slog.Logger
}

// Hub is one node's view of all rooms. Its methods are safe for concurrent use. Create it
// with New.
type Hub struct {
	journal   chat.Journal
	encoding  chat.Encoding
	topics    fanout.Config[*chat.Event]
	memory    *fanout.Budget // of the windows of topics, and of history
	presence  presence.Config
	creation  Creation
	reserved  *text.ReservedNames
	nobody    *roomPresence // of a room without members; only its names are used
	draining  chan struct{} // closed by Drain
	drain     sync.Once
	history   *history.Reader
	directory *directory.Directory
	eraser    *erasure.Eraser
	settled   settledRooms
	catchUps  catchUps

	publishing func(*chat.Event) // nil for nothing

	mu        sync.Mutex // guards below, and the fields of rooms that say so
	rooms     map[string]*room
	presences map[string]*roomPresence
	present   map[string]*presentMember // by id: the members who have a name in a room
	renames   uint64                    // how often Rename was called
	closed    bool
}

// New returns a hub on a journal and a state. It begins to erase what an earlier run may
// have left in the journal's files. The caller closes the hub, and then the stores.
func New(c Config) *Hub {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.ReservedNames == nil {
		c.ReservedNames = text.DefaultReserved()
	}
	memory := fanout.NewBudget(int64(cmp.Or(c.MemoryBytes, DefaultMemoryBytes)))
	h := &Hub{
		journal:   c.Journal,
		encoding:  c.Encoding,
		topics:    fanout.Config[*chat.Event]{Window: c.Window, Budget: memory, Size: (*chat.Event).MemorySize},
		memory:    memory,
		presence:  c.Presence,
		creation:  c.Creation,
		reserved:  text.NewReserved(c.ReservedNames),
		draining:  make(chan struct{}),
		history:   history.New(c.Journal, c.Encoding, memory, c.Log),
		eraser:    erasure.Start(c.Journal, c.Log),
		rooms:     make(map[string]*room),
		presences: make(map[string]*roomPresence),
		present:   make(map[string]*presentMember),

		publishing: c.Publishing,
	}
	h.nobody = &roomPresence{names: newRoomNames(h.reserved)}
	h.directory = directory.New(directory.Config{
		Journal: c.Journal, State: c.State, Encoding: c.Encoding, Rooms: c.Rooms, Log: c.Log,
		ProfileChanged: h.publishEphemeral,
	})
	return h
}

// Drain answers callers who wait for events in History, which does not wait any more.
func (h *Hub) Drain() { h.drain.Do(func() { close(h.draining) }) }

// Close refuses new work, and answers callers who wait for events or for texts to be
// erased. Feeds are closed by those who opened them.
func (h *Hub) Close() {
	h.Drain()
	h.mu.Lock()
	presences := h.presences
	if !h.closed {
		h.closed = true
		h.presences = make(map[string]*roomPresence)
		h.present = make(map[string]*presentMember)
	}
	h.mu.Unlock()
	for _, p := range presences {
		p.mu.Lock()
		p.endLocked()
		p.mu.Unlock()
	}
	h.directory.Close()
	h.eraser.Close()
}

// Directory returns the list of all rooms.
func (h *Hub) Directory() *directory.Directory { return h.directory }

// SetProfile stores another profile of a room, which makes the room if it does not exist.
// It returns a *chat.FieldError, a *chat.TargetError, chat.ErrSignIn and chat.ErrClosed.
func (h *Hub) SetProfile(ctx context.Context, by chat.Member, room string, p chat.Profile) error {
	return h.SetProfileIf(ctx, by, room, p, func(context.Context) error { return nil })
}

// SetProfileIf is SetProfile if authorize returns nil. It is called when the creator of the room
// is known: of several members who make it at once, one is.
func (h *Hub) SetProfileIf(ctx context.Context, by chat.Member, room string, p chat.Profile, authorize func(context.Context) error) error {
	if err := chat.CheckRoom(room); err != nil {
		return err
	}
	p, err := p.Clean()
	if err != nil {
		return err
	}
	if h.isClosed() {
		return chat.ErrClosed
	}
	if by.ID == "" {
		return chat.ErrSignIn
	}
	if err := h.admit(ctx, by, room); err != nil {
		return err
	}
	if err := h.recordCreator(ctx, by, room); err != nil {
		return err
	}
	if err := authorize(ctx); err != nil {
		return err
	}
	return h.directory.SetProfile(ctx, h.ShownIn(room, by), room, p)
}

func (h *Hub) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}
