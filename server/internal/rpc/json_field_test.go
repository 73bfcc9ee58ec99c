package rpc

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/schema"
)

// JSON of the wrong type is refused with the field and what it must be.
func TestFieldOfJSONOfTheWrongType(t *testing.T) {
	json := newJSONCodec((*schema.Schema)(nil))
	for _, tt := range []struct {
		message     proto.Message
		data        string
		field, want string
	}{
		{new(chatv1.SendRequest), `{"room":5}`, "room", "must be a string"},
		{new(chatv1.SendRequest), `{"room":"a","message":{"text":["x"]}}`, "message.text", "must be a string"},
		{new(chatv1.SendRequest), `{"room":"a","message":"x"}`, "message", "must be a chat.v1.Message in JSON form"},
		{new(chatv1.SendRequest), `{"message":{"replyTo":"x"}}`, "message.reply_to", "must be a number of the type uint64"},
		{new(chatv1.SendRequest), `{"message":{"reply_to":-1}}`, "message.reply_to", "must be a number of the type uint64"},
		{new(chatv1.SendRequest), `{"custom":{"ephemeral":"yes"}}`, "custom.ephemeral", "must be true or false"},
		{new(chatv1.ListEventsRequest), `{"wait":"soon"}`, "wait", "must be a google.protobuf.Duration in JSON form"},
		{new(chatv1.ListRoomsRequest), `{"order":[]}`, "order", "must be the name or the number of a chat.v1.RoomOrder"},
		{new(chatv1.SubscribeRequest), `{"rooms":{}}`, "rooms", "must be a list"},
		{new(chatv1.SubscribeRequest), `{"rooms":[{"room":"a"},{"room":"b","recent":1.5}]}`, "rooms.recent", "must be a number of the type uint32"},
		{new(chatv1.SubscribeRequest), `{"rooms":[1]}`, "rooms", "must be a list, each of it a chat.v1.Subscription in JSON form"},
		{new(chatv1.ChatRequest), `{"send":{"message":{"text":{}}}}`, "send.message.text", "must be a string"},
		// Without a field.
		{new(chatv1.SendRequest), `{"message":{},"edit":{}}`, "", "the request must be a chat.v1.SendRequest in json form"},
		{new(chatv1.SendRequest), `{"room":`, "", "the request must be a chat.v1.SendRequest in json form"},
		{new(chatv1.SendRequest), `[]`, "", "the request must be a chat.v1.SendRequest in json form"},
	} {
		err := json.decode([]byte(tt.data), tt.message)
		if err == nil {
			t.Errorf("decode(%s) = nil, want an error", tt.data)
			continue
		}
		text := tt.want
		if tt.field != "" {
			text = tt.field + ": " + tt.want
		}
		path, rule := violationIn(err)
		if path != tt.field || rule != "request.json" || !strings.HasPrefix(err.Message(), text) {
			t.Errorf("decode(%s) = %q of field %q, want %q", tt.data, err.Message(), path, text)
		}
	}
}
