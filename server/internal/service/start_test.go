package service

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"chatroom/server/internal/datadir"
)

// onLine is a log that calls fn, once, for a line that has a text.
type onLine struct {
	text string
	fn   func()
	once sync.Once

	mu  sync.Mutex // guards below
	all bytes.Buffer
}

func (l *onLine) Write(p []byte) (int, error) {
	if strings.Contains(string(p), l.text) {
		l.once.Do(l.fn)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

// A start that is told to stop is a stop: without an error, and with its line in the log.
func TestStopDuringTheStart(t *testing.T) {
	free, used := t.TempDir(), t.TempDir()
	holder, err := datadir.Open(used)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	for name, data := range map[string]string{"before the store is opened": free, "while it waits for the data": used} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		log := &onLine{text: "waiting for the process", fn: cancel}
		if data == free {
			cancel()
		}
		c := Config{Addresses: []string{"127.0.0.1:0"}, Data: data, DataWait: 1 << 60, Log: slog.New(slog.NewTextHandler(log, nil))}
		err := Run(ctx, c)
		if line := "stopped before it was ready"; err != nil || strings.Count(log.all.String(), line) != 1 {
			t.Errorf("%s: Run = %v, want nil, and one line %q in the log:\n%s", name, err, line, log.all.String())
		}
	}
	again, err := datadir.Open(free)
	if err != nil {
		t.Fatalf("the data directory is not free after the stop: %v", err)
	}
	_ = again.Close()
}

// What keeps a server from starting is an error, also if it is told to stop.
func TestStopDuringAWrongStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Run(ctx, Config{Addresses: []string{"127.0.0.1:0"}, Data: file, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.HasPrefix(err.Error(), "-data: ") {
		t.Errorf("Run = %v, want an error about -data", err)
	}
}
