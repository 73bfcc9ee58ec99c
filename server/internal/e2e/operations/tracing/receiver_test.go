package tracing

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// receiver is an OTLP receiver.
type receiver struct {
	collector.UnimplementedTraceServiceServer
	endpoint string

	mu       sync.Mutex // guards below
	spans    []*otlp.Span
	services []string // service.name
}

// Export implements collector.TraceServiceServer.
func (r *receiver) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		for _, a := range resource.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				r.services = append(r.services, a.GetValue().GetStringValue())
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// receive starts a receiver for a protocol, and sets the variables for it.
func receive(t *testing.T, protocol string) *receiver {
	t.Helper()
	r := &receiver{}
	if protocol == "grpc" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		collector.RegisterTraceServiceServer(server, r)
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(listener) })
		t.Cleanup(func() { server.Stop(); serving.Wait() })
		r.endpoint = "http://" + listener.Addr().String()
	} else {
		server := httptest.NewServer(r)
		t.Cleanup(server.Close)
		r.endpoint = server.URL
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", r.endpoint)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	text, err := io.ReadAll(request.Body)
	export := new(collector.ExportTraceServiceRequest)
	if err == nil {
		err = proto.Unmarshal(text, export)
	}
	if err != nil || request.URL.Path != "/v1/traces" {
		http.Error(w, fmt.Sprint(err, request.URL), http.StatusBadRequest)
		return
	}
	_, _ = r.Export(request.Context(), export)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// named returns the spans with a name, in the order of their begin.
func (r *receiver) named(name string) (spans []*otlp.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.GetName() == name {
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b *otlp.Span) int {
		return int(int64(a.GetStartTimeUnixNano()) - int64(b.GetStartTimeUnixNano()))
	})
	return spans
}

// one returns the only span with a name.
func (r *receiver) one(t *testing.T, name string) *otlp.Span {
	t.Helper()
	spans := r.named(name)
	if len(spans) != 1 {
		t.Fatalf("%d spans %q, want 1; there are\n%v", len(spans), name, r)
	}
	return spans[0]
}

func (r *receiver) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var text strings.Builder
	for _, s := range r.spans {
		fmt.Fprintf(&text, "%s: trace %x, span %x, parent %x, links %v, %v\n", s.GetName(), s.GetTraceId(), s.GetSpanId(), s.GetParentSpanId(), s.GetLinks(), s.GetAttributes())
	}
	return text.String()
}

// attribute returns the value of an attribute as text.
func attribute(s *otlp.Span, key string) string {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == key {
			if v, ok := a.GetValue().GetValue().(*common.AnyValue_StringValue); ok {
				return v.StringValue
			}
			return fmt.Sprint(a.GetValue().GetIntValue())
		}
	}
	return ""
}

func id(b []byte) string { return hex.EncodeToString(b) }

// drop removes spans.
func (r *receiver) drop(which func(*otlp.Span) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = slices.DeleteFunc(r.spans, which)
}
