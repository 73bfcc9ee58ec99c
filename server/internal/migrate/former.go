package migrate

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/migrate/natsfile"
)

// The former store kept all rooms in one stream, with a subject for each room and one
// for each event that was erased. A dot in a room's name was "=" in its subject.
const (
	streamPath    = "jetstream/$G/streams/CHATROOM"
	eventPrefix   = "chatroom.event."  // + room
	erasedPrefix  = "chatroom.erased." // + room + "." + sequence
	fillerRoom    = "!"                // gave away sequences that lost events had
	registryRoom  = "!rooms"           // held the profiles of rooms
	epochKey      = "chatroom-epoch"   // in the stream's metadata
	fieldPrevious = "Chatroom-Before"  // the sequence of the event before it in the room
	fieldID       = "Nats-Msg-Id"
	fieldKey      = "Chatroom-Key"  // of an erased event: its id
	fieldTime     = "Chatroom-Time" // of an erased event: when it was stored, in Unix nanoseconds
)

// Former is a store of the former format, opened to be read.
type Former struct {
	// Epoch is empty if clients must be given a new one: the log is damaged, or is not
	// the one that the server has left.
	Epoch string
	// Next is the first sequence that was never given.
	Next uint64
	// Rooms are the rooms with events, by name.
	Rooms []Room
	// Records are the records that stand for the events of the former registry of
	// rooms, by key.
	Records []Record
	// Findings lists in words what is damaged or missing.
	Findings []string
	// Replaced tells that the files are not those that the server has left, as after a
	// backup was restored.
	Replaced bool
	// Unreadable is how many events have a payload that can't be decoded. They are
	// moved as they are.
	Unreadable int

	stream   *natsfile.Stream
	blocks   string // the directory of its files
	files    string // their digest, from before they were read
	encoding chat.Encoding
	rooms    map[string]*roomState
	erased   map[uint64]tombstone // by the sequence of what was erased
	deleted  map[uint64]string    // messages that a stored deletion names, with their room
	full     bool                 // a room has held as many events as it may
	missing  int                  // findings that are not in Findings: there are too many
}

// Room is a room of the former store.
type Room struct {
	Name    string
	Evicted uint64 // the newest event that retention has dropped, or a bound above it
}

// Event is an event of the former store.
type Event struct {
	Room     string
	Sequence uint64
	Time     time.Time // when it was stored
	// KeyDigest is the first 18 bytes of SHA-256(room, 0, key). It is empty if that is
	// not known.
	KeyDigest []byte
	// Erased tells that the event was deleted. It has no payload then.
	Erased  bool
	Payload []byte
	// Relation, Target, Counted and Author are those of a chat.Entry. They are zero if
	// the payload can't be decoded. Those of an erased event are zero if there is nothing
	// left of it.
	Relation chat.Relation
	Target   uint64
	Counted  bool
	Author   string
}

// Record is a record to be stored in chat.State.
type Record struct {
	Key   string
	Value []byte
}

// tombstone is what the former store kept of an erased event.
type tombstone struct {
	room     string
	previous uint64
	time     time.Time
	key      []byte
}

// OpenFormer opens the former store in a data directory, and reads all of it to find
// out whether anything is damaged or missing. It changes nothing.
func OpenFormer(ctx context.Context, dir string, encoding chat.Encoding) (*Former, error) {
	f := &Former{
		encoding: encoding,
		blocks:   blocksOf(dir),
		rooms:    make(map[string]*roomState),
		erased:   make(map[uint64]tombstone),
		deleted:  make(map[uint64]string),
	}
	markPath := filepath.Join(dir, datadir.FormerMarkName)
	m, markErr := readMark(markPath)
	noMark := errors.Is(markErr, fs.ErrNotExist)
	if markErr != nil && !noMark && !errors.Is(markErr, errMark) {
		return nil, markErr
	}
	err := f.openStream(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist) && noMark:
		f.Next = 1 // nothing was ever stored
		return f, nil
	case errors.Is(err, fs.ErrNotExist):
		f.Next = m.Last + 1
		f.find(filepath.Dir(f.blocks) + " is missing: it held all events")
		return f, nil
	case err != nil:
		return nil, err
	}
	if markErr != nil {
		f.find(fmt.Sprintf("%s is damaged or missing, so that nothing tells whether the newest events are: %v", markPath, markErr))
	}
	return f, f.read(ctx, m)
}

func (f *Former) openStream(ctx context.Context) (err error) {
	if f.files, err = digestFiles(f.blocks); err != nil {
		return err
	}
	f.stream, err = natsfile.Open(ctx, filepath.Dir(f.blocks))
	return err
}

// read reads the stream, and compares it with its mark.
func (f *Former) read(ctx context.Context, m mark) error {
	for _, damage := range f.stream.Damage {
		f.find(damage)
	}
	if m.Last > f.stream.Last {
		f.find(fmt.Sprintf("the newest events are missing: the log ends at %d, and had come to %d", f.stream.Last, m.Last))
	}
	f.Next = max(f.stream.Given, m.Last) + 1
	if err := f.collect(ctx); err != nil {
		return err
	}
	if err := f.check(ctx, m.Reported); err != nil {
		return err
	}
	f.Replaced = m.Files != "" && m.Files != f.files
	if !f.Replaced && !m.Damaged && len(f.Findings) == 0 {
		f.Epoch = f.stream.Config.Metadata[epochKey]
	}
	return nil
}

// errChanged is the error of Events for a room that was not there before.
var errChanged = errors.New("the former store has changed while it was read: stop the former server, which is still running, and start again")

// Changed reports whether the files have changed since they were opened.
func (f *Former) Changed() (bool, error) {
	if f.stream == nil {
		return false, nil
	}
	files, err := digestFiles(f.blocks)
	return files != f.files, err
}

// maxFindings bounds how many are listed. The rest is counted.
const maxFindings = 100

func (f *Former) find(finding string) {
	switch {
	case finding == "":
	case len(f.Findings) < maxFindings:
		f.Findings = append(f.Findings, finding)
	default:
		f.missing++
		f.Findings[maxFindings-1] = fmt.Sprintf("%d more of the kind", f.missing+1)
	}
}

// collect reads what is needed to understand the events, and comes after them: what was
// erased or deleted, and how much there is of each room.
func (f *Former) collect(ctx context.Context) error {
	profiles := make(map[string][]byte) // by room
	for m, err := range f.stream.All(ctx) {
		if err != nil {
			return err
		}
		room, sequence, kind := parseSubject(m.Subject)
		switch kind {
		case eventSubject:
			f.room(room).events++
			content, err := f.encoding.Decode(m.Data)
			if err != nil {
				f.Unreadable++
				continue
			}
			if relation, target, _ := chat.Relate(content.Body); relation == chat.Erases {
				f.deleted[target] = room
			}
		case erasedSubject:
			f.room(room).erased++
			f.erased[sequence] = tombstone{
				room: room, previous: number(m, fieldPrevious), time: time.Unix(0, int64(number(m, fieldTime))).UTC(), key: digest(m, fieldKey),
			}
		case registrySubject:
			if content, err := f.encoding.Decode(m.Data); err == nil && content.ID != "" {
				profiles[content.ID] = slices.Clone(m.Data)
			} else {
				f.Unreadable++
			}
		case unknownSubject:
			f.find(fmt.Sprintf("message %d has the subject %q, which this program does not use", m.Sequence, m.Subject))
		}
	}
	for room, payload := range profiles {
		f.Records = append(f.Records, Record{Key: "rooms/" + room + "/profile", Value: payload})
	}
	slices.SortFunc(f.Records, func(a, b Record) int { return cmp.Compare(a.Key, b.Key) })
	return nil
}

// Events returns the events that are retained, and those that were erased among them,
// in the order of their sequences. It reads the files anew, and yields an error at most
// once, as the last pair.
func (f *Former) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if f.stream == nil {
			return
		}
		gone := f.goneEvents()
		for m, err := range f.stream.All(ctx) {
			if err != nil {
				yield(Event{}, err)
				return
			}
			for len(gone) > 0 && gone[0].Sequence < m.Sequence {
				if !yield(gone[0], nil) {
					return
				}
				gone = gone[1:]
			}
			room, _, kind := parseSubject(m.Subject)
			if kind != eventSubject {
				continue
			}
			r := f.rooms[room]
			if r == nil {
				yield(Event{}, errChanged)
				return
			}
			if m.Sequence <= r.evicted {
				continue
			}
			if len(gone) > 0 && gone[0].Sequence == m.Sequence {
				gone = gone[1:] // its erasure was interrupted
			}
			if !yield(f.event(room, m), nil) {
				return
			}
		}
	}
}

// goneEvents returns what was erased in rooms that have events, as far as it comes
// after what retention has dropped. Nothing that was erased is its room's newest, so
// there is always a message after the last one.
func (f *Former) goneEvents() []Event {
	var gone []Event
	for sequence, t := range f.erased {
		if r := f.rooms[t.room]; r != nil && r.events > 0 && sequence > r.evicted {
			gone = append(gone, Event{Room: t.room, Sequence: sequence, Time: t.time, KeyDigest: t.key, Erased: true})
		}
	}
	slices.SortFunc(gone, func(a, b Event) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return gone
}

// event returns an event as it is to be moved. A message that a deletion names, or an
// edit of it, is still there if the deletion was interrupted: it counts as erased.
func (f *Former) event(room string, m natsfile.Message) Event {
	e := Event{Room: room, Sequence: m.Sequence, Time: m.Time, KeyDigest: digest(m, fieldID)}
	if content, err := f.encoding.Decode(m.Data); err == nil {
		e.Relation, e.Target, e.Counted = chat.Relate(content.Body)
		e.Author = content.Sender.ID
	}
	_, e.Erased = f.erased[m.Sequence]
	e.Erased = e.Erased || f.deleted[m.Sequence] == room || e.Relation == chat.Revises && f.deleted[e.Target] == room
	if !e.Erased {
		e.Payload = m.Data
	}
	return e
}

type subjectKind int

const (
	unknownSubject subjectKind = iota
	fillerSubject
	eventSubject
	registrySubject
	erasedSubject
)

// parseSubject returns the room that a message is about, and for erasedSubject the
// sequence of the event.
func parseSubject(subject string) (room string, sequence uint64, kind subjectKind) {
	if token, ok := strings.CutPrefix(subject, eventPrefix); ok {
		switch token {
		case fillerRoom:
			return "", 0, fillerSubject
		case registryRoom:
			return token, 0, registrySubject
		}
		return roomOf(token), 0, eventSubject
	}
	if rest, ok := strings.CutPrefix(subject, erasedPrefix); ok {
		token, digits, _ := strings.Cut(rest, ".")
		if sequence, err := strconv.ParseUint(digits, 10, 64); err == nil {
			return roomOf(token), sequence, erasedSubject
		}
	}
	return "", 0, unknownSubject
}

func roomOf(token string) string { return strings.ReplaceAll(token, "=", ".") }

// digestSize is that of Event.KeyDigest, in bytes.
const digestSize = 18

func number(m natsfile.Message, field string) uint64 {
	n, _ := strconv.ParseUint(m.Field(field), 10, 64)
	return n
}

// digest returns the digest of a key, nil if the field does not hold one.
func digest(m natsfile.Message, field string) []byte {
	key, err := base64.RawURLEncoding.DecodeString(m.Field(field))
	if err != nil || len(key) != digestSize {
		return nil
	}
	return key
}
