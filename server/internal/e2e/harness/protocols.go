package harness

import (
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// Protocol is one way into the service: a client library, a protocol, a version of
// HTTP.
type Protocol struct {
	Name string
	Bidi bool // it can do Chat
	Open func(t *testing.T, s *Service, token string) Client
}

// ChatStream is a Chat stream of any library.
type ChatStream struct {
	Send      func(*chatv1.ChatRequest) error
	HalfClose func() error
	Receive   Frames
}
