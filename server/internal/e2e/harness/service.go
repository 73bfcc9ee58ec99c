// Package harness starts services for end-to-end tests, in the test's process or in one
// of their own, and has clients for every protocol. A test configures the service with
// options, which set fields of service.Config:
//
//	s := harness.Start(t, harness.InMemory, func(c *service.Config) { c.WriteTimeout = time.Second })
package harness

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/service"
)

// Main runs the tests of a package, and fails if they leave goroutines behind.
// A package whose tests start a Process must call it from TestMain.
func Main(m *testing.M) {
	if config := os.Getenv(processVariable); config != "" {
		os.Exit(processMain(config))
	}
	goleak.VerifyTestMain(m)
}

// Option changes what a service is started with.
type Option = func(*service.Config)

// InMemory makes a service keep nothing.
func InMemory(c *service.Config) { c.Data = service.MemoryData }

// InDir makes a service keep its data in a directory.
func InDir(dir string) Option { return func(c *service.Config) { c.Data = dir } }

// WithAdmin makes a service have an admin port: see Service.Admin.
func WithAdmin(c *service.Config) { c.Admin = "127.0.0.1:0" }

// WithPolicy makes a service decide by a policy file with this text.
func WithPolicy(t *testing.T, text string) Option {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *service.Config) { c.Policy = path }
}

// GuestsManage is a policy in which any guest sets the profile of any room.
const GuestsManage = "rooms: [{pattern: '*', guest: [read, post, react, edit_own, create, manage]}]"

// ListenOn makes a service listen on an address.
func ListenOn(address string) Option {
	return func(c *service.Config) { c.Addresses = []string{address} }
}

// WithLimits makes a service have the default limits, changed by settings.
func WithLimits(settings string) Option {
	return func(c *service.Config) { c.Limits = settings }
}

// newConfig is the configuration of the services of tests: a free port, short timeouts
// where a stop would wait for them, and no limits, since tests ask for more than people
// do.
func newConfig(options ...Option) service.Config {
	c := service.Config{Addresses: []string{"127.0.0.1:0"}, Drain: time.Second, PresenceGrace: time.Millisecond, Limits: "off"}
	for _, o := range options {
		o(&c)
	}
	return c
}

// Service is a service that runs in the process of the test.
type Service struct {
	URL  string // http://127.0.0.1:PORT, or https
	Addr string // 127.0.0.1:PORT
	Log  Buffer

	BeginStop context.CancelFunc // begins to stop the service
	ended     chan struct{}
	err       error // of Run, once ended is closed
}

// Start starts a service on a free port, with data that is removed after the test. The
// test's end stops it, waits for it, and fails on an error of Run or on an error in the
// log.
func Start(t *testing.T, options ...Option) *Service {
	t.Helper()
	s, err := TryStart(append([]Option{InDir(t.TempDir())}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop(t)
		if log := s.Log.String(); strings.Contains(log, "level=ERROR") {
			t.Errorf("the service logged an error:\n%s", log)
		}
	})
	return s
}

// TryStart starts a service on a free port, whose data the options must name. It
// returns an error if the service ends before it serves.
func TryStart(options ...Option) (*Service, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Service{BeginStop: cancel, ended: make(chan struct{})}
	c := newConfig(options...)
	ready := make(chan string, 1)
	c.Ready = func(addresses []string) { ready <- addresses[0] }
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(&s.Log, nil))
	}
	go func() {
		defer close(s.ended)
		s.err = service.Run(ctx, c)
	}()
	select {
	case s.Addr = <-ready:
		s.URL = "http://" + s.Addr
		if c.TLS.Enabled() {
			s.URL = "https://" + s.Addr
		}
		return s, nil
	case <-s.ended:
		cancel()
		if s.err == nil {
			return nil, errors.New("the service ended before it served")
		}
		return nil, s.err
	}
}

// StartRefused starts a service that must not come up, and returns its error.
func StartRefused(t *testing.T, options ...Option) error {
	t.Helper()
	s, err := TryStart(options...)
	if err == nil {
		s.Stop(t)
		t.Fatal("the service was started, want an error")
	}
	return err
}

// Shutdown stops the service, waits for it, and returns the error of Run.
func (s *Service) Shutdown() error {
	s.BeginStop()
	<-s.ended
	return s.err
}

// Stop stops the service, and waits for it. It may be called again.
func (s *Service) Stop(t *testing.T) {
	t.Helper()
	if err := s.Shutdown(); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// Rename signs in with a token, under another name.
func (s *Service) Rename(ctx context.Context, t *testing.T, token, name string) (renewed string) {
	t.Helper()
	identity, err := chatv1connect.NewChatRoomClient(BearerClient{H2CClient(t), token}, s.URL).SignIn(ctx, &chatv1.SignInRequest{Name: name})
	Must(t, err)
	return identity.GetToken()
}

// AwaitMembers waits until a room has n members.
func (s *Service) AwaitMembers(ctx context.Context, t *testing.T, room string, n int) {
	t.Helper()
	client := chatv1connect.NewChatRoomClient(HTTP1Client(t), s.URL)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		list, err := client.ListRooms(ctx, &chatv1.ListRoomsRequest{})
		if err != nil {
			t.Fatalf("ListRooms while waiting for %d members of %q, last %v: %v", n, room, list, err)
		}
		for _, r := range list.GetRooms() {
			if r.GetName() == room && int(r.GetMembers()) == n {
				return
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("%v, want %d members of %q", list, n, room)
		}
	}
}

// Admin returns the address of the admin port, as the service has logged it.
func (s *Service) Admin(t *testing.T) string {
	t.Helper()
	_, rest, found := strings.Cut(s.Log.String(), `msg="serving metrics, health and profiles" address=`)
	if !found {
		t.Fatalf("the service has no admin port:\n%s", s.Log.String())
	}
	address, _, _ := strings.Cut(rest, "\n")
	return address
}

// SignIn signs in as a guest.
func (s *Service) SignIn(t *testing.T, name string) (token string, m *chatv1.Member) {
	t.Helper()
	client := chatv1connect.NewChatRoomClient(HTTP1Client(t), s.URL)
	identity, err := client.SignIn(Context(t), &chatv1.SignInRequest{Name: name})
	if err != nil {
		t.Fatalf("SignIn(%q): %v", name, err)
	}
	return identity.GetToken(), identity.GetMember()
}
