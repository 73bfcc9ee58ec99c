package proxies

import (
	"os/exec"
	"strings"
	"testing"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// Many calls at once on few connections are all answered with success.
func TestH2loadSucceeds(t *testing.T) {
	t.Parallel()
	h2load := harness.RequireTool(t, "h2load")
	s := harness.Start(t, harness.InMemory)
	url := s.URL + chatv1connect.ChatRoomListRoomsProcedure + "?connect=v1&encoding=json&message=%7B%7D"
	out, err := exec.CommandContext(harness.Context(t), h2load, "-n", "5000", "-c", "4", "-m", "100", url).CombinedOutput()
	if err != nil {
		t.Fatalf("h2load: %v\n%s", err, out)
	}
	for _, want := range []string{
		"requests: 5000 total, 5000 started, 5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout",
		"status codes: 5000 2xx, 0 3xx, 0 4xx, 0 5xx",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("h2load printed\n%s\nwant %q", out, want)
		}
	}
}
