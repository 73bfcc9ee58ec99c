package eventpb

import (
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
)

// Encoding is the form in which journals store events.
type Encoding struct{}

var _ chat.Encoding = Encoding{}

// Encode implements chat.Encoding. Equal events have equal bytes.
func (Encoding) Encode(e *chat.Event) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(FromEvent(e))
}

// Decode implements chat.Encoding. It returns what ToEvent does.
func (Encoding) Decode(payload []byte) (*chat.Event, error) {
	var e chatv1.Event
	if err := proto.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	event := ToEvent(&e)
	event.Room, event.Sequence, event.Previous = "", 0, 0 // the journal's to keep
	return event, nil
}
