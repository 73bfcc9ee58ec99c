package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// Bodies that are too large are refused whether or not they say so first, and
// whether or not they are compressed.
func TestBadInputLargeBodies(t *testing.T) {
	b := newBadinput(t)
	want := badinputWant{code: connect.CodeResourceExhausted, bound: badinputSizeBound}
	valid := badinputEncode(badinputMessage("x", "never said"))
	bomb := valid.bomb(16 << 20).json
	clients := map[string]*http.Client{"HTTP 1.1": http1Client(t), "h2c": h2cClient(t)}
	for _, c := range []struct {
		name     string
		body     []byte
		encoding string
	}{
		{"just over", valid.padded(badinputOversize).json, ""},
		{"over what is read", valid.padded(300 << 10).json, ""},
		{"far over", valid.padded(badinputHuge).json, ""},
		{"a gzip bomb", bomb, "gzip"},
	} {
		for version, client := range clients {
			for length, body := range map[string]io.Reader{
				"with its length": bytes.NewReader(c.body),
				"chunked":         struct{ io.Reader }{bytes.NewReader(c.body)},
			} {
				t.Run(c.name+"/"+version+"/"+length, func(t *testing.T) {
					b.undisturbed(t, func() {
						answer := badinputPost(t, client, b.s.URL+chatv1connect.ChatRoomSendProcedure, body,
							"Content-Type", "application/json", "Content-Encoding", c.encoding)
						want.checkUnary(t, answer)
					})
				})
			}
		}
	}
}

// A request of exactly the limit is as good as any other.
func TestBadInputLimitItself(t *testing.T) {
	b := newBadinput(t)
	for _, d := range b.doors {
		text := b.room.next()
		body := badinputEncode(badinputMessage(text, text)).padded(badinputOversize - 1)
		if err := badinputCall(t, b.s, d, chatv1connect.ChatRoomSendProcedure, body.in(d.codec)); err != nil {
			t.Errorf("Send of %d bytes by %s: %v", badinputOversize-1, d.name, err)
		}
		b.room.hears(t)
	}
}

// A gzip bomb is refused on every protocol, also within a stream.
func TestBadInputGzipBombs(t *testing.T) {
	b := newBadinput(t)
	want := badinputWant{code: connect.CodeResourceExhausted, bound: badinputSizeBound}
	send := badinputEncode(badinputMessage("x", "never said")).bomb(4 << 20)
	subscribe := badinputEncode(&chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: badinputRoomName}}}).bomb(4 << 20)
	join := badinputEncode(badinputJoin(&chatv1.Subscription{Room: badinputRoomName})).bomb(4 << 20)
	for _, d := range b.doors {
		t.Run(d.name, func(t *testing.T) {
			b.undisturbed(t, func() {
				compressed := badinputCompressed()
				want.check(t, badinputCall(t, b.s, d, chatv1connect.ChatRoomSendProcedure, send.in(d.codec), compressed...))
				want.check(t, badinputCall(t, b.s, d, chatv1connect.ChatRoomSubscribeProcedure, subscribe.in(d.codec), compressed...))
				if d.bidi {
					chat := openBadinputChat(t, b.s, d, compressed...)
					chat.send(t, join.in(d.codec))
					want.check(t, chat.ends())
				}
			})
		})
	}
}

// A token that is not valid is refused by every method, and so is another scheme.
func TestBadInputTokens(t *testing.T) {
	b := newBadinput(t)
	want := badinputWant{code: connect.CodeUnauthenticated, info: "TOKEN_INVALID", bound: "sign in again"}
	calls := map[string]proto.Message{
		chatv1connect.ChatRoomSendProcedure:       badinputMessage("x", "never said"),
		chatv1connect.ChatRoomListEventsProcedure: &chatv1.ListEventsRequest{Room: badinputRoomName},
		chatv1connect.ChatRoomListRoomsProcedure:  &chatv1.ListRoomsRequest{},
		chatv1connect.ChatRoomSignInProcedure:     &chatv1.SignInRequest{Name: "x"},
		chatv1connect.ChatRoomSubscribeProcedure:  &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: badinputRoomName}}},
	}
	for name, credentials := range map[string]string{
		"garbage":                    "Bearer garbage",
		"nothing":                    "Bearer ",
		"another scheme":             "Basic YTpi",
		"a token that nobody signed": "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJjaGF0cm9vbSIsInN1YiI6Im1lIiwiZXhwIjo5OTk5OTk5OTk5fQ.",
	} {
		authorize := connect.WithInterceptors(badinputHeader{"Authorization", credentials})
		t.Run(name, func(t *testing.T) {
			for _, d := range b.doors {
				t.Run(d.name, func(t *testing.T) {
					b.undisturbed(t, func() {
						for method, m := range calls {
							want.check(t, badinputCall(t, b.s, d, method, badinputEncode(m).in(d.codec), authorize))
						}
						if d.bidi {
							chat := openBadinputChat(t, b.s, d, authorize)
							_ = chat.stream.Send(nil)
							want.check(t, chat.ends())
						}
					})
				})
			}
		})
	}
}

// badinputHeader sets a header on every call.
type badinputHeader struct{ name, value string }

func (h badinputHeader) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		r.Header().Set(h.name, h.value)
		return next(ctx, r)
	}
}

func (h badinputHeader) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set(h.name, h.value)
		return conn
	}
}

func (h badinputHeader) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
