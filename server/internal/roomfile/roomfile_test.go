package roomfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/roomfile"
	"chatroom/server/internal/schema"
)

// game are the kinds of custom events.
var game = must(schema.Open("../schema/testdata/app.binpb"))

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const moveType = "type.googleapis.com/game.v1.Move"

// move is the payload of a custom event: field 1 is a string, 2 and 3 are numbers.
func move(piece string, x, y byte) chat.Custom {
	payload := append([]byte{0x0a, byte(len(piece))}, piece...)
	return chat.Custom{Type: moveType, Payload: append(payload, 0x10, x, 0x18, y)}
}

var at = time.Date(2026, 11, 27, 1, 2, 3, 4_000_000, time.UTC)

// section is a room and its events.
type section struct {
	header roomfile.Header
	events []*chat.Event
}

func seq[T any](values []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range values {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// write returns a file.
func write(t require, sections ...section) string {
	var out bytes.Buffer
	w := roomfile.NewWriter(&out, game)
	for i, s := range sections {
		s.header.Number, s.header.Rooms = i+1, len(sections)
		if n, err := w.Room(s.header, seq(s.events)); err != nil || n != len(s.events) {
			t.Fatalf("Room = %d, %v, want %d", n, err, len(s.events))
		}
	}
	return out.String()
}

type require interface{ Fatalf(string, ...any) }

// read returns what is in a file, with the numbers of the header as they are.
func read(file io.Reader) (all []section, err error) {
	for room, err := range roomfile.NewReader(file, game).Rooms() {
		if err != nil {
			return all, err
		}
		s := section{header: room.Header}
		for e, err := range room.Events() {
			if err != nil {
				return all, err
			}
			s.events = append(s.events, e)
		}
		all = append(all, s)
	}
	return all, nil
}

// event draws an event of any durable kind.
func event(t *rapid.T, room string, previous uint64) *chat.Event {
	e := &chat.Event{
		Room: room, Sequence: previous + rapid.Uint64Range(1, 1000).Draw(t, "step"), Previous: previous,
		ID: rapid.StringN(0, -1, chat.MaxID).Draw(t, "id"),
		Sender: chat.Member{
			ID: rapid.StringN(0, -1, 40).Draw(t, "sender"), Name: rapid.StringN(0, -1, 40).Draw(t, "name"), Guest: rapid.Bool().Draw(t, "guest"),
			Mark: rapid.SampledFrom([]chat.NameMark{chat.Unmarked, chat.Resembles, chat.MixedScripts, chat.Reserved}).Draw(t, "mark"),

			Moderator: rapid.Bool().Draw(t, "moderator"),
		},
	}
	if rapid.Bool().Draw(t, "timed") {
		e.Time = time.Unix(rapid.Int64Range(0, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
	}
	text := rapid.StringN(1, 100, -1).Draw(t, "text")
	target := rapid.Uint64Range(0, e.Sequence-1).Draw(t, "target")
	kinds := []chat.Body{chat.Message{Text: text, ReplyTo: target}, move(rapid.StringN(1, -1, 100).Draw(t, "piece"), rapid.ByteMax(9).Draw(t, "x")+1, 7)}
	if target > 0 {
		emoji := rapid.SampledFrom([]string{"👍", "❤️", "🇩🇪", "not an emoji", "👩🏽‍💻"}).Draw(t, "emoji")
		kinds = append(kinds, chat.Edit{Target: target, Text: text}, chat.Deletion{Target: target},
			chat.Reaction{Target: target, Emoji: emoji, Removed: rapid.Bool().Draw(t, "removed")})
	}
	e.Body = kinds[rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")]
	return e
}

func drawSection(t *rapid.T, room string) section {
	s := section{header: roomfile.Header{
		Program: rapid.String().Draw(t, "program"), Made: at, Room: room, Epoch: rapid.String().Draw(t, "epoch"),
		Profile: roomfile.Profile{DisplayName: rapid.StringN(0, 80, -1).Draw(t, "display name"), Topic: rapid.StringN(0, 300, -1).Draw(t, "topic")},
		Creator: rapid.StringN(0, -1, 40).Draw(t, "creator"),
	}}
	last := uint64(0)
	for range rapid.IntRange(0, 20).Draw(t, "events") {
		e := event(t, room, last)
		s.events, last = append(s.events, e), e.Sequence
	}
	return s
}

// What is written is read again, for every kind of event.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []section
		for i := range rapid.IntRange(1, 3).Draw(t, "rooms") {
			want = append(want, drawSection(t, fmt.Sprint("room-", i)))
		}
		file := write(t, want...)
		got, err := read(strings.NewReader(file))
		if err != nil || len(got) != len(want) {
			t.Fatalf("read %s = %v, %v, want %v", file, got, err, want)
		}
		for i := range want {
			want[i].header.Version, want[i].header.Number, want[i].header.Rooms = roomfile.Version, i+1, len(want)
			if got[i].header != want[i].header {
				t.Fatalf("header = %+v, want %+v", got[i].header, want[i].header)
			}
			for j, e := range want[i].events {
				if !sameEvent(got[i].events[j], e) {
					t.Fatalf("event = %+v, want %+v", got[i].events[j], e)
				}
			}
		}
		if again := write(t, got...); again != file {
			t.Fatalf("written again:\n%s\nwant\n%s", again, file)
		}
	})
}

func sameEvent(a, b *chat.Event) bool {
	return a.Room == b.Room && a.Sequence == b.Sequence && a.Previous == b.Previous && a.Time.Equal(b.Time) &&
		a.ID == b.ID && a.Sender == b.Sender && chat.SameBody(a.Body, b.Body)
}

// example is a room with each kind of event.
func example(room string) section {
	ada := chat.Member{ID: "ADA", Name: "Ada", Guest: true}
	s := section{header: roomfile.Header{Program: "test", Made: at, Room: room, Epoch: "EPOCH", Profile: roomfile.Profile{DisplayName: "Tea"}}}
	for i, body := range []chat.Body{
		chat.Message{Text: "hi"}, chat.Message{Text: "<hello>", ReplyTo: 5}, chat.Edit{Target: 5, Text: "ho"},
		chat.Reaction{Target: 6, Emoji: "👍"}, chat.Deletion{Target: 3}, move("queen", 3, 4),
	} {
		e := &chat.Event{Room: room, Sequence: uint64(5 + i), Time: at, ID: fmt.Sprint("id-", i), Sender: ada, Body: body}
		if i > 0 {
			e.Previous = e.Sequence - 1
		}
		s.events = append(s.events, e)
	}
	return s
}

// The format is what docs/OPERATIONS.md says: programs of others read it.
func TestFormat(t *testing.T) {
	want := []string{
		`{"header":{"version":1,"program":"test","made":"2026-11-27T01:02:03.004Z","number":1,"rooms":1,"room":"tea","epoch":"EPOCH","profile":{"displayName":"Tea"}}}`,
		`{"room":"tea","sequence":"5","time":"2026-11-27T01:02:03.004Z","id":"id-0","sender":{"id":"ADA","name":"Ada","guest":true},"message":{"text":"hi"}}`,
		`{"room":"tea","sequence":"6","previous":"5","time":"2026-11-27T01:02:03.004Z","id":"id-1","sender":{"id":"ADA","name":"Ada","guest":true},"message":{"text":"<hello>","replyTo":"5"}}`,
		`{"room":"tea","sequence":"7","previous":"6","time":"2026-11-27T01:02:03.004Z","id":"id-2","sender":{"id":"ADA","name":"Ada","guest":true},"edit":{"target":"5","text":"ho"}}`,
		`{"room":"tea","sequence":"8","previous":"7","time":"2026-11-27T01:02:03.004Z","id":"id-3","sender":{"id":"ADA","name":"Ada","guest":true},"reaction":{"target":"6","emoji":"👍"}}`,
		`{"room":"tea","sequence":"9","previous":"8","time":"2026-11-27T01:02:03.004Z","id":"id-4","sender":{"id":"ADA","name":"Ada","guest":true},"deletion":{"target":"3"}}`,
		`{"room":"tea","sequence":"10","previous":"9","time":"2026-11-27T01:02:03.004Z","id":"id-5","sender":{"id":"ADA","name":"Ada","guest":true},"custom":{"payload":{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":3,"y":4}}}`,
	}
	lines := strings.Split(write(t, example("tea")), "\n")
	for i, line := range want {
		if lines[i] != line {
			t.Errorf("line %d = %s, want %s", i+1, lines[i], line)
		}
	}
	const bare = `{"header":{"version":1,"program":"test","made":"2026-11-27T01:02:03.004Z","number":1,"rooms":1,"room":"empty","epoch":""}}`
	if header, _, _ := strings.Cut(write(t, section{header: roomfile.Header{Room: "empty", Program: "test", Made: at}}), "\n"); header != bare {
		t.Errorf("header of a room without a profile = %s, want %s", header, bare)
	}
	if trailer := lines[len(want)]; !strings.HasPrefix(trailer, `{"trailer":{"room":"tea","events":6,"sha256":"`) {
		t.Errorf("trailer = %s", trailer)
	}
}

// A file that was cut anywhere, or lacks a line, or has one twice, or has two in another order,
// or a byte that is another one, is refused.
func TestDamagedFiles(t *testing.T) {
	file := write(t, example("tea"), section{header: roomfile.Header{Room: "empty", Made: at}}, example("coffee"))
	if _, err := read(strings.NewReader(file)); err != nil {
		t.Fatalf("the file as it was written: %v", err)
	}
	refused := func(what, damaged string) {
		if all, err := read(strings.NewReader(damaged)); !isLineError(err) {
			t.Errorf("%s: read = %d rooms, %v, want a *LineError", what, len(all), err)
		}
	}
	for n := range len(file) {
		refused(fmt.Sprint(n, " bytes left"), file[:n])
		changed := []byte(file)
		changed[n] ^= 1
		refused(fmt.Sprint("byte ", n, " changed"), string(changed))
	}
	lines := strings.SplitAfter(strings.TrimSuffix(file, "\n"), "\n")
	lines[len(lines)-1] += "\n"
	for i := range lines {
		refused(fmt.Sprint("without line ", i+1), strings.Join(slices.Delete(slices.Clone(lines), i, i+1), ""))
		refused(fmt.Sprint("line twice ", i+1), strings.Join(slices.Insert(slices.Clone(lines), i, lines[i]), ""))
		if i > 0 {
			swapped := slices.Clone(lines)
			swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
			refused(fmt.Sprint("swapped ", i+1), strings.Join(swapped, ""))
		}
	}
	refused("a line more", file+"{}\n")
}

func isLineError(err error) bool {
	_, ok := errors.AsType[*roomfile.LineError](err)
	return ok
}

// Errors name the line, the field and the bound.
func TestRefusals(t *testing.T) {
	file := write(t, example("tea"))
	for _, tt := range []struct{ old, new, want string }{
		{`"version":1`, `"version":2`, "line 1: header.version: must be 1, which is what this release reads, not 2"},
		{`"header":{`, `"header":{"more":1,`, `line 1: header: must have the fields of the format`},
		{`"room":"tea","epoch"`, `"room":"Tea!","epoch"`, "line 1: header.room: must be 1 to 64 characters"},
		{`"number":1`, `"number":2`, "line 1: header.number: must be 1, not 2"},
		{`"rooms":1`, `"rooms":0`, "line 1: header.rooms: must be 1, not 0"},
		{`"displayName":"Tea"`, `"topic":"` + strings.Repeat("x", 301) + `"`, "line 1: header.profile.topic: must be at most 300 characters"},
		{`{"room":"tea","sequence":"5"`, `{"room":"coffee","sequence":"5"`, `line 2: room: must be "tea", as in the header`},
		{`"sequence":"6"`, `"sequence":"5"`, "line 3: sequence: must be greater than 5, that of the event before it, not 5"},
		{`"sequence":"5"`, `"sequence":"9007199254740992"`, "line 2: sequence: must be at most 9007199254740991"},
		{`"previous":"5"`, `"previous":"4"`, "line 3: previous: must be 5, the sequence of the event before it, not 4: events are missing"},
		{`"text":"hi"`, `"text":""`, "line 2: message.text: must be 1 to 4,000 characters"},
		{`"text":"hi"`, `"text":"` + strings.Repeat("x", 4001) + `"`, "line 2: message.text: must be 1 to 4,000 characters"},
		{`"text":"hi"`, `"text":7`, "line 2: must be a chat.v1.Event in JSON form: byte 1"},
		{`"text":"hi"`, `"texts":"hi"`, `unknown field "texts"`},
		{`"replyTo":"5"`, `"replyTo":"6"`, "line 3: message.reply_to: must be less than 6"},
		{`"edit":{"target":"5",`, `"edit":{`, "line 4: edit.target: must be the sequence of a message"},
		{`"emoji":"👍"`, `"emoji":"` + strings.Repeat("x", 65) + `"`, "line 5: reaction.emoji: must be 1 to 64 bytes"},
		{`"id":"id-0"`, `"id":"` + strings.Repeat("x", 65) + `"`, "line 2: id: must be at most 64 bytes"},
		{`"name":"Ada"`, `"name":"` + strings.Repeat("x", 641) + `"`, "line 2: sender.name: must be at most 640 bytes"},
		{`"message":{"text":"hi"}`, `"typing":{}`, "line 2: body: must be a message"},
		{`"message":{"text":"hi"}`, `"message":{"text":"hi"},"changes":{}`, "line 2: changes: must not be set"},
		{`"custom":{`, `"custom":{"ephemeral":true,`, "line 7: body: must be a message"},
		{`{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":3,"y":4}`, `{"@type":"type.googleapis.com/google.protobuf.Duration","value":"3s"}`, "line 7: custom.payload: must be of a type"},
		{`game.v1.Move`, `game.v2.Move`, `line 7: must be a chat.v1.Event in JSON form: byte`},
		{`"text":"hi"`, `"text":"` + strings.Repeat("x", roomfile.MaxLine) + `"`, "line 2: must be at most 4194304 bytes"},
		{`"events":6`, `"events":5`, "line 8: trailer.events: must be 6, the number of lines with events, not 5"},
		{`"text":"hi"`, `"text":"ha"`, "line 8: trailer.sha256: must be that of the lines of the room: the file is damaged"},
	} {
		changed := strings.Replace(file, tt.old, tt.new, 1)
		if changed == file {
			t.Fatalf("%s is not in the file", tt.old)
		}
		_, err := read(strings.NewReader(changed))
		if !isLineError(err) || !strings.Contains(err.Error(), tt.want) || strings.ContainsAny(err.Error(), "\n\u00a0") {
			t.Errorf("with %.100s: %v, want %q in it", tt.new, err, tt.want)
		}
	}
}

// A room must be in a file once.
func TestRoomTwice(t *testing.T) {
	if _, err := read(strings.NewReader(write(t, example("tea"), example("tea")))); err == nil || !strings.Contains(err.Error(), "header.room: must be in the file once") {
		t.Errorf("read = %v, want that the room is there twice", err)
	}
}

// What JSON can't express is refused, or counted.
func TestPayloads(t *testing.T) {
	custom := func(c chat.Custom) error {
		_, err := roomfile.NewWriter(io.Discard, game).Room(roomfile.Header{Room: "tea"}, seq([]*chat.Event{{Room: "tea", Sequence: 1, Body: c}}))
		return err
	}
	for name, c := range map[string]chat.Custom{
		"unknown type": {Type: "type.googleapis.com/game.v9.Move"},
		"not a move":   {Type: moveType, Payload: []byte{0xff}},
	} {
		if err := custom(c); err == nil || !strings.Contains(err.Error(), c.Type) || !strings.Contains(err.Error(), "event 1") {
			t.Errorf("%s: Room = %v, want an error that names the event and the type", name, err)
		}
	}
	if err := custom(chat.Custom{Type: moveType, Ephemeral: true}); err == nil {
		t.Error("an event that is not stored was written")
	}
	w := roomfile.NewWriter(io.Discard, game)
	newer := move("queen", 1, 2)
	newer.Payload = append(newer.Payload, 0xf8, 0x07, 1) // a field that game.v1.Move does not have
	nested, err := anypb.New(must(structpb.NewStruct(map[string]any{"a": []any{map[string]any{"b": "c"}}})))
	if err != nil {
		t.Fatal(err)
	}
	events := []*chat.Event{{Sequence: 1, Body: newer}, {Sequence: 2, Body: move("king", 1, 2)}, {Sequence: 3, Body: chat.Custom{Type: nested.GetTypeUrl(), Payload: nested.GetValue()}}}
	if _, err := w.Room(roomfile.Header{Room: "tea"}, seq(events)); err != nil || w.Partial() != 1 {
		t.Errorf("Room = %v, Partial() = %d, want nil and 1", err, w.Partial())
	}
}

// Shift changes what refers to other events, and nothing else.
func TestShift(t *testing.T) {
	want := []chat.Body{
		chat.Message{Text: "hi"}, chat.Message{Text: "<hello>", ReplyTo: 105}, chat.Edit{Target: 105, Text: "ho"},
		chat.Reaction{Target: 106, Emoji: "👍"}, chat.Deletion{Target: 103}, move("queen", 3, 4),
	}
	for i, e := range example("tea").events {
		got := roomfile.Shift(e, 100)
		if got.Sequence != e.Sequence+100 || !reflect.DeepEqual(got.Body, want[i]) || got.ID != e.ID || got.Sender != e.Sender || !got.Time.Equal(e.Time) {
			t.Errorf("Shift(%+v) = %+v, want %+v", e, got, want[i])
		}
	}
}

// FuzzReader reads arbitrary files: what is accepted is written as it was.
func FuzzReader(f *testing.F) {
	f.Add([]byte(write(f, example("tea"))))
	f.Add([]byte(write(f, example("tea"), example("coffee"))))
	f.Add([]byte(`{"header":{}}`))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		all, err := read(bytes.NewReader(file))
		if err != nil {
			return
		}
		again, err := read(strings.NewReader(write(t, all...)))
		if err != nil || len(again) != len(all) {
			t.Errorf("what was written of %q is read as %v, %v", file, again, err)
		}
	})
}
