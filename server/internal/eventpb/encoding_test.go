package eventpb_test

import (
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
)

// Stores hold these bytes: every version reads them, and writes the same.
func TestStoredBytes(t *testing.T) {
	at := time.Date(2026, 10, 15, 12, 0, 0, 1_000_002, time.UTC)
	ada := chat.Member{ID: "ADA", Name: "Ada", Guest: true}
	const header = "220a08c080c3d60610c2843d" + "2a026964" + "320c0a034144411203416461" + "1801" // time, id and sender
	for _, tt := range []struct {
		body   chat.Body
		stored string
	}{
		{chat.Message{Text: "hi"}, "52040a026869"},
		{chat.Message{Text: "hi", ReplyTo: 7}, "52060a0268691007"},
		{chat.Edit{Target: 7, Text: "ho"}, "5a0608071202686f"},
		{chat.Deletion{Target: 7}, "62020807"},
		{chat.Reaction{Target: 7, Emoji: "👍"}, "6a0808071204f09f918d"},
		{chat.Reaction{Target: 7, Emoji: "👍", Removed: true}, "6a0a08071204f09f918d1801"},
		{chat.Custom{Type: "type.googleapis.com/google.protobuf.Duration", Payload: []byte{8, 3}},
			"72340a320a2c747970652e676f6f676c65617069732e636f6d2f676f6f676c652e70726f746f6275662e4475726174696f6e12020803"},
		{chat.RoomChanged{Profile: chat.Profile{DisplayName: "Tea", Topic: "leaves"}}, "c2010d0a0354656112066c6561766573"},
	} {
		event := &chat.Event{Time: at, ID: "id", Sender: ada, Body: tt.body}
		payload, err := eventpb.Encoding{}.Encode(event)
		if got := hex.EncodeToString(payload); err != nil || got != header+tt.stored {
			t.Errorf("Encode(%+v) = %s, %v, want %s", tt.body, got, err, header+tt.stored)
		}
		stored, err := hex.DecodeString(header + tt.stored)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (eventpb.Encoding{}).Decode(stored); err != nil || !reflect.DeepEqual(got, event) {
			t.Errorf("Decode of stored %T = %+v, %v, want %+v", tt.body, got, err, event)
		}
	}
}

func TestEncodingRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := &chat.Event{
			ID: rapid.String().Draw(t, "id"),
			Sender: chat.Member{
				ID:    rapid.String().Draw(t, "sender"),
				Name:  rapid.String().Draw(t, "name"),
				Guest: rapid.Bool().Draw(t, "guest"),
				Mark:  rapid.SampledFrom([]chat.NameMark{chat.Unmarked, chat.Resembles, chat.MixedScripts, chat.Reserved}).Draw(t, "mark"),

				Moderator: rapid.Bool().Draw(t, "moderator"),
			},
		}
		if rapid.Bool().Draw(t, "timed") {
			// From the year 1 to the end of 9999, the bounds of a Timestamp.
			event.Time = time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
		}
		if rapid.Bool().Draw(t, "said") {
			event.Body = chat.Message{Text: rapid.String().Draw(t, "text")}
		}
		payload, err := eventpb.Encoding{}.Encode(event)
		if err != nil {
			t.Fatalf("Encode(%+v) = %v, want nil", event, err)
		}
		got, err := eventpb.Encoding{}.Decode(payload)
		if err != nil || *got != *event {
			t.Fatalf("Decode(Encode(%+v)) = %+v, %v, want it unchanged", event, got, err)
		}
		again, err := eventpb.Encoding{}.Encode(event)
		if err != nil || string(again) != string(payload) {
			t.Fatalf("Encode(%+v) again = %q, %v, want %q", event, again, err, payload)
		}
	})
}

// An emoji that an earlier version has stored as it came gets its one form, and other text
// stays as it is.
func TestStoredReactionsOfEarlierVersions(t *testing.T) {
	for stored, want := range map[string]string{"❤": "❤️", "❤️": "❤️", "👍": "👍", "hello": "hello"} {
		payload, err := eventpb.Encoding{}.Encode(&chat.Event{Body: chat.Reaction{Target: 7, Emoji: stored, Removed: true}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := eventpb.Encoding{}.Decode(payload)
		if wanted := (chat.Reaction{Target: 7, Emoji: want, Removed: true}); err != nil || got.Body != wanted {
			t.Errorf("Decode of a stored %+q = %+v, %v, want %+v", stored, got, err, wanted)
		}
	}
}

// A mark that this version does not know is none.
func TestStoredMarks(t *testing.T) {
	for mark, want := range map[byte]chat.NameMark{0: chat.Unmarked, 1: chat.Resembles, 2: chat.MixedScripts, 3: chat.Reserved, 4: chat.Unmarked} {
		stored := []byte{0x32, 0x05, 0x12, 0x01, 'a', 0x20, mark}
		if got, err := (eventpb.Encoding{}).Decode(stored); err != nil || got.Sender != (chat.Member{Name: "a", Mark: want}) {
			t.Errorf("Decode of mark %d = %+v, %v, want %v", mark, got, err, want)
		}
	}
}

func TestEncodingRefuses(t *testing.T) {
	if payload, err := (eventpb.Encoding{}).Encode(&chat.Event{Body: chat.Message{Text: "\xff"}}); err == nil {
		t.Errorf("Encode of what is not UTF-8 = %q, nil, want an error", payload)
	}
	for _, payload := range []string{"\xff", "\x2a\x02", "\x52\x03\x0a\x01\xff"} {
		if event, err := (eventpb.Encoding{}).Decode([]byte(payload)); err == nil {
			t.Errorf("Decode(%q) = %+v, nil, want an error", payload, event)
		}
	}
}

// An event of a kind that this version does not know keeps all the rest.
func TestEncodingOfNewerKinds(t *testing.T) {
	got, err := eventpb.Encoding{}.Decode([]byte("\x2a\x02id\x32\x08\x12\x06gopher\x9a\x06\x05newer"))
	want := &chat.Event{ID: "id", Sender: chat.Member{Name: "gopher"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Decode of a newer kind = %+v, %v, want %+v", got, err, want)
	}
}
