package invalidinput

import (
	"slices"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

// notAnObject is the case of a request that is JSON, and no object: on Chat, that is a field.
const notAnObject = "a request that is not an object"

// refusedCase is a request that is refused on every protocol that can encode it.
type refusedCase struct {
	name   string
	method string // the procedure
	body   requestBody
	want   harness.WantError
	fatal  bool // a stream may end with it
}

// Every invalid request is refused with a code, a detail and the bound on every
// protocol, and subscribers do not notice.
func TestInvalidRequestsAreRefused(t *testing.T) {
	b := newFixture(t)
	for _, c := range slices.Concat(
		invalidSends(), invalidHistoryRequests(b.room.epoch), invalidListRequests(), invalidSignIns(), invalidSubscribes(),
		invalidBatches(), invalidRenewals(), invalidRevocations(),
	) {
		b.run(t, c, b.protocols, func(t *testing.T, d rawProtocol, request rawRequest) {
			c.want.Check(t, callRaw(t, b.s, d, c.method, request))
		})
	}
}

// On Chat, after a join, the same requests are answered with Rejected, and the stream
// stays open.
func TestInvalidRequestsOnChatAreRejected(t *testing.T) {
	b := newFixture(t)
	cases := invalidActions()
	for _, c := range invalidSends() {
		c.body = c.body.asSend()
		switch {
		case c.want.Field != "":
			c.want.Field = "send." + c.want.Field
		case c.name == notAnObject:
			c.want = harness.InvalidArgument("send", "must be a chat.v1.SendRequest in JSON form")
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
				chat.sendValid(t, b.room)
			} else if !c.fatal {
				t.Errorf("the stream ended with %v, want it to go on", err)
			} else {
				c.want.Check(t, err)
			}
		})
	}
}
