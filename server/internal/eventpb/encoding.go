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

// Decode implements chat.Encoding. An event of a kind that this version does not know
// has a nil Body. Reactions of versions that stored an emoji as it came get its one form.
func (Encoding) Decode(payload []byte) (*chat.Event, error) {
	var e chatv1.Event
	if err := proto.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	event := &chat.Event{
		ID:     e.GetId(),
		Sender: toMember(e.GetSender()),
		Body:   ToBody(&e),
	}
	if reaction, ok := event.Body.(chat.Reaction); ok {
		event.Body = reaction.Canonical()
	}
	if e.GetTime() != nil {
		event.Time = e.GetTime().AsTime()
	}
	return event, nil
}
