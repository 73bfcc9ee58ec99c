package policy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenFileRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	e := New(nil)
	if _, err := OpenFile(path, e); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenFile of a missing file = %v, want %v", err, os.ErrNotExist)
	}
	for _, text := range []string{"", "rooms: {}", "rooms: []\n#" + strings.Repeat("x", MaxFile)} {
		write(t, path, text)
		if _, err := OpenFile(path, e); err == nil || !strings.Contains(err.Error(), path+":1: ") {
			t.Errorf("OpenFile of %.20q = %v, want an error that names the file and the line", text, err)
		}
	}
	if len(e.Policy().Rules()) != 0 {
		t.Error("a file that was refused is in force")
	}
}

// While the file is wrong or missing the former policy stays in force.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policy.yaml")
		closed, open := "rooms: [{pattern: '*', anonymous: []}]", "rooms: []"
		write(t, path, closed)
		e := New(nil)
		f, err := OpenFile(path, e)
		if err != nil {
			t.Fatalf("OpenFile = %v, want nil", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		var reports []string // guarded by mu
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Follow(ctx, time.Second, func(err error) {
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					reports = append(reports, "in force")
				} else {
					reports = append(reports, err.Error())
				}
			})
		}()
		for i, step := range []struct {
			text   string // "-" removes the file
			read   bool
			report string // of the three intervals; empty for none
		}{
			{closed, false, ""},
			{"rooms: 1", false, ":1: rooms: must be a list"},
			{"", false, ":1: rooms: must be set"},
			{closed, false, "in force"},
			{"-", false, "no such file"},
			{closed, false, "in force"},
			{"-", false, "no such file"},
			{open, true, "in force"},
			{closed, false, "in force"},
		} {
			if step.text == "-" {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			} else {
				write(t, path, step.text)
			}
			<-time.After(3 * time.Second)
			synctest.Wait()
			if got := e.Decide(Caller{}, Room{Name: "lobby"}, Read).Allowed; got != step.read {
				t.Errorf("step %d: read is allowed = %t, want %t", i, got, step.read)
			}
			mu.Lock()
			joined := strings.Join(reports, "\n")
			if step.report == "" && joined != "" || len(reports) > 1 || !strings.Contains(joined, step.report) {
				t.Errorf("step %d: reports = %q, want one with %q", i, reports, step.report)
			}
			reports = nil
			mu.Unlock()
		}
		stop()
		<-done
	})
}
