package roomfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"unicode/utf8"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/schema"
)

// Reader reads rooms. Create it with NewReader.
type Reader struct {
	in    *bufio.Reader
	kinds *schema.Schema
	line  int       // of the line that was read last
	sum   hash.Hash // of the lines of the section
}

// NewReader returns a reader. The kinds are those of custom events, nil for none.
func NewReader(in io.Reader, kinds *schema.Schema) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, 64<<10), kinds: kinds, sum: sha256.New()}
}

// Room is a section of a file.
type Room struct {
	Header
	reader *Reader
	err    error // of Events
	read   bool  // Events has come to the trailer
}

// Rooms returns the rooms of the file. The events of each must be read before the next one.
// It yields an error at most once, as the last pair: a *LineError for what is wrong with the
// file.
func (r *Reader) Rooms() iter.Seq2[*Room, error] {
	return func(yield func(*Room, error) bool) {
		rooms, seen := 1, make(map[string]bool)
		for number := 1; number <= rooms; number++ {
			h, err := r.header(number, rooms)
			if err == nil && seen[h.Room] {
				err = r.invalid("header.room", "must be in the file once")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			rooms, seen[h.Room] = h.Rooms, true
			room := &Room{Header: h, reader: r}
			if !yield(room, nil) {
				return
			}
			if room.err == nil && !room.read {
				room.err = fmt.Errorf("the events of room %q were not read", h.Room)
			}
			if room.err != nil {
				yield(nil, room.err)
				return
			}
		}
		if _, err := r.next(); !errors.Is(err, io.EOF) {
			yield(nil, r.invalid("", fmt.Sprintf("must not be there: the file has %d rooms", rooms)))
		}
	}
}

// next reads a line, without the line feed, and adds it to the checksum. It returns io.EOF at
// the end of the file.
func (r *Reader) next() ([]byte, error) {
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if len(line)+len(part) > MaxLine {
			r.line++
			return nil, r.invalid("", fmt.Sprintf("must be at most %d bytes", MaxLine))
		}
		line = append(line, part...)
		switch {
		case err == nil:
			r.line++
			r.sum.Write(line)
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case errors.Is(err, io.EOF) && len(line) > 0:
			r.line++
			return nil, r.invalid("", "must end with a line feed: the file is cut")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// nextOf is next where the file must go on.
func (r *Reader) nextOf(what string) ([]byte, error) {
	line, err := r.next()
	if errors.Is(err, io.EOF) {
		r.line++
		return nil, r.invalid("", fmt.Sprintf("must be %s: the file is cut", what))
	}
	return line, err
}

func (r *Reader) invalid(field, bound string) error {
	return &LineError{Line: r.line, Field: field, Bound: bound}
}

// header reads the header of the section with a number.
func (r *Reader) header(number, rooms int) (h Header, err error) {
	r.sum.Reset()
	line, err := r.nextOf("a header")
	if err != nil {
		return h, err
	}
	// The version comes first: the fields of another one are unknown.
	var versioned struct {
		Header *struct {
			Version int `json:"version"`
		} `json:"header"`
	}
	if err := json.Unmarshal(line, &versioned); err != nil || versioned.Header == nil {
		return h, r.invalid("", "must be a header, as chatroom export writes it")
	}
	if v := versioned.Header.Version; v != Version {
		return h, r.invalid("header.version", fmt.Sprintf("must be %d, which is what this release reads, not %d", Version, v))
	}
	if err := strict(line, &headerLine{&h}); err != nil {
		return h, r.invalid("header", err.Error())
	}
	switch {
	case h.Number != number:
		return h, r.invalid("header.number", fmt.Sprintf("must be %d, not %d: a room is missing", number, h.Number))
	case number == 1 && h.Rooms < 1, number > 1 && h.Rooms != rooms:
		return h, r.invalid("header.rooms", fmt.Sprintf("must be %d, not %d", rooms, h.Rooms))
	case len(h.Creator) > maxMemberID:
		return h, r.invalid("header.creator", fmt.Sprintf("must be at most %d bytes", maxMemberID))
	}
	if err := chat.CheckRoom(h.Room); err != nil {
		return h, r.outOfBounds("header.", err)
	}
	// Earlier versions had other rules for the characters.
	switch {
	case utf8.RuneCountInString(h.Profile.DisplayName) > maxDisplayName:
		return h, r.invalid("header.profile.displayName", fmt.Sprintf("must be at most %d characters", maxDisplayName))
	case utf8.RuneCountInString(h.Profile.Topic) > chat.MaxTopic:
		return h, r.invalid("header.profile.topic", fmt.Sprintf("must be at most %d characters", chat.MaxTopic))
	}
	return h, nil
}

// outOfBounds returns the error for a *chat.FieldError.
func (r *Reader) outOfBounds(prefix string, err error) error {
	if field, ok := errors.AsType[*chat.FieldError](err); ok {
		return r.invalid(prefix+field.Field, field.Bound)
	}
	return err
}

// strict decodes a line that has nothing but the fields of v.
func strict(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("must have the fields of the format: %w", err)
	}
	if d.More() {
		return errors.New("must be one value")
	}
	return nil
}

// Events returns the events of the room, once. It yields an error at most once, as the last
// pair: a *LineError for what is wrong with the file.
func (s *Room) Events() iter.Seq2[*chat.Event, error] {
	return func(yield func(*chat.Event, error) bool) {
		r, n, last := s.reader, 0, uint64(0)
		for {
			var sum [sha256.Size]byte
			r.sum.Sum(sum[:0])
			line, err := r.nextOf("an event or a trailer")
			if err == nil && bytes.HasPrefix(line, []byte(`{"trailer":`)) {
				if s.err = s.checkTrailer(line, n, sum); s.err != nil {
					yield(nil, s.err)
				}
				s.read = true
				return
			}
			var e *chat.Event
			if err == nil {
				e, err = r.event(line, s.Room, last)
			}
			if err != nil {
				s.err = err
				yield(nil, err)
				return
			}
			if n++; !yield(e, nil) {
				return
			}
			last = e.Sequence
		}
	}
}

func (s *Room) checkTrailer(line []byte, events int, sum [sha256.Size]byte) error {
	var t Trailer
	if err := strict(line, &trailerLine{&t}); err != nil {
		return s.reader.invalid("trailer", err.Error())
	}
	switch {
	case t.Room != s.Room:
		return s.reader.invalid("trailer.room", fmt.Sprintf("must be %q, as in the header", s.Room))
	case t.Events != events:
		return s.reader.invalid("trailer.events", fmt.Sprintf("must be %d, the number of lines with events, not %d", events, t.Events))
	case t.SHA256 != hex.EncodeToString(sum[:]):
		return s.reader.invalid("trailer.sha256", "must be that of the lines of the room: the file is damaged")
	}
	return nil
}
