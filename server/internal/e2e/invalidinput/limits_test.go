package invalidinput

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// Bodies over the limit are refused with and without a content length, compressed or
// not.
func TestOversizedBodies(t *testing.T) {
	b := newFixture(t)
	want := harness.WantError{Code: connect.CodeResourceExhausted, Bound: sizeBound}
	valid := encode(messageInRoom("x", "never sent"))
	bomb := valid.bomb(16 << 20).json
	clients := map[string]*http.Client{"HTTP 1.1": harness.HTTP1Client(t), "h2c": harness.H2CClient(t)}
	for _, c := range []struct {
		name     string
		body     []byte
		encoding string
	}{
		{"just over", valid.padded(oversize).json, ""},
		{"over what is read", valid.padded(300 << 10).json, ""},
		{"far over", valid.padded(hugeSize).json, ""},
		{"a gzip bomb", bomb, "gzip"},
	} {
		for version, client := range clients {
			for length, body := range map[string]io.Reader{
				"with its length": bytes.NewReader(c.body),
				"chunked":         struct{ io.Reader }{bytes.NewReader(c.body)},
			} {
				t.Run(c.name+"/"+version+"/"+length, func(t *testing.T) {
					b.betweenValidMessages(t, func() {
						answer := postRaw(t, client, b.s.URL+chatv1connect.ChatRoomSendProcedure, body,
							"Content-Type", "application/json", "Content-Encoding", c.encoding)
						checkUnaryError(t, want, answer)
					})
				})
			}
		}
	}
}

// A request of exactly the limit is as good as any other.
func TestBodyOfExactlyTheLimit(t *testing.T) {
	b := newFixture(t)
	for _, d := range b.protocols {
		text := b.room.next()
		body := encode(messageInRoom(text, text)).padded(oversize - 1)
		if err := callRaw(t, b.s, d, chatv1connect.ChatRoomSendProcedure, body.in(d.codec)); err != nil {
			t.Errorf("Send of %d bytes by %s: %v", oversize-1, d.name, err)
		}
		b.room.expectPending(t)
	}
}

// A gzip bomb is refused on every protocol, also within a stream.
func TestGzipBombs(t *testing.T) {
	b := newFixture(t)
	want := harness.WantError{Code: connect.CodeResourceExhausted, Bound: sizeBound}
	send := encode(messageInRoom("x", "never sent")).bomb(4 << 20)
	subscribe := encode(&chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: roomName}}}).bomb(4 << 20)
	join := encode(harness.JoinAction(&chatv1.Subscription{Room: roomName})).bomb(4 << 20)
	for _, d := range b.protocols {
		t.Run(d.name, func(t *testing.T) {
			b.betweenValidMessages(t, func() {
				compressed := alreadyCompressed()
				want.Check(t, callRaw(t, b.s, d, chatv1connect.ChatRoomSendProcedure, send.in(d.codec), compressed...))
				want.Check(t, callRaw(t, b.s, d, chatv1connect.ChatRoomSubscribeProcedure, subscribe.in(d.codec), compressed...))
				if d.bidi {
					chat := openRawChat(t, b.s, d, compressed...)
					chat.send(t, join.in(d.codec))
					want.Check(t, chat.ends())
				}
			})
		})
	}
}

// A token that is not valid is refused by every method, and so is another scheme.
func TestInvalidTokens(t *testing.T) {
	b := newFixture(t)
	want := harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_INVALID", Bound: "sign in again"}
	calls := map[string]proto.Message{
		chatv1connect.ChatRoomSendProcedure:       messageInRoom("x", "never sent"),
		chatv1connect.ChatRoomListEventsProcedure: &chatv1.ListEventsRequest{Room: roomName},
		chatv1connect.ChatRoomListRoomsProcedure:  &chatv1.ListRoomsRequest{},
		chatv1connect.ChatRoomSignInProcedure:     &chatv1.SignInRequest{Name: "x"},
		chatv1connect.ChatRoomSubscribeProcedure:  &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: roomName}}},
	}
	for name, credentials := range map[string]string{
		"garbage":                    "Bearer garbage",
		"nothing":                    "Bearer ",
		"another scheme":             "Digest YTpi",
		"a token that nobody signed": "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJjaGF0cm9vbSIsInN1YiI6Im1lIiwiZXhwIjo5OTk5OTk5OTk5fQ.",
	} {
		authorize := connect.WithInterceptors(headerInterceptor{"Authorization", credentials})
		want := want
		if !strings.HasPrefix(credentials, "Bearer ") {
			want.Bound = `must be "Bearer"`
		}
		t.Run(name, func(t *testing.T) {
			for _, d := range b.protocols {
				t.Run(d.name, func(t *testing.T) {
					b.betweenValidMessages(t, func() {
						for method, m := range calls {
							want.Check(t, callRaw(t, b.s, d, method, encode(m).in(d.codec), authorize))
						}
						if d.bidi {
							chat := openRawChat(t, b.s, d, authorize)
							_ = chat.stream.Send(nil)
							want.Check(t, chat.ends())
						}
					})
				})
			}
		})
	}
}

// headerInterceptor sets a header on every call.
type headerInterceptor struct{ name, value string }

func (h headerInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set(h.name, h.value)
		return next(ctx, r)
	}
}

func (h headerInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set(h.name, h.value)
		return conn
	}
}

func (h headerInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
