package rpc

import (
	"fmt"

	chatv1 "chatroom/gen/chat/v1"
	hellopb "chatroom/gen/hello"
	"chatroom/server/internal/chat"
)

// The encoded forms of an event. Each is encoded once for all subscribers.
const (
	formProto chat.Form = iota
	formJSON
	formHelloProto
	formHelloJSON
)

// preEncoded is a message that is sent on many streams and encoded once: the codec takes
// the bytes from its event, which keeps them for the next stream.
type preEncoded interface {
	// encoded returns the bytes. The caller must not change them.
	encoded(c *codec) ([]byte, error)
}

// eventFrame is the message of Chat and of Subscribe that carries an event. ChatResponse
// and SubscribeResponse have the same single field, so they are the same bytes.
type eventFrame chat.Event

func (f *eventFrame) encoded(c *codec) ([]byte, error) {
	e := (*chat.Event)(f)
	return e.Encoded(c.eventForm, func() ([]byte, error) {
		return c.marshal(nil, &chatv1.SubscribeResponse{Frame: eventToFrame(e)})
	})
}

// helloMessage is the message of the 2019 contract's Chat for an event whose body is a
// chat.Message.
type helloMessage chat.Event

func (m *helloMessage) encoded(c *codec) ([]byte, error) {
	e := (*chat.Event)(m)
	return e.Encoded(c.helloForm, func() ([]byte, error) {
		message, ok := e.Body.(chat.Message)
		if !ok {
			return nil, fmt.Errorf("encode %T: not a message", e.Body)
		}
		return c.marshal(nil, &hellopb.ChatResponse{Message: message.Text})
	})
}

// roomsFrame is the message of Chat and of Subscribe that carries a change to the list of
// rooms.
type roomsFrame chat.RoomsChanged

func (f *roomsFrame) encoded(c *codec) ([]byte, error) {
	r := (*chat.RoomsChanged)(f)
	return r.Encoded(c.eventForm, func() ([]byte, error) {
		return c.marshal(nil, &chatv1.SubscribeResponse{Frame: roomsToFrame(r)})
	})
}

var (
	_ preEncoded = (*eventFrame)(nil)
	_ preEncoded = (*roomsFrame)(nil)
	_ preEncoded = (*helloMessage)(nil)
)
