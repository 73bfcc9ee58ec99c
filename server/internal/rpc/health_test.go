package rpc

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"connectrpc.com/connect"
	"google.golang.org/grpc/health/grpc_health_v1"

	"chatroom/server/internal/health"
	"chatroom/server/internal/ratelimit"
)

const (
	checkProcedure = "/grpc.health.v1.Health/Check"
	watchProcedure = "/grpc.health.v1.Health/Watch"
)

func (w *world) checkHealth(t *testing.T, service string, options ...connect.ClientOption) (grpc_health_v1.HealthCheckResponse_ServingStatus, error) {
	t.Helper()
	client := connect.NewClient[grpc_health_v1.HealthCheckRequest, grpc_health_v1.HealthCheckResponse](w.http, testOrigin+checkProcedure, options...)
	response, err := client.CallUnary(t.Context(), connect.NewRequest(&grpc_health_v1.HealthCheckRequest{Service: service}))
	if err != nil {
		return 0, err
	}
	return response.Msg.GetStatus(), nil
}

func (w *world) watchHealth(ctx context.Context, t *testing.T, service string) *connect.ServerStreamForClient[grpc_health_v1.HealthCheckResponse] {
	t.Helper()
	client := connect.NewClient[grpc_health_v1.HealthCheckRequest, grpc_health_v1.HealthCheckResponse](w.http, testOrigin+watchProcedure, connect.WithGRPC())
	stream, err := client.CallServerStream(ctx, connect.NewRequest(&grpc_health_v1.HealthCheckRequest{Service: service}))
	if err != nil {
		t.Fatalf("Watch = %v, want a stream", err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return stream
}

func TestHealthCheck(t *testing.T) {
	state := health.New()
	inBubble(t, Config{Health: state}, func(t *testing.T, w *world) {
		for name, options := range map[string][]connect.ClientOption{
			"Connect": nil, "gRPC": {connect.WithGRPC()}, "gRPC-Web": {connect.WithGRPCWeb()},
		} {
			for _, ready := range []bool{false, true} {
				state.Set(health.Starting, !ready)
				want := grpc_health_v1.HealthCheckResponse_NOT_SERVING
				if ready {
					want = grpc_health_v1.HealthCheckResponse_SERVING
				}
				for _, service := range []string{"", "chat.v1.ChatRoom", "hello.ChatRoom"} {
					if got, err := w.checkHealth(t, service, options...); got != want || err != nil {
						t.Errorf("Check(%q) over %s = %v, %v, want %v", service, name, got, err, want)
					}
				}
			}
			_, err := w.checkHealth(t, "other", options...)
			if connect.CodeOf(err) != connect.CodeNotFound || !strings.Contains(err.Error(), "chat.v1.ChatRoom") {
				t.Errorf("Check(other) over %s = %v, want not_found, with the names that are known", name, err)
			}
		}
	})
}

// A watch is told each change, that of a drain before anything ends, and ends with the
// server.
func TestHealthWatch(t *testing.T) {
	state := health.New()
	inBubble(t, Config{Health: state}, func(t *testing.T, w *world) {
		stream := w.watchHealth(t.Context(), t, "chat.v1.ChatRoom")
		next := func(want grpc_health_v1.HealthCheckResponse_ServingStatus) {
			t.Helper()
			if !stream.Receive() || stream.Msg().GetStatus() != want {
				t.Fatalf("Watch has %v, %v, want %v", stream.Msg(), stream.Err(), want)
			}
		}
		next(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		state.Set(health.Starting, false)
		next(grpc_health_v1.HealthCheckResponse_SERVING)
		state.Set(health.StoreFailed, true)
		next(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		state.Set(health.StoreFailed, false)
		next(grpc_health_v1.HealthCheckResponse_SERVING)
		state.Set(health.Draining, true)
		next(grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		w.api.Close()
		if stream.Receive() {
			t.Errorf("Watch has %v after Close, want its end", stream.Msg())
		}
	})
}

// Watches count as streams, and give back what they took.
func TestHealthWatchIsLimited(t *testing.T) {
	c := Config{Health: health.New(), Counts: ratelimit.Counts{ratelimit.StreamsInTotal: 1}}
	inBubble(t, c, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		first := w.watchHealth(ctx, t, "")
		if !first.Receive() {
			t.Fatalf("Watch: %v", first.Err())
		}
		second := w.watchHealth(t.Context(), t, "")
		if second.Receive() || connect.CodeOf(second.Err()) != connect.CodeResourceExhausted {
			t.Errorf("second Watch = %v, %v, want resource_exhausted", second.Msg(), second.Err())
		}
		cancel()
		for first.Receive() {
		}
		synctest.Wait()
		if third := w.watchHealth(t.Context(), t, ""); !third.Receive() {
			t.Errorf("Watch after the first has ended: %v", third.Err())
		}
	})
}

// Without a Health the service is not there.
func TestNoHealth(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		response, err := w.http.Post(testOrigin+checkProcedure, "application/json", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("Check = %d, want 404", response.StatusCode)
		}
	})
}
