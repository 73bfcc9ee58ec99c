// Package tracing tests the spans of the service with a receiver of OTLP.
package tracing

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
	"chatroom/server/internal/tracing"
)

func TestMain(m *testing.M) { harness.Main(m) }

// start starts a service that is traced as the variables say.
func start(t *testing.T, options ...harness.Option) *harness.Service {
	t.Helper()
	spans, err := tracing.Open(t.Context(), tracing.Config{Getenv: os.Getenv, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return harness.Start(t, append([]harness.Option{func(c *service.Config) { c.Tracing = spans }}, options...)...)
}

// The trace of the caller.
const (
	callerTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callerSpan  = "00f067aa0ba902b7"
)

// sendTraced sends a text as a caller that is traced.
func sendTraced(t *testing.T, s *harness.Service, flags string, options ...connect.ClientOption) {
	t.Helper()
	client := chatv1connect.NewChatRoomClient(http.DefaultClient, s.URL, options...)
	ctx, call := connect.NewClientContext(harness.Context(t))
	call.RequestHeader().Set("Traceparent", fmt.Sprintf("00-%s-%s-%s", callerTrace, callerSpan, flags))
	if _, err := client.Send(ctx, harness.TextRequest("room", "hi")); err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// subscribe opens a stream on the room that has caught up, and returns a function that waits
// for an event.
func subscribe(t *testing.T, s *harness.Service) (ctx context.Context, awaitEvent func()) {
	t.Helper()
	ctx = harness.Context(t)
	frames, err := harness.ConnectOver(harness.H2CClient)(t, s, "").Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "room"}))
	if err != nil {
		t.Fatal(err)
	}
	harness.Expect(t, frames, (*chatv1.Frame).GetJoined)
	harness.Expect(t, frames, (*chatv1.Frame).GetCaughtUp)
	return ctx, func() {
		t.Helper()
		if _, err := frames.NextEvent(); err != nil {
			t.Fatal(err)
		}
	}
}

// checkTree checks the spans of one event below that of its send.
func checkTree(t *testing.T, r *receiver, send *otlp.Span, wantCommit bool) {
	t.Helper()
	stored, delivered := r.one(t, "append"), r.one(t, "deliver")
	spans := []*otlp.Span{send, stored, delivered}
	if id(stored.GetParentSpanId()) != id(send.GetSpanId()) || attribute(stored, "chatroom.room") != "room" || attribute(stored, "chatroom.sequence") != "1" {
		t.Errorf("append = %v, want it below the send %x, of sequence 1 of the room", stored, send.GetSpanId())
	}
	if wantCommit {
		commit := r.one(t, "commit")
		spans = append(spans, commit)
		if id(commit.GetParentSpanId()) != id(stored.GetSpanId()) || attribute(commit, "chatroom.commit.entries") != "1" {
			t.Errorf("commit = %v, want it below the append %x, with 1 entry", commit, stored.GetSpanId())
		}
	}
	if links := delivered.GetLinks(); len(links) != 1 || id(links[0].GetSpanId()) != id(stored.GetSpanId()) || id(delivered.GetParentSpanId()) != id(send.GetSpanId()) {
		t.Errorf("deliver = %v, want it below the send %x, with a link to the append %x", delivered, send.GetSpanId(), stored.GetSpanId())
	}
	for _, s := range spans {
		if id(s.GetTraceId()) != id(send.GetTraceId()) || s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() {
			t.Errorf("%s = %v, want the trace %x, and an end after the begin", s.GetName(), s, send.GetTraceId())
		}
	}
}

// A send is followed from its caller through the store to the first delivery, by each
// protocol of the exporter and each of the callers.
func TestSend(t *testing.T) {
	for _, tt := range []struct {
		name, protocol string
		client         connect.ClientOption
		storage        harness.Option
		commit         bool
	}{
		{"OTLP over gRPC", "grpc", connect.WithProtoJSON(), func(*service.Config) {}, true},
		{"OTLP over HTTP", "http/protobuf", connect.WithGRPCWeb(), func(*service.Config) {}, true},
		{"in memory", "grpc", connect.WithProtoJSON(), harness.InMemory, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := receive(t, tt.protocol)
			s := start(t, tt.storage)
			_, first := subscribe(t, s)
			_, second := subscribe(t, s)
			sendTraced(t, s, "01", tt.client)
			first()
			second()
			s.Stop(t)
			call := r.one(t, "chat.v1.ChatRoom/Send")
			if id(call.GetTraceId()) != callerTrace || id(call.GetParentSpanId()) != callerSpan || call.GetKind() != otlp.Span_SPAN_KIND_SERVER {
				t.Errorf("the call = %v, want it below the caller's span", call)
			}
			checkTree(t, r, call, tt.commit)
			if len(r.services) == 0 || r.services[0] != "chatroom" {
				t.Errorf("service.name = %q, want chatroom", r.services)
			}
		})
	}
}

// A caller that is not sampled leaves no span of its send.
func TestUnsampledSend(t *testing.T) {
	r := receive(t, "grpc")
	s := start(t)
	_, awaitEvent := subscribe(t, s)
	sendTraced(t, s, "00")
	awaitEvent()
	s.Stop(t)
	for _, name := range []string{"chat.v1.ChatRoom/Send", "append", "commit", "deliver"} {
		if spans := r.named(name); len(spans) > 0 {
			t.Errorf("spans %q = %v, want none", name, spans)
		}
	}
}

// A send on a Chat stream is a trace of its own, with a link to the stream.
func TestSendOnChat(t *testing.T) {
	r := receive(t, "grpc")
	s := start(t)
	ctx := harness.Context(t)
	chat, err := harness.ConnectOver(harness.H2CClient)(t, s, "").Chat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Send(harness.JoinAction(&chatv1.Subscription{Room: "room"})); err != nil {
		t.Fatal(err)
	}
	harness.Expect(t, chat.Receive, (*chatv1.Frame).GetJoined)
	harness.Expect(t, chat.Receive, (*chatv1.Frame).GetCaughtUp)
	if err := chat.Send(harness.SendAction(harness.TextRequest("room", "hi"))); err != nil {
		t.Fatal(err)
	}
	accepted, event := false, false
	for !accepted || !event {
		f, err := chat.Receive()
		if err != nil {
			t.Fatal(err)
		}
		accepted, event = accepted || f.GetAccepted() != nil, event || f.GetEvent().GetSequence() > 0
	}
	if err := chat.Send(harness.SendAction(harness.MessageRequest("room", "no-target", &chatv1.Message{Text: "hi", ReplyTo: 77}))); err != nil {
		t.Fatal(err)
	}
	harness.Expect(t, chat.Receive, (*chatv1.Frame).GetRejected)
	s.Stop(t)
	begin := r.one(t, "chat.v1.ChatRoom/Chat begin")
	sends := r.named("send on a stream")
	if len(sends) != 2 {
		t.Fatalf("%d sends, want 2; there are\n%v", len(sends), r)
	}
	send := sends[0]
	if links := send.GetLinks(); len(send.GetParentSpanId()) > 0 || len(links) != 1 || id(links[0].GetSpanId()) != id(begin.GetSpanId()) {
		t.Errorf("send = %v, want a root with a link to the stream %x", send, begin.GetSpanId())
	}
	if sends[1].GetStatus().GetCode() != otlp.Status_STATUS_CODE_ERROR || send.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("the sends have the states %v and %v, want an error of the second", send.GetStatus(), sends[1].GetStatus())
	}
	if begin.GetEndTimeUnixNano() > send.GetStartTimeUnixNano() {
		t.Errorf("the begin of the stream lasts until its first send, want it to end before: %v", begin)
	}
	r.drop(func(s *otlp.Span) bool { return id(s.GetTraceId()) == id(sends[1].GetTraceId()) })
	checkTree(t, r, send, true)
}

// A stream has a short span for its beginning, and one for its end.
func TestSubscribe(t *testing.T) {
	r := receive(t, "grpc")
	s := start(t)
	_, awaitEvent := subscribe(t, s)
	sendTraced(t, s, "01")
	awaitEvent()
	s.Stop(t)
	begin, end, send := r.one(t, "chat.v1.ChatRoom/Subscribe begin"), r.one(t, "chat.v1.ChatRoom/Subscribe end"), r.one(t, "chat.v1.ChatRoom/Send")
	if begin.GetEndTimeUnixNano() > send.GetStartTimeUnixNano() || end.GetStartTimeUnixNano() < send.GetEndTimeUnixNano() {
		t.Errorf("begin = %v, end = %v, want the send %v between them", begin, end, send)
	}
	if id(end.GetParentSpanId()) != id(begin.GetSpanId()) || end.GetStatus().GetCode() != otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("end = %v, want it below the begin, with the reason: the server stops", end)
	}
	for _, span := range r.spans {
		if strings.HasPrefix(span.GetName(), "chat.v1.ChatRoom/Subscribe") && span != begin && span != end {
			t.Errorf("a further span of the stream: %v", span)
		}
	}
}

// Without the variables nothing is exported, and nothing runs.
func TestOff(t *testing.T) {
	for _, off := range []map[string]string{
		{"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
		{"OTEL_SDK_DISABLED": "true"},
		{"OTEL_TRACES_EXPORTER": "none"},
	} {
		t.Run(fmt.Sprint(off), func(t *testing.T) {
			r := receive(t, "grpc")
			for name, value := range off {
				t.Setenv(name, value)
			}
			s := start(t)
			_, awaitEvent := subscribe(t, s)
			sendTraced(t, s, "01")
			awaitEvent()
			stacks := make([]byte, 4<<20)
			if text := string(stacks[:runtime.Stack(stacks, true)]); strings.Contains(text, "go.opentelemetry.io/otel/") {
				t.Errorf("a goroutine of OpenTelemetry runs:\n%s", text)
			}
			s.Stop(t)
			if text := r.String(); text != "" {
				t.Errorf("exported:\n%s\nwant nothing", text)
			}
		})
	}
}

// A receiver that does not answer is logged, and a stop does not wait for it until the end of the
// drain, which the test would not live to see.
func TestReceiverIsGone(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	s := start(t, func(c *service.Config) { c.Drain = time.Hour })
	sendTraced(t, s, "01")
	s.Stop(t)
	if log := s.Log.String(); !strings.Contains(log, "the last spans were not exported") {
		t.Errorf("the log has\n%s\nwant that spans were not exported", log)
	}
}
