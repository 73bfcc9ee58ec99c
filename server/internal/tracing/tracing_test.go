package tracing

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestProtocol(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, tt := range []struct {
		env     map[string]string
		want    string
		wantErr string
	}{
		{nil, "", ""},
		{map[string]string{endpoint: "http://localhost"}, "http/protobuf", ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost"}, "http/protobuf", ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, "http/protobuf", ""},
		{map[string]string{endpoint: "x", "OTEL_TRACES_EXPORTER": "none"}, "", ""},
		{map[string]string{endpoint: "x", "OTEL_SDK_DISABLED": "TRUE"}, "", ""},
		{map[string]string{endpoint: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc", ""},
		{map[string]string{endpoint: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, "http/protobuf", ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "", ""},
		{map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, "", `OTEL_TRACES_EXPORTER: "zipkin": must be otlp or none`},
		{map[string]string{endpoint: "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "", `OTEL_EXPORTER_OTLP_PROTOCOL: "http/json": must be grpc or http/protobuf`},
		{map[string]string{endpoint: "https://collector.example:4317/path"}, "http/protobuf", ""},
		{map[string]string{endpoint: "collector:4317"}, "", `OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317": must be a URL of http or https, such as http://collector:4317`},
		{map[string]string{endpoint: "127.0.0.1:4317"}, "", `OTEL_EXPORTER_OTLP_ENDPOINT: "127.0.0.1:4317": must be a URL of http or https, such as http://127.0.0.1:4317`},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector"}, "", `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "collector": must be a URL of http or https, such as http://localhost:4317`},
		{map[string]string{endpoint: "grpc://collector:4317"}, "", `OTEL_EXPORTER_OTLP_ENDPOINT: "grpc://collector:4317": must be a URL of http or https, such as http://localhost:4317`},
		{map[string]string{endpoint: "http://"}, "", `OTEL_EXPORTER_OTLP_ENDPOINT: "http://": must be a URL of http or https, such as http://localhost:4317`},
	} {
		got, err := Protocol(environment(tt.env))
		if got != tt.want || (err == nil) != (tt.wantErr == "") || err != nil && err.Error() != tt.wantErr {
			t.Errorf("Protocol(%v) = %q, %v, want %q, %s", tt.env, got, err, tt.want, tt.wantErr)
		}
	}
}

// Without the variables there is nothing, and all of it can be used.
func TestOff(t *testing.T) {
	off, err := Open(t.Context(), Config{Getenv: environment(nil)})
	if off != nil || err != nil {
		t.Fatalf("Open = %v, %v, want nil", off, err)
	}
	if off.Journal(nil) != nil || off.Interceptors() != nil || off.BeginSend() != nil || off.Committed() != nil || off.Publishing() != nil || off.Shutdown(t.Context()) != nil {
		t.Error("a nil Tracing has hooks, want none")
	}
}

// answering is a journal that publishes an event before or after it answers the append.
type answering struct {
	chat.Journal
	publish   func(*chat.Event)
	before    bool
	events    []*chat.Event
	outcome   chat.Appended
	committed func(time.Time, int)
}

func (a *answering) Submit(_ context.Context, e chat.Entry, done func(chat.Appended)) {
	a.outcome.At.Sequence++
	if a.outcome.Err != nil || a.outcome.Duplicate {
		done(a.outcome)
		return
	}
	published := &chat.Event{Room: e.Room, Sequence: a.outcome.At.Sequence}
	a.events = append(a.events, published)
	if a.before {
		a.publish(published)
	}
	a.committed(time.Now(), 1)
	done(a.outcome)
	if !a.before {
		a.publish(published)
	}
}

func open(t *testing.T) (*Tracing, *tracetest.SpanRecorder) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	tracing, err := New(trace.NewTracerProvider(trace.WithSpanProcessor(recorder)))
	if err != nil {
		t.Fatal(err)
	}
	return tracing, recorder
}

func names(recorder *tracetest.SpanRecorder) string {
	var all []string
	for _, s := range recorder.Ended() {
		all = append(all, s.Name())
	}
	return strings.Join(all, " ")
}

func send(t *testing.T, tracing *Tracing, j chat.Journal) {
	t.Helper()
	ctx, end := tracing.BeginSend()(t.Context(), "room")
	j.Submit(ctx, chat.Entry{Room: "room"}, func(a chat.Appended) { end(a.Err) })
}

// A delivery has one span, whether the event was published before or after the append was
// answered, and however often it is delivered.
func TestDelivery(t *testing.T) {
	for _, before := range []bool{true, false} {
		t.Run(fmt.Sprint("before ", before), func(t *testing.T) {
			tracing, recorder := open(t)
			store := &answering{publish: tracing.Publishing(), before: before, committed: tracing.Committed()}
			send(t, tracing, tracing.Journal(store))
			for range 3 {
				store.events[0].Trace.Delivered()
			}
			if got, want := names(recorder), "commit append send on a stream deliver"; got != want {
				t.Errorf("spans = %s, want %s", got, want)
			}
			if f := &tracing.flights; f.active.Load() != 0 || len(f.byEvent) != 0 {
				t.Errorf("active = %d, %d events, want 0", f.active.Load(), len(f.byEvent))
			}
		})
	}
}

// What is not stored, or is not traced, is not followed.
func TestNotFollowed(t *testing.T) {
	tracing, recorder := open(t)
	for _, outcome := range []chat.Appended{{Err: chat.ErrTargetGone}, {Duplicate: true}} {
		send(t, tracing, tracing.Journal(&answering{outcome: outcome}))
	}
	store := &answering{publish: tracing.Publishing(), committed: tracing.Committed()}
	tracing.Journal(store).Submit(t.Context(), chat.Entry{Room: "room"}, func(chat.Appended) {})
	if store.events[0].Trace != nil {
		t.Error("an event without a trace is followed")
	}
	if got, want := names(recorder), "append send on a stream append send on a stream"; got != want || tracing.flights.active.Load() != 0 {
		t.Errorf("spans = %s, active = %d, want %s, and 0", got, tracing.flights.active.Load(), want)
	}
}

// Events without a subscriber are followed up to a bound.
func TestBound(t *testing.T) {
	tracing, _ := open(t)
	for _, publish := range []func(*chat.Event){func(*chat.Event) {}, tracing.Publishing()} {
		store := &answering{publish: publish, committed: tracing.Committed()}
		journal := tracing.Journal(store)
		for range 3 * maxFlights {
			send(t, tracing, journal)
		}
		f := &tracing.flights
		if len(f.byEvent) > maxFlights || len(f.oldest) > maxFlights || f.active.Load() > maxFlights {
			t.Errorf("%d events are followed, %d in order, active = %d, want at most %d", len(f.byEvent), len(f.oldest), f.active.Load(), maxFlights)
		}
	}
}
