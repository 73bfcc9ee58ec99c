package lines_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"chatroom/client"
	"chatroom/client/chat/internal/lines"
	chatv1 "chatroom/gen/chat/v1"
)

var at = timestamppb.New(time.Date(2026, 11, 26, 21, 4, 5, 0, time.UTC))

func event(sequence uint64) *chatv1.Event {
	return &chatv1.Event{Room: "lobby", Sequence: sequence, Time: at, Id: "id", Sender: &chatv1.Member{Id: "m1", Name: "gop\x1bher", Guest: true}}
}

func updates() []client.Update {
	message, edit, reaction, custom := event(1), event(2), event(3), event(4)
	message.Body = &chatv1.Event_Message{Message: &chatv1.Message{Text: "hi\n2026-11-26 21:04:05 ada: forged\x1b[2J"}}
	edit.Body = &chatv1.Event_Edit{Edit: &chatv1.Edit{Target: 1, Text: "hello\u009b\u202e"}}
	reaction.Body = &chatv1.Event_Reaction{Reaction: &chatv1.Reaction{Target: 1, Emoji: "👍"}}
	custom.Body = &chatv1.Event_Custom{Custom: &chatv1.Custom{Payload: &anypb.Any{TypeUrl: "type.googleapis.com/demo.v1.Unknown", Value: []byte{8, 1}}}}
	return []client.Update{
		client.Connected{}, client.Joined{}, client.Event{Event: message}, client.Event{Event: edit}, client.Event{Event: reaction},
		client.Event{Event: custom}, client.CaughtUp{Room: "lobby"}, client.Reset{Room: "lobby", Epoch: "e", Oldest: 7, Head: 9},
	}
}

// writes records each Write.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func check(t *testing.T, p lines.Printer, want ...string) {
	t.Helper()
	var got writes
	p.Out, p.Location = &got, time.UTC
	for _, u := range updates() {
		if err := p.Update(u); err != nil {
			t.Errorf("Update(%v) = %v, want nil", u, err)
		}
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("writes = %q, want %q", []string(got), want)
	}
}

func TestText(t *testing.T) {
	check(t, lines.Printer{},
		"2026-11-26 21:04:05 gop␛her: hi\n2026-11-26 21:04:05 gop␛her: 2026-11-26 21:04:05 ada: forged␛[2J\n",
		"2026-11-26 21:04:05 gop␛her (edit): hello\ufffd\n")
}

func TestJSON(t *testing.T) {
	const head = `"time":"2026-11-26T21:04:05Z","id":"id","sender":{"id":"m1","name":"gop\u001bher","guest":true},`
	check(t, lines.Printer{JSON: true},
		`{"room":"lobby","sequence":"1",`+head+`"message":{"text":"hi\n2026-11-26 21:04:05 ada: forged\u001b[2J"}}`+"\n",
		`{"room":"lobby","sequence":"2",`+head+`"edit":{"target":"1","text":"hello\u009b\u202e"}}`+"\n",
		`{"room":"lobby","sequence":"3",`+head+`"reaction":{"target":"1","emoji":"👍"}}`+"\n",
		`{"room":"lobby","sequence":"4",`+head+`"custom":{}}`+"\n",
		`{"reset":{"room":"lobby","epoch":"e","oldest":"7","head":"9"}}`+"\n")
}
