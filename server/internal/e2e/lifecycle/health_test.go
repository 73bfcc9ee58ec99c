package lifecycle

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// statusOf returns the status of a GET by a client of its own.
func statusOf(ctx context.Context, t *testing.T, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	harness.Must(t, err)
	response, err := harness.HTTP1Client(t).Do(r)
	harness.Must(t, err)
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// While a service drains it is alive and not ready, for HTTP and for gRPC, and still serves
// the subscribers that it has.
func TestHealthInADrain(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory, func(c *service.Config) { c.Drain = 20 * time.Second })
	ctx := harness.Context(t)
	watch, err := healthv1.NewHealthClient(harness.DialGRPC(t, s)).Watch(ctx, &healthv1.HealthCheckRequest{Service: chatv1connect.ChatRoomName})
	harness.Must(t, err)
	expectStatus(t, watch, healthv1.HealthCheckResponse_SERVING)
	if live, ready := statusOf(ctx, t, s.URL+"/healthz"), statusOf(ctx, t, s.URL+"/readyz"); live != 200 || ready != 200 {
		t.Errorf("/healthz and /readyz = %d and %d, want 200", live, ready)
	}

	staying, leave := context.WithCancel(ctx)
	defer leave()
	client := chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL)
	stream := harness.OpenSubscribe(staying, client, "lobby")
	defer stream.Close()
	harness.Must(t, stream.Joined())
	s.BeginStop()
	expectStatus(t, watch, healthv1.HealthCheckResponse_NOT_SERVING)
	if live, ready := statusOf(ctx, t, s.URL+"/healthz"), statusOf(ctx, t, s.URL+"/readyz"); live != 200 || ready != 503 {
		t.Errorf("/healthz and /readyz in a drain = %d and %d, want 200 and 503", live, ready)
	}
	if _, err := client.Send(ctx, harness.TextRequest("lobby", "still here")); err != nil {
		t.Errorf("Send in a drain = %v, want nil", err)
	}
	for {
		f, err := stream.Receive()
		harness.Must(t, err)
		if f.GetEvent().GetMessage().GetText() == "still here" {
			break
		}
	}
	leave()
	s.Stop(t)
}

func expectStatus(t *testing.T, watch grpc.ServerStreamingClient[healthv1.HealthCheckResponse], want healthv1.HealthCheckResponse_ServingStatus) {
	t.Helper()
	response, err := watch.Recv()
	if err != nil || response.GetStatus() != want {
		t.Fatalf("Watch has %v, %v, want %v", response, err, want)
	}
}

// The admin port has health and profiles, which the public port does not have. It is refused
// before the data directory is touched if it is taken.
func TestAdminPort(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	s := harness.Start(t, harness.WithAdmin)
	admin := s.Admin(t)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/debug/pprof/": 200} {
		if got := statusOf(ctx, t, "http://"+admin+path); got != want {
			t.Errorf("%s of the admin port = %d, want %d", path, got, want)
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
		if got := statusOf(ctx, t, s.URL+path); got != 404 {
			t.Errorf("%s of the public port = %d, want 404", path, got)
		}
	}
	dir := t.TempDir()
	before := harness.Snapshot(t, dir)
	err := harness.StartRefused(t, harness.InDir(dir), func(c *service.Config) { c.Admin = admin })
	if !strings.Contains(err.Error(), "-admin") || !strings.Contains(err.Error(), admin) {
		t.Errorf("a server with a taken admin port = %v, want an error of -admin", err)
	}
	if after := harness.Snapshot(t, dir); after != before {
		t.Errorf("it has changed the directory:\n%s\nwant\n%s", after, before)
	}
}
