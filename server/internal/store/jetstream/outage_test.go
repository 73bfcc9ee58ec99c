package jetstream

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// lockedBuffer is a log that others write to.
type lockedBuffer struct {
	mu   sync.Mutex // guards below
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// While NATS does not answer, the log has one line in a minute for each feed, not one for each attempt.
func TestOutageIsLoggedOnce(t *testing.T) {
	t.Parallel()
	servers, log := startNATS(t), new(lockedBuffer)
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
