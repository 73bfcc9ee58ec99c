package rpc

import (
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
)

func TestFrames(t *testing.T) {
	at := time.Date(2026, 10, 15, 12, 0, 0, 1, time.UTC)
	for _, tt := range []struct {
		item chat.Item
		want *chatv1.Frame
	}{
		{&chat.Event{Room: "room", Sequence: 7, Previous: 5, Time: at, ID: "id", Sender: gopher, Body: chat.Message{Text: "hi"}},
			&chatv1.Frame{Kind: &chatv1.Frame_Event{Event: &chatv1.Event{Room: "room", Sequence: 7, Previous: 5, Time: eventpb.FromTime(at), Id: "id",
				Sender: &chatv1.Member{Id: "G", Name: "gopher", Guest: true}, Body: &chatv1.Event_Message{Message: &chatv1.Message{Text: "hi"}}}}}},
		{&chat.Event{Room: "room", Sequence: 7, Previous: 5}, &chatv1.Frame{Kind: &chatv1.Frame_Event{Event: &chatv1.Event{Room: "room", Sequence: 7, Previous: 5}}}},
		{chat.CaughtUp{Room: "room"}, &chatv1.Frame{Kind: &chatv1.Frame_CaughtUp{CaughtUp: &chatv1.CaughtUp{Room: "room"}}}},
		{chat.Reset{Room: "room", Epoch: "E", Oldest: 3, Head: math.MaxUint64}, &chatv1.Frame{Kind: &chatv1.Frame_Reset_{Reset_: &chatv1.Reset{Room: "room", Epoch: "E", Oldest: 3, Head: math.MaxUint64}}}},
	} {
		var got *chatv1.Frame
		if e, ok := tt.item.(*chat.Event); ok {
			got = eventToFrame(e)
		} else {
			got = toFrame(tt.item)
		}
		if !proto.Equal(got, tt.want) {
			t.Errorf("frame of %+v = %v, want %v", tt.item, got, tt.want)
		}
	}
}
