package rpc

import (
	"math"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
)

func TestEncodingRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := &chat.Event{
			ID: rapid.String().Draw(t, "id"),
			Sender: chat.Member{
				ID:    rapid.String().Draw(t, "sender"),
				Name:  rapid.String().Draw(t, "name"),
				Guest: rapid.Bool().Draw(t, "guest"),
			},
		}
		if rapid.Bool().Draw(t, "timed") {
			// From the year 1 to the end of 9999, the bounds of a Timestamp.
			event.Time = time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
		}
		if rapid.Bool().Draw(t, "said") {
			event.Body = chat.Message{Text: rapid.String().Draw(t, "text")}
		}
		payload, err := Encoding{}.Encode(event)
		if err != nil {
			t.Fatalf("Encode(%+v) = %v, want nil", event, err)
		}
		got, err := Encoding{}.Decode(payload)
		if err != nil || *got != *event {
			t.Fatalf("Decode(Encode(%+v)) = %+v, %v, want it unchanged", event, got, err)
		}
		again, err := Encoding{}.Encode(event)
		if err != nil || string(again) != string(payload) {
			t.Fatalf("Encode(%+v) again = %q, %v, want %q", event, again, err, payload)
		}
	})
}

func TestEncodingRefuses(t *testing.T) {
	if payload, err := (Encoding{}).Encode(&chat.Event{Body: chat.Message{Text: "\xff"}}); err == nil {
		t.Errorf("Encode of what is not UTF-8 = %q, nil, want an error", payload)
	}
	for _, payload := range []string{"\xff", field(5, "id")[:2], field(10, field(1, "\xff"))} {
		if event, err := (Encoding{}).Decode([]byte(payload)); err == nil {
			t.Errorf("Decode(%q) = %+v, nil, want an error", payload, event)
		}
	}
}

// An event of a kind that this version does not know keeps all the rest.
func TestEncodingOfNewerKinds(t *testing.T) {
	got, err := Encoding{}.Decode([]byte(field(5, "id") + field(6, field(2, "gopher")) + field(99, "newer")))
	want := &chat.Event{ID: "id", Sender: chat.Member{Name: "gopher"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Decode of a newer kind = %+v, %v, want %+v", got, err, want)
	}
}

func TestFrames(t *testing.T) {
	at := time.Date(2026, 10, 15, 12, 0, 0, 1, time.UTC)
	for _, tt := range []struct {
		item chat.Item
		want *chatv1.Frame
	}{
		{&chat.Event{Room: "room", Sequence: 7, Previous: 5, Time: at, ID: "id", Sender: gopher, Body: chat.Message{Text: "hi"}},
			&chatv1.Frame{Kind: &chatv1.Frame_Event{Event: &chatv1.Event{Room: "room", Sequence: 7, Previous: 5, Time: toTime(at), Id: "id",
				Sender: &chatv1.Member{Id: "G", Name: "gopher", Guest: true}, Body: &chatv1.Event_Message{Message: &chatv1.Message{Text: "hi"}}}}}},
		{&chat.Event{Room: "room", Sequence: 7, Previous: 5}, &chatv1.Frame{Kind: &chatv1.Frame_Event{Event: &chatv1.Event{Room: "room", Sequence: 7, Previous: 5}}}},
		{chat.CaughtUp{Room: "room"}, &chatv1.Frame{Kind: &chatv1.Frame_CaughtUp{CaughtUp: &chatv1.CaughtUp{Room: "room"}}}},
		{chat.Reset{Room: "room", Epoch: "E", Oldest: 3, Head: math.MaxUint64}, &chatv1.Frame{Kind: &chatv1.Frame_Reset_{Reset_: &chatv1.Reset{Room: "room", Epoch: "E", Oldest: 3, Head: math.MaxUint64}}}},
	} {
		var got *chatv1.Frame
		if e, ok := tt.item.(*chat.Event); ok {
			got = eventToFrame(e)
		} else {
			got = toFrame(tt.item, gopher, time.Second)
		}
		if !proto.Equal(got, tt.want) {
			t.Errorf("frame of %+v = %v, want %v", tt.item, got, tt.want)
		}
	}
	joined := toFrame(chat.Joined{Rooms: []chat.RoomState{{Room: "room", Epoch: "E", Head: 9, Members: 2}}}, gopher, 15*time.Second).GetJoined()
	if got := joined.GetRooms(); len(got) != 1 || !proto.Equal(got[0], &chatv1.RoomState{Room: "room", Epoch: "E", Head: 9, Members: 2}) {
		t.Errorf("Joined.rooms = %v, want the one", got)
	}
	if !proto.Equal(joined.GetMember(), toMember(gopher)) || joined.GetHeartbeatInterval().AsDuration() != 15*time.Second {
		t.Errorf("Joined = %v, want the member and the interval", joined)
	}
}
