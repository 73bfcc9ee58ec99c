package directory

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory/roomindex"
)

// Config is what a Directory is made of.
type Config struct {
	Journal  chat.Journal
	State    chat.State
	Encoding chat.Encoding
	Rooms    []string     // that are always in the list
	Log      *slog.Logger // not nil
	// ProfileChanged is called with a RoomChanged event when a profile has changed. It must
	// not block, and must not call the directory.
	ProfileChanged func(*chat.Event)
}

// Directory is the list of all rooms. Its methods are safe for concurrent use. Create it
// with New.
type Directory struct {
	journal        chat.Journal
	encoding       chat.Encoding
	log            *slog.Logger
	configured     []string // Config.Rooms, sorted
	profileChanged func(*chat.Event)

	index     *roomindex.Index
	rooms     rooms
	profiles  profiles
	publisher *publisher
}

// New returns a directory, which reads nothing yet. The caller closes it before the stores.
func New(c Config) *Directory {
	ctx, cancel := context.WithCancel(context.Background())
	d := &Directory{
		journal:        c.Journal,
		encoding:       c.Encoding,
		log:            c.Log,
		configured:     slices.Sorted(slices.Values(c.Rooms)),
		profileChanged: c.ProfileChanged,
		index:          roomindex.New(c.Rooms...),
		rooms:          rooms{ctx: ctx, cancel: cancel},
		profiles:       profiles{state: c.State},
	}
	d.publisher = newPublisher(d.index)
	return d
}

// Close ends following the stores, and all watches.
func (d *Directory) Close() {
	d.publisher.close()
	d.rooms.close()
	d.profiles.close()
}

// Exists reports whether a room exists even without events and members: whether it is
// configured or has a profile.
func (d *Directory) Exists(ctx context.Context, room string) (bool, error) {
	if _, configured := slices.BinarySearch(d.configured, room); configured {
		return true, nil
	}
	if err := d.loadProfiles(ctx); err != nil {
		return false, err
	}
	return d.profiles.has(room), nil
}

// Has reports whether the list has a room. What it has not may exist all the same: it was
// not read yet, or another node has made it.
func (d *Directory) Has(room string) bool { return d.index.Has(room) }

// Len returns how many rooms there are.
func (d *Directory) Len(ctx context.Context) (int, error) {
	if err := d.Load(ctx); err != nil {
		return 0, err
	}
	return d.index.Len(), nil
}

// Listed returns how many rooms the list has, without reading more of it.
func (d *Directory) Listed() int { return d.index.Len() }

// SetMembers sets how many members a room has on this node.
func (d *Directory) SetMembers(room string, n int) { d.index.SetMembers(room, n) }

// Appended notes that an event was stored by this node, so that the list has it before the
// journal reports it.
func (d *Directory) Appended(room string, sequence uint64, at time.Time, message bool) {
	d.index.Append(room, sequence, at, message)
}

// Load waits until the list has all rooms and their profiles. It returns chat.ErrClosed.
func (d *Directory) Load(ctx context.Context) error {
	if err := d.loadProfiles(ctx); err != nil {
		return err
	}
	return d.loadRooms(ctx)
}
