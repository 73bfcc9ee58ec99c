package rpc

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/detach"
)

// protocols are the ways of asking for a stream, in both encodings.
var protocols = map[string][]connect.ClientOption{
	"Connect":        nil,
	"Connect, JSON":  {connect.WithProtoJSON()},
	"gRPC":           {connect.WithGRPC()},
	"gRPC, JSON":     {connect.WithGRPC(), connect.WithProtoJSON()},
	"gRPC-Web":       {connect.WithGRPCWeb()},
	"gRPC-Web, JSON": {connect.WithGRPCWeb(), connect.WithProtoJSON()},
}

// Subscribers of all protocols share an event's bytes, and connect reuses its
// buffers: whatever else is sent meanwhile, everybody reads what was said.
func TestSharedBytesAreNotWrittenOver(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		const events = 40
		text := func(i int) string {
			return fmt.Sprint(i) + strings.Repeat(string(rune('a'+i%26)), 100*i) // 1 to 4,000 bytes
		}
		var reading sync.WaitGroup
		for name, options := range protocols {
			w.client = chatv1connect.NewChatRoomClient(w.http, testOrigin, options...)
			for range 3 {
				stream, _ := w.subscribe(t, "lobby")
				expect(t, stream, "joined", "caughtup")
				reading.Go(func() {
					for i := range events {
						frame, err := stream.next()
						if got := frame.GetEvent().GetMessage().GetText(); err != nil || got != text(i) {
							t.Errorf("%s: event %d = %.20q…, %v, want %.20q…", name, i, got, err, text(i))
							return
						}
					}
				})
			}
		}
		churning, stop := context.WithCancel(t.Context())
		for _, options := range protocols {
			client := chatv1connect.NewChatRoomClient(w.http, testOrigin, options...)
			reading.Go(func() {
				for i := 0; churning.Err() == nil; i++ {
					_, _ = client.Send(churning, &chatv1.SendRequest{Room: "noise", Id: fmt.Sprint(i),
						Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: strings.Repeat("#", 3000)}}})
					_, _ = client.ListEvents(churning, &chatv1.ListEventsRequest{Room: "noise", Limit: 3})
				}
			})
		}
		for i := range events {
			w.say(t, "lobby", text(i))
		}
		stop()
		reading.Wait()
	})
}

// What the codec returns for an event is a copy of the one encoding there is.
func TestCodecCopiesSharedBytes(t *testing.T) {
	e := &chat.Event{Room: "lobby", Sequence: 7, ID: "id", Sender: gopher, Body: chat.Message{Text: strings.Repeat("a", 600)}}
	for _, tt := range []struct {
		codec   *codec
		message any
		want    proto.Message
	}{
		{protoCodec, (*eventFrame)(e), &chatv1.ChatResponse{Frame: eventToFrame(e)}},
		{jsonCodec, (*eventFrame)(e), &chatv1.SubscribeResponse{Frame: eventToFrame(e)}},
	} {
		first, err := tt.codec.Marshal(tt.message)
		if err != nil {
			t.Fatalf("%s: Marshal = %v, want nil", tt.codec.name, err)
		}
		for i := range first {
			first[i] = 0xff
		}
		second, err := tt.codec.MarshalAppend([]byte("before "), tt.message)
		if err != nil || !bytes.HasPrefix(second, []byte("before ")) {
			t.Fatalf("%s: MarshalAppend = %.20q…, %v, want it appended", tt.codec.name, second, err)
		}
		got := tt.want.ProtoReflect().New().Interface()
		if err := tt.codec.Unmarshal(bytes.TrimPrefix(second, []byte("before ")), got); err != nil || !proto.Equal(got, tt.want) {
			t.Errorf("%s: encoded again = %v, %v, want %v", tt.codec.name, got, err, tt.want)
		}
	}
}

// An event is encoded once for all the streams that it goes to, in each encoding.
func TestEventsAreEncodedOnce(t *testing.T) {
	e := &chat.Event{Room: "lobby", Sequence: 7, Body: chat.Message{Text: "hi"}}
	for _, c := range []*codec{protoCodec, jsonCodec} {
		count := 0
		counting := *c
		counting.marshal = func(dst []byte, m proto.Message) ([]byte, error) {
			count++
			return c.marshal(dst, m)
		}
		for range 3 {
			for _, message := range []any{(*eventFrame)(e), (*helloMessage)(e)} {
				if _, err := counting.Marshal(message); err != nil {
					t.Fatalf("%s: Marshal(%T) = %v, want nil", c.name, message, err)
				}
			}
		}
		if count != 2 {
			t.Errorf("%s: encoded %d times for two contracts, want 2", c.name, count)
		}
	}
}

// taken is a response that is taken over, and counts how often what it is sent leaves
// the server.
type taken struct {
	*httptest.ResponseRecorder
	events detach.Events

	mu      sync.Mutex // guards below
	body    bytes.Buffer
	flushes int // of which something was appended before
	fresh   bool
}

func (c *taken) Detach(e detach.Events) (detach.Stream, error) {
	c.events = e
	return c, nil
}

func (c *taken) Append(p []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.body.Write(p)
	c.fresh = true
	return true
}

func (c *taken) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fresh {
		c.flushes++
	}
	c.fresh = false
}

func (c *taken) Stalled() time.Time                  { return time.Time{} }
func (c *taken) Finish(p []byte, _ http.Header) bool { return true }
func (c *taken) Abort()                              {}
func (c *taken) Connection() any                     { return c }
func (c *taken) counts(text string) (events, flushes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Count(c.body.String(), text), c.flushes
}

// All that a stream has pending leaves in one flush. Joined is written before it, and
// CaughtUp, which is known only once the journal was read, after it.
func TestBacklogLeavesInOneFlush(t *testing.T) {
	for _, kind := range []string{"connect+proto", "connect+json", "grpc+proto", "grpc-web+proto"} {
		inBubble(t, Config{}, func(t *testing.T, w *world) {
			for range 20 {
				w.say(t, "lobby", "backlog")
			}
			c := kind[strings.LastIndex(kind, "+")+1:]
			request := &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: "lobby", Start: &chatv1.Subscription_Recent{Recent: 20}}}}
			body, err := map[string]*codec{"proto": protoCodec, "json": jsonCodec}[c].Marshal(request)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, chatv1connect.ChatRoomSubscribeProcedure, strings.NewReader(envelope(string(body))))
			if err != nil {
				t.Fatal(err)
			}
			r.ProtoMajor = 2
			r.Header.Set("Content-Type", "application/"+kind)
			client := &taken{ResponseRecorder: httptest.NewRecorder()}
			w.handler.ServeHTTP(client, r)
			synctest.Wait()
			if events, flushes := client.counts("backlog"); events != 20 || flushes > 3 {
				t.Errorf("%s: %d events in %d flushes, want 20 in 3", kind, events, flushes)
			}
			client.events.Gone()
		})
	}
}
