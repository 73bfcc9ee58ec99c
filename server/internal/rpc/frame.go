package rpc

import (
	"fmt"

	chatv1 "chatroom/gen/chat/v1"
	hellopb "chatroom/gen/hello"
	"chatroom/server/internal/chat"
)

// The forms in which events leave. Each is made once for all subscribers.
const (
	formProto chat.Form = iota
	formJSON
	formHelloProto
	formHelloJSON
)

// shared is a message that goes to many: an event, as one contract's streams
// carry it. The codec takes its bytes from the event, where it finds those that
// were made for another subscriber.
type shared interface {
	// encoded returns the bytes, which must not be changed.
	encoded(c *codec) ([]byte, error)
}

// eventFrame is the response of Chat and of Subscribe that carries an event.
// Both have the same one field, and so the same bytes.
type eventFrame chat.Event

func (f *eventFrame) encoded(c *codec) ([]byte, error) {
	e := (*chat.Event)(f)
	return e.Encoded(c.frame, func() ([]byte, error) {
		return c.marshal(nil, &chatv1.SubscribeResponse{Frame: eventToFrame(e)})
	})
}

// helloMessage is the response of the 2019 contract's Chat. The event's body is a
// chat.Message.
type helloMessage chat.Event

func (m *helloMessage) encoded(c *codec) ([]byte, error) {
	e := (*chat.Event)(m)
	return e.Encoded(c.hello, func() ([]byte, error) {
		message, ok := e.Body.(chat.Message)
		if !ok {
			return nil, fmt.Errorf("encode %T: not a message", e.Body)
		}
		return c.marshal(nil, &hellopb.ChatResponse{Message: message.Text})
	})
}

// roomsFrame is the response of Chat and of Subscribe that says how the list of
// rooms has changed.
type roomsFrame chat.RoomsChanged

func (f *roomsFrame) encoded(c *codec) ([]byte, error) {
	r := (*chat.RoomsChanged)(f)
	return r.Encoded(c.frame, func() ([]byte, error) {
		return c.marshal(nil, &chatv1.SubscribeResponse{Frame: roomsToFrame(r)})
	})
}

var (
	_ shared = (*eventFrame)(nil)
	_ shared = (*roomsFrame)(nil)
	_ shared = (*helloMessage)(nil)
)
