package jetstream

import (
	"log/slog"
	"strings"
	"testing"
)

// While NATS does not answer, the log has one line in a minute for each feed, not one for each attempt.
func TestOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	servers, log := startNATS(t), new(logged)
	s := open(t, Config{URL: servers.url(servers.user(t)), Log: slog.New(slog.NewTextHandler(log, nil))})
	servers.stop(0)
	for range 3 {
		s.feed.catchUp(t.Context())
	}
	const line = `msg="the end of the stream can't be read" stream=` + streamName + " "
	if n := strings.Count(log.String(), line); n != 1 {
		t.Errorf("the log has %d lines with %q, want 1:\n%s", n, line, log)
	}
}
