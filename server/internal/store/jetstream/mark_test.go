package jetstream

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

// logged is a log that may be written to and read at the same time.
type logged struct {
	mu   sync.Mutex // guards below
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func epochOf(t *testing.T, s *Store) string {
	t.Helper()
	head, err := s.Head(t.Context(), "room")
	if err != nil {
		t.Fatalf("Head = %v, want nil", err)
	}
	return head.Epoch
}

// A log that is lost, or shorter than it was, gets another epoch, loudly.
func TestLostLog(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	for name, lose := range map[string]func(t *testing.T, s *Store) error{
		"no stream": func(t *testing.T, s *Store) error { return s.js.DeleteStream(t.Context(), streamName) },
		"another stream": func(t *testing.T, s *Store) error {
			if err := s.js.DeleteStream(t.Context(), streamName); err != nil {
				return err
			}
			_, err := s.js.CreateStream(t.Context(), s.streamConfig())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log logged
			c := Config{URL: servers.fresh(t), Log: slog.New(slog.NewTextHandler(&log, nil))}
			s := open(t, c)
			all := appendAll(t, s, "room", 20)
			epoch := epochOf(t, s)
			closed(t, s)
			s = open(t, c)
			if got := epochOf(t, s); got != epoch || log.String() != "" {
				t.Fatalf("epoch after a restart = %q, want %q, and nothing in the log: %s", got, epoch, log.String())
			}
			closed(t, s)
			helper := open(t, Config{URL: c.URL})
			if err := lose(t, helper); err != nil {
				t.Fatal(err)
			}
			s = open(t, c)
			fresh := epochOf(t, s)
			if fresh == epoch || !strings.Contains(log.String(), "events are lost") {
				t.Errorf("epoch = %q, want another than %q, and that in the log: %s", fresh, epoch, log.String())
			}
			at := appendEvent(t, s, chat.Entry{Room: "room", Key: "new"})
			if name == "no stream" && at <= all[len(all)-1] {
				t.Errorf("sequence of a new event = %d, want one that no event has had, after %d", at, all[len(all)-1])
			}
			closed(t, s)
			if s = open(t, c); epochOf(t, s) != fresh {
				t.Errorf("epoch after another restart = %q, want %q", epochOf(t, s), fresh)
			}
		})
	}
}

// A mark that is lost is no loss of events.
func TestLostMark(t *testing.T) {
	t.Parallel()
	c := Config{URL: startNATS(t).fresh(t)}
	s := open(t, c)
	want := appendAll(t, s, "room", 20)
	epoch := epochOf(t, s)
	if err := s.js.DeleteKeyValue(t.Context(), metaBucket); err != nil {
		t.Fatal(err)
	}
	s = open(t, c)
	if got := epochOf(t, s); got != epoch {
		t.Errorf("epoch = %q, want %q", got, epoch)
	}
	if got := sequences(t, s, "room"); len(got) != len(want) {
		t.Errorf("Read = %d events, want %d", len(got), len(want))
	}
}

// Nodes that open an empty store at the same time agree on its epoch.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	url := startNATS(t).fresh(t)
	var nodes [6]*Store
	var wg sync.WaitGroup
	for i := range nodes {
		wg.Go(func() {
			var err error
			if nodes[i], err = Open(t.Context(), Config{URL: url}); err != nil {
				t.Errorf("Open = %v, want nil", err)
			}
		})
	}
	wg.Wait()
	for _, s := range nodes {
		if s == nil {
			continue
		}
		if got, want := epochOf(t, s), epochOf(t, nodes[0]); got != want {
			t.Errorf("epochs = %q and %q, want one", got, want)
		}
		defer closed(t, s)
	}
}
