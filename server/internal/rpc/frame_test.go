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

// protocols are the client options for each protocol and codec.
var protocols = map[string][]connect.ClientOption{
	"Connect":        nil,
	"Connect, JSON":  {connect.WithProtoJSON()},
	"gRPC":           {connect.WithGRPC()},
	"gRPC, JSON":     {connect.WithGRPC(), connect.WithProtoJSON()},
	"gRPC-Web":       {connect.WithGRPCWeb()},
	"gRPC-Web, JSON": {connect.WithGRPCWeb(), connect.WithProtoJSON()},
}

// Subscribers of all protocols receive the same encoded bytes, and connect reuses its
// buffers: concurrent calls must not corrupt the events.
func TestPreEncodedBytesAreNotOverwritten(t *testing.T) {
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
		calling, stop := context.WithCancel(t.Context())
		for _, options := range protocols {
			client := chatv1connect.NewChatRoomClient(w.http, testOrigin, options...)
			reading.Go(func() {
				for i := 0; calling.Err() == nil; i++ {
					_, _ = client.Send(calling, &chatv1.SendRequest{Room: "noise", Id: fmt.Sprint(i),
						Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: strings.Repeat("#", 3000)}}})
					_, _ = client.ListEvents(calling, &chatv1.ListEventsRequest{Room: "noise", Limit: 3})
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

// The codec returns a copy of the bytes of a preEncoded message.
func TestCodecCopiesPreEncodedBytes(t *testing.T) {
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

// An event is encoded once in each form, for all streams that it is sent on.
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

// detachedResponse is a response that can be detached. It counts the flushes that have
// something to send.
type detachedResponse struct {
	*httptest.ResponseRecorder
	events detach.Events

	mu        sync.Mutex // guards below
	body      bytes.Buffer
	flushes   int
	unflushed bool
}

func (c *detachedResponse) Detach(e detach.Events) (detach.Stream, error) {
	c.events = e
	return c, nil
}

func (c *detachedResponse) Append(p []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.body.Write(p)
	c.unflushed = true
	return true
}

func (c *detachedResponse) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unflushed {
		c.flushes++
	}
	c.unflushed = false
}

func (c *detachedResponse) Stalled() time.Time                  { return time.Time{} }
func (c *detachedResponse) Finish(p []byte, _ http.Header) bool { return true }
func (c *detachedResponse) Abort()                              {}
func (c *detachedResponse) Connection() any                     { return c }
func (c *detachedResponse) counts(text string) (events, flushes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Count(c.body.String(), text), c.flushes
}

// Everything that is pending for a stream is sent in one flush. Joined is sent before, and
// CaughtUp after it, since the end of the backlog is known only when the journal is read.
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
			client := &detachedResponse{ResponseRecorder: httptest.NewRecorder()}
			w.handler.ServeHTTP(client, r)
			synctest.Wait()
			if events, flushes := client.counts("backlog"); events != 20 || flushes > 3 {
				t.Errorf("%s: %d events in %d flushes, want 20 in 3", kind, events, flushes)
			}
			client.events.Gone()
		})
	}
}
