package h2

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A connection that this side cuts is logged with its peer and reason, at most once a
// second. One that the peer ends is not.
func TestCutConnectionsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(logged)
		s := &Server{Handler: newDetacher(newRecorder()), Log: slog.New(slog.NewTextHandler(log, nil))}
		p, result := pipe(t, s)
		_ = p.nc.Close()
		t.Logf("serve of a peer that is gone = %v", <-result) // depends on what it was doing
		if got := log.String(); got != "" {
			t.Errorf("the end by the peer is logged: %q", got)
		}
		var results []chan error
		for range 3 { // silent, and cut at the same time
			p, result := pipe(t, s)
			p.get(1, "/")
			go readAndAnswer(p, false)
			results = append(results, result)
		}
		for _, result := range results {
			if err := <-result; err == nil {
				t.Error("serve of a silent peer = nil, want an error")
			}
		}
		<-time.After(2 * time.Second)
		p, result = pipe(t, s)
		p.get(1, "/")
		readAndAnswer(p, false)
		if err := <-result; err == nil {
			t.Error("serve of a silent peer = nil, want an error")
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "the peer is silent") || !strings.Contains(lines[0], "peer=pipe") || !strings.Contains(lines[1], "unlogged=2") {
			t.Errorf("four cut connections are logged as %q, want two lines, of which the second counts two more", lines)
		}
	})
}
