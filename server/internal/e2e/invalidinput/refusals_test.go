package invalidinput

import (
	"slices"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

// refusedCase is a request that is refused, wherever it can be said.
type refusedCase struct {
	name   string
	method string // the procedure
	body   requestBody
	want   harness.WantError
	fatal  bool // a stream may end with it
}

// Every bad request is answered by a code, a detail and the bound, on every
// protocol, and nobody else notices.
func TestInvalidRequestsAreRefused(t *testing.T) {
	b := newFixture(t)
	for _, c := range slices.Concat(
		invalidSends(), invalidHistoryRequests(b.room.epoch), invalidListRequests(), invalidSignIns(), invalidSubscribes(),
	) {
		b.run(t, c, b.doors, func(t *testing.T, d rawProtocol, request rawRequest) {
			c.want.Check(t, callRaw(t, b.s, d, c.method, request))
		})
	}
}

// On Chat, once a room is joined, the same is said by Rejected, and the stream
// goes on.
func TestInvalidRequestsOnChatAreRejected(t *testing.T) {
	b := newFixture(t)
	cases := invalidActions()
	for _, c := range invalidSends() {
		c.body = c.body.asSend()
		if c.want.Field != "" {
			c.want.Field = "send." + c.want.Field
		}
		cases = append(cases, c)
	}
	for _, c := range cases {
		b.run(t, c, b.bidi(), func(t *testing.T, d rawProtocol, request rawRequest) {
			chat := openRawChat(t, b.s, d)
			chat.join(t, roomName)
			chat.send(t, request)
			if f, err := chat.reply(); err == nil {
				c.want.CheckRejected(t, f)
				chat.says(t, b.room)
			} else if !c.fatal {
				t.Errorf("the stream ended with %v, want it to go on", err)
			} else {
				c.want.Check(t, err)
			}
		})
	}
}
