package rpc

import (
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/schema"
)

// bodies draw each kind of body that there is, by its field in chat.v1.Event.
var bodies = map[string]func(t *rapid.T) chat.Body{
	"message": func(t *rapid.T) chat.Body { return chat.Message{Text: text(t), ReplyTo: rapid.Uint64().Draw(t, "to")} },
	"edit":    func(t *rapid.T) chat.Body { return chat.Edit{Target: rapid.Uint64().Draw(t, "target"), Text: text(t)} },
	"deletion": func(t *rapid.T) chat.Body {
		return chat.Deletion{Target: rapid.Uint64().Draw(t, "target")}
	},
	"reaction": func(t *rapid.T) chat.Body {
		return chat.Reaction{Target: rapid.Uint64().Draw(t, "target"), Emoji: emoji(t), Removed: rapid.Bool().Draw(t, "removed")}
	},
	"custom": func(t *rapid.T) chat.Body {
		payload := append([]byte{8}, byte(rapid.IntRange(1, 7).Draw(t, "seconds"))) // as JSON has it encoded again
		return chat.Custom{Type: "type.googleapis.com/google.protobuf.Duration", Payload: payload, Ephemeral: rapid.Bool().Draw(t, "ephemeral"), Key: text(t)}
	},
	"typing":         func(t *rapid.T) chat.Body { return chat.Typing{Stopped: rapid.Bool().Draw(t, "stopped")} },
	"member_joined":  func(t *rapid.T) chat.Body { return chat.MemberJoined{Members: count(t)} },
	"member_left":    func(t *rapid.T) chat.Body { return chat.MemberLeft{Members: count(t)} },
	"member_renamed": func(*rapid.T) chat.Body { return chat.MemberRenamed{} },
	"member_count": func(t *rapid.T) chat.Body {
		return chat.MemberCount{Members: count(t), Joined: count(t), Left: count(t), Sample: []chat.Member{gopher}}
	},
	"room_changed": func(t *rapid.T) chat.Body {
		return chat.RoomChanged{Profile: chat.Profile{DisplayName: text(t), Topic: text(t)}}
	},
}

func text(t *rapid.T) string { return rapid.String().Draw(t, "text") }

// emoji draws one in the form that is stored.
func emoji(t *rapid.T) string {
	return rapid.SampledFrom([]string{"👍", "❤️", "©️", "👩🏽‍❤️‍💋‍👩🏻"}).Draw(t, "emoji")
}
func count(t *rapid.T) int { return rapid.IntRange(0, 1<<20).Draw(t, "count") }

// Every kind of event in the contract is the same after it was encoded and decoded: as it
// is stored, and as binary and JSON clients receive it.
func TestEventsRoundTrip(t *testing.T) {
	json := newJSONCodec((*schema.Schema)(nil))
	oneof := new(chatv1.Event).ProtoReflect().Descriptor().Oneofs().ByName("body")
	for i := range oneof.Fields().Len() {
		name := string(oneof.Fields().Get(i).Name())
		t.Run(name, func(t *testing.T) {
			draw := bodies[name]
			if draw == nil {
				t.Fatalf("bodies draws no %s, which is a field of the oneof %s", name, oneof.FullName())
			}
			rapid.Check(t, func(t *rapid.T) {
				e := &chat.Event{Time: time.Unix(1, 2).UTC(), ID: "id", Sender: gopher, Body: draw(t)}
				stored := e.Body.Durable() || name == "room_changed"
				payload, err := eventpb.Encoding{}.Encode(e)
				if err != nil {
					t.Fatalf("Encode(%+v) = %v, want nil", e.Body, err)
				}
				if got, err := (eventpb.Encoding{}).Decode(payload); stored && (err != nil || !reflect.DeepEqual(got.Body, e.Body)) {
					t.Fatalf("stored = %+v, %v, want %+v", got.Body, err, e.Body)
				}
				want := &chatv1.SubscribeResponse{Frame: eventToFrame(e)}
				if field := want.GetFrame().GetEvent().ProtoReflect().WhichOneof(oneof); field == nil || string(field.Name()) != name {
					t.Fatalf("%+v is %v on the wire, want %s", e.Body, field, name)
				}
				for _, c := range []*codec{protoCodec, json} {
					data, err := c.Marshal((*eventFrame)(e))
					got := new(chatv1.SubscribeResponse)
					if err != nil || c.unmarshal(data, got) != nil || !proto.Equal(got, want) {
						t.Fatalf("%s: %+v came as %v, %v, want %v", c.name, e.Body, got, err, want)
					}
				}
			})
		})
	}
}

// A payload of a type that the server does not know any more is left out of JSON,
// and nothing else is.
func TestUnknownPayloadsInJSON(t *testing.T) {
	json := newJSONCodec(nil)
	unknown := &chat.Event{Sequence: 7, ID: "id", Sender: gopher, Body: chat.Custom{Type: "type.googleapis.com/gone.v1.Kind", Payload: []byte{8, 1}}}
	page := &chatv1.ListEventsResponse{Events: []*chatv1.Event{eventpb.FromEvent(unknown), eventpb.FromEvent(&chat.Event{Sequence: 8, Body: chat.Message{Text: "hi"}})}}
	data, err := json.Marshal(page)
	got := new(chatv1.ListEventsResponse)
	if err != nil || json.unmarshal(data, got) != nil {
		t.Fatalf("Marshal = %q, %v, want it readable", data, err)
	}
	if len(got.GetEvents()) != 2 || got.GetEvents()[0].GetCustom() == nil || got.GetEvents()[0].GetCustom().GetPayload() != nil || got.GetEvents()[1].GetMessage().GetText() != "hi" {
		t.Errorf("the page came as %v, want all of it but the payload", got)
	}
	if page.GetEvents()[0].GetCustom().GetPayload() == nil {
		t.Error("Marshal has changed what it was given")
	}
}
