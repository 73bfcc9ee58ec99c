package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	chatv1 "chatroom/gen/chat/v1"
)

func TestMain(m *testing.M) {
	if os.Getenv(subscriberVariable) != "" {
		os.Exit(subscriberMain())
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(programDir)
		os.Exit(code)
	}))
}

// testService is a whole server, run in the test's process as main runs it.
type testService struct {
	URL  string // http://127.0.0.1:PORT
	Addr string // 127.0.0.1:PORT

	stop  context.CancelFunc
	ended chan struct{}
	err   error          // of run, once ended is closed
	rest  sync.WaitGroup // reads what run prints
	log   syncBuffer
}

// serve starts a server on a free port, with data that goes with the test. The
// test's end stops it, waits for it, and fails on an error of run or on an
// internal error in the log.
func serve(t *testing.T, args ...string) *testService {
	t.Helper()
	s, err := tryToServe(append([]string{"-data", t.TempDir()}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop(t)
		if log := s.log.String(); strings.Contains(log, "level=ERROR") {
			t.Errorf("the server logged an error:\n%s", log)
		}
	})
	return s
}

// tryToServe starts a server on a free port. It returns an error if the server ends
// before it serves.
func tryToServe(args ...string) (*testService, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &testService{stop: cancel, ended: make(chan struct{})}
	stdout, out := io.Pipe()
	args = append([]string{"-listen", "127.0.0.1:0", "-drain", "1s", "-presence-grace", "1ms"}, args...)
	go func() {
		defer close(s.ended)
		s.err = run(ctx, args, func(string) string { return "" }, out, &s.log)
		out.Close()
	}()
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		return nil, fmt.Errorf("run(%q) = %w before it said where it listens", args, s.end())
	}
	s.URL = strings.TrimSuffix(strings.TrimPrefix(lines.Text(), "chatroom: open "), "/")
	s.rest.Go(func() { _, _ = io.Copy(io.Discard, stdout) })
	at, err := url.Parse(s.URL)
	if err != nil || at.Host == "" {
		return nil, errors.Join(fmt.Errorf("run(%q) said %q, want where it listens", args, lines.Text()), s.end())
	}
	s.Addr = at.Host
	return s, nil
}

// end does what SIGTERM does, waits, and returns the error of run.
func (s *testService) end() error {
	s.stop()
	<-s.ended
	s.rest.Wait()
	return s.err
}

// Stop does what SIGTERM does, and waits.
func (s *testService) Stop(t *testing.T) {
	t.Helper()
	if err := s.end(); err != nil {
		t.Errorf("run() = %v, want nil", err)
	}
}

// h2cClient returns a client that speaks unencrypted HTTP/2 only, on connections
// of its own.
func h2cClient(t *testing.T) *http.Client {
	return httpClient(t, (*http.Protocols).SetUnencryptedHTTP2)
}

// http1Client returns a client that speaks HTTP/1.1 only, on connections of its
// own.
func http1Client(t *testing.T) *http.Client { return httpClient(t, (*http.Protocols).SetHTTP1) }

func httpClient(t *testing.T, speak func(*http.Protocols, bool)) *http.Client {
	protocols := new(http.Protocols)
	speak(protocols, true)
	transport := &http.Transport{
		Protocols:   protocols,
		DialContext: (&net.Dialer{}).DialContext,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// isEphemeral tells whether a frame is an event that has no place in the log, such
// as somebody's coming.
func isEphemeral(f *chatv1.Frame) bool {
	return f.GetEvent() != nil && f.GetEvent().GetSequence() == 0
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
