package harness

import (
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// ChatSession is one member's Chat stream in a room, in which another client sends, too.
type ChatSession struct {
	*ChatStream
	Room        string
	Member      *chatv1.Member
	SendAsOther func(t *testing.T, text string) uint64
}

func (c *ChatSession) MustSend(t *testing.T, request *chatv1.ChatRequest) {
	t.Helper()
	if err := c.Send(request); err != nil {
		t.Fatalf("send %v: %v", request, err)
	}
}

// Answered takes the Accepted and the event of one send. They may come in either order.
func (c *ChatSession) Answered(t *testing.T) (*chatv1.Accepted, *chatv1.Event) {
	t.Helper()
	frames := [2]*chatv1.Frame{c.Receive.Next(t), c.Receive.Next(t)}
	for i, frame := range frames {
		if accepted, event := frame.GetAccepted(), frames[1-i].GetEvent(); accepted != nil && event != nil {
			return accepted, event
		}
	}
	t.Fatalf("received %v, want one Accepted and one Event", frames)
	return nil, nil
}
