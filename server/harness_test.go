package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/service"
)

func TestMain(m *testing.M) {
	if os.Getenv(subscriberVariable) != "" {
		os.Exit(subscriberMain())
	}
	testMain(m)
}

// testMain runs the tests of a package, and fails if they leave goroutines behind.
// A package whose tests start a Process must call it from TestMain.
func testMain(m *testing.M) {
	if config := os.Getenv(processVariable); config != "" {
		os.Exit(processMain(config))
	}
	goleak.VerifyTestMain(m)
}

// option changes what a service is started with.
type option = func(*service.Config)

// inMemory makes a service keep nothing.
func inMemory(c *service.Config) { c.Data = service.MemoryData }

// inDir makes a service keep its data in a directory.
func inDir(dir string) option { return func(c *service.Config) { c.Data = dir } }

// at makes a service listen on an address.
func at(address string) option {
	return func(c *service.Config) { c.Addresses = []string{address} }
}

// testConfig is what services are started with, on a free port: stopping them takes no
// longer than it must.
func testConfig(options ...option) service.Config {
	c := service.Config{Addresses: []string{"127.0.0.1:0"}, Drain: time.Second, PresenceGrace: time.Millisecond}
	for _, o := range options {
		o(&c)
	}
	return c
}

// testService is a service that runs in the process of the test.
type testService struct {
	URL  string // http://127.0.0.1:PORT
	Addr string // 127.0.0.1:PORT
	log  syncBuffer

	stop  context.CancelFunc // begins to stop the service
	ended chan struct{}
	err   error // of Run, once ended is closed
}

// serve starts a service on a free port, with data that is removed after the test. The
// test's end stops it, waits for it, and fails on an error of Run or on an error in the
// log.
func serve(t *testing.T, options ...option) *testService {
	t.Helper()
	s, err := tryToServe(append([]option{inDir(t.TempDir())}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop(t)
		if log := s.log.String(); strings.Contains(log, "level=ERROR") {
			t.Errorf("the service logged an error:\n%s", log)
		}
	})
	return s
}

// tryToServe starts a service on a free port, whose data the options must name. It
// returns an error if the service ends before it serves.
func tryToServe(options ...option) (*testService, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &testService{stop: cancel, ended: make(chan struct{})}
	c := testConfig(options...)
	ready := make(chan string, 1)
	c.Ready = func(addresses []string) { ready <- addresses[0] }
	c.Log = slog.New(slog.NewTextHandler(&s.log, nil))
	go func() {
		defer close(s.ended)
		s.err = service.Run(ctx, c)
	}()
	select {
	case s.Addr = <-ready:
		s.URL = "http://" + s.Addr
		return s, nil
	case <-s.ended:
		cancel()
		if s.err == nil {
			return nil, errors.New("the service ended before it served")
		}
		return nil, s.err
	}
}

// startRefused starts a service that must not come up, and returns its error.
func startRefused(t *testing.T, options ...option) error {
	t.Helper()
	s, err := tryToServe(options...)
	if err == nil {
		s.Stop(t)
		t.Fatal("the service was started, want an error")
	}
	return err
}

// end stops the service, waits for it, and returns the error of Run.
func (s *testService) end() error {
	s.stop()
	<-s.ended
	return s.err
}

// Stop stops the service, and waits for it. It may be called again.
func (s *testService) Stop(t *testing.T) {
	t.Helper()
	if err := s.end(); err != nil {
		t.Errorf("Run() = %v, want nil", err)
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
