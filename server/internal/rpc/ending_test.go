package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/detach"
)

// A stream whose handler has returned long ago ends with a code, a message and
// details, in every protocol.
func TestStreamsEndWithDetails(t *testing.T) {
	for name, options := range protocols {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, w *world) {
				client := chatv1connect.NewChatRoomClient(w.http, testOrigin, options...)
				stream, err := client.Subscribe(t.Context(), &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: "lobby"}}})
				if err != nil {
					t.Fatal(err)
				}
				expect(t, subscribed{stream}, "joined", "caughtup")
				w.api.Close()
				ended := expectEnd(t, subscribed{stream}, connect.CodeUnavailable)
				if ended.Message() != errGoingAway.Error() || len(ended.Details()) != 1 {
					t.Fatalf("the stream ended with %v and %d details, want %q and one", ended, len(ended.Details()), errGoingAway)
				}
				if detail, err := ended.Details()[0].Value(); err != nil {
					t.Error(err)
				} else if _, ok := detail.(*errdetails.RetryInfo); !ok {
					t.Errorf("the detail is %T, want RetryInfo", detail)
				}
			})
		})
	}
}

// The end of a stream has nothing of the empty message before it, and in gRPC it is
// trailers alone.
func TestEndingIsTheEndAlone(t *testing.T) {
	server := New(Config{})
	defer server.Stop(t.Context())
	end := connect.NewError(connect.CodeUnavailable, errors.New("the reason"))
	for kind, want := range map[string]struct {
		flags   byte
		trailer string
	}{
		"application/connect+proto":  {flags: 2},
		"application/connect+json":   {flags: 2},
		"application/grpc-web+proto": {flags: 0x80},
		"application/grpc":           {trailer: "14"},
	} {
		r := httptest.NewRequest(http.MethodPost, chatv1connect.ChatRoomSubscribeProcedure, nil)
		r.ProtoMajor = 2
		r.Header.Set("Content-Type", kind)
		response := &response{request: r, handler: server.handlers["/"+chatv1connect.ChatRoomName+"/"]}
		from := response.origin()
		body, trailers := from.ending(end)
		if want.trailer == "" && (len(body) < 5 || body[0] != want.flags) {
			t.Errorf("%s: the stream ends with %q, want an envelope with flags %#02x", kind, body, want.flags)
		}
		if want.trailer != "" && (len(body) != 0 || trailers.Get("Grpc-Status") != want.trailer) {
			t.Errorf("%s: the stream ends with %q and the trailers %v, want status %s alone", kind, body, trailers, want.trailer)
		}
	}
}

// lost is a response whose client has gone before it could be taken over.
type lost struct{ *httptest.ResponseRecorder }

func (lost) Detach(detach.Events) (detach.Stream, error) {
	return nil, errors.New("the stream was reset by the peer")
}

// A client that goes at once is no error of the service. The log is checked at the end.
func TestClientGoesBeforeItsStreamBegins(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		r := httptest.NewRequest(http.MethodPost, chatv1connect.ChatRoomSubscribeProcedure,
			strings.NewReader(envelope(`{"rooms":[{"room":"lobby"}]}`)))
		r.ProtoMajor = 2
		r.Header.Set("Content-Type", "application/connect+json")
		w.handler.ServeHTTP(lost{httptest.NewRecorder()}, r)
		if n := w.api.Streams(); n != 0 {
			t.Errorf("Streams() = %d, want 0", n)
		}
	})
}

// Answers that are ready when the server closes come before the end of the stream,
// although the client had taken nothing for a while: also the one to a repeated send,
// for which the journal is read.
func TestAnswersComeBeforeTheEnd(t *testing.T) {
	for name, options := range protocols {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{WriteTimeout: time.Hour, Heartbeat: time.Hour}, func(t *testing.T, w *world) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				stream, err := chatv1connect.NewChatRoomClient(w.http, testOrigin, options...).Chat(ctx)
				if err != nil {
					t.Fatal(err)
				}
				c := chatting{stream}
				c.send(t, joinRequest("lobby"))
				expect(t, c, "joined", "caughtup")
				text := strings.Repeat("🙂", 4000)
				for range 400 { // more than the window of a stream holds
					w.say(t, "lobby", text)
				}
				synctest.Wait()
				const sends = 20
				for i := range sends {
					c.send(t, sendRequest("elsewhere", fmt.Sprint(i), "hi"))
				}
				synctest.Wait()
				c.send(t, sendRequest("elsewhere", "0", "hi"))
				synctest.Wait() // all are in the journal
				w.api.Close()
				synctest.Wait()
				if n := w.api.Streams(); n != 1 {
					t.Fatalf("Streams() = %d, want 1: the client has not taken what came before the end", n)
				}
				accepted := 0
				for {
					frame, err := c.next()
					if err != nil {
						if code := connect.CodeOf(err); code != connect.CodeUnavailable {
							t.Errorf("the stream ended with %v, want unavailable", err)
						}
						break
					}
					if kind(frame) == "accepted" {
						accepted++
					}
				}
				if accepted != sends+1 {
					t.Errorf("%d sends were accepted before the end, want %d", accepted, sends+1)
				}
			})
		})
	}
}
