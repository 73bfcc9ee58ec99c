package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// swallowed is a connection that stays open, and on which nothing arrives any more once
// swallows is set.
type swallowed struct {
	net.Conn
	swallows atomic.Bool
	closed   chan struct{}
	once     sync.Once
}

func (s *swallowed) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if s.swallows.Load() && err == nil {
		<-s.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (s *swallowed) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

// A connection that nothing arrives on is noticed by the missing heartbeats, and is not
// used for the next stream.
func TestBlackHole(t *testing.T) {
	var conn *swallowed
	dialed := 0
	config := client.Config{MaxBackoff: 100 * time.Millisecond}
	config.HTTP = &http.Client{Transport: wrapped(func(c net.Conn) net.Conn {
		dialed++
		conn = &swallowed{Conn: c, closed: make(chan struct{})}
		return conn
	})}
	withFake(t, config, func(t *testing.T, s *fakeServer, c *client.Client) {
		dialed = 0
		s.say("a", "0")
		for e, err := range c.Follow(client.Recent("a", 1)).Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if e.GetMessage().GetText() == "1" {
				break
			}
			began := time.Now()
			conn.swallows.Store(true)
			s.say("a", "1")
			defer func() {
				if took := time.Since(began); took > 2*s.heartbeat+500*time.Millisecond {
					t.Errorf("the next event came after %v, want 2 heartbeats of %v", took, s.heartbeat)
				}
			}()
		}
		if dialed != 2 {
			t.Errorf("there were %d connections, want 2", dialed)
		}
	})
}

// wrapped is the transport of a test whose connections are wrapped: see inBubble.
type wrapped func(net.Conn) net.Conn

func (wrapped) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("inBubble replaces it")
}

// Auto uses Chat where it gets through, and Subscribe and Send where not.
func TestAuto(t *testing.T) {
	for name, tt := range map[string]struct {
		config  client.Config
		handler func(http.Handler) http.Handler
	}{
		"HTTP/2":                 {client.Config{}, nil},
		"HTTP/1.1":               {client.Config{HTTP1: true}, nil},
		"HTTP/1.1 of the caller": {client.Config{HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}, nil},
		"gRPC over HTTP/1.1 of the caller": {client.Config{
			HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Options: []connect.ClientOption{connect.WithGRPCWeb()}}, nil},
		"a way on which Chat gets no answer": {client.Config{AttemptTimeout: 300 * time.Millisecond}, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == chatv1connect.ChatRoomChatProcedure {
					<-r.Context().Done()
					return
				}
				next.ServeHTTP(w, r)
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer()
			defer server.Close()
			if tt.handler != nil {
				server.wrap(tt.handler)
			}
			config := tt.config
			config.URL = server.URL
			c, err := client.New(config)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(t.Context())
			if _, err := c.Send(t.Context(), "a", client.Text("0")); err != nil {
				t.Fatal(err)
			}
			for e, err := range c.Follow(client.Recent("a", 1)).Events(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if e.GetMessage().GetText() == "1" {
					break
				}
				if _, err := c.Send(t.Context(), "a", client.Text("1")); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// guestServer signs guests in, and refuses all tokens but the newest.
type guestServer struct {
	chatv1connect.UnimplementedChatRoomHandler
	mu      sync.Mutex // guards below
	signIns []string   // the tokens that callers had
	refuses map[string]bool
}

func (g *guestServer) SignIn(ctx context.Context, request *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	token := tokenOf(ctx)
	g.signIns = append(g.signIns, token)
	if g.refuses[token] {
		return nil, withInfo(connect.CodeUnauthenticated, "TOKEN_INVALID", nil)
	}
	n := len(g.signIns)
	return &chatv1.SignInResponse{Token: fmt.Sprint("T", n), Member: &chatv1.Member{Id: fmt.Sprint("member ", n), Name: request.GetName()}}, nil
}

func (g *guestServer) Send(ctx context.Context, _ *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refuses[tokenOf(ctx)] {
		return nil, withInfo(connect.CodeUnauthenticated, "TOKEN_INVALID", map[string]string{"cause": "expired"})
	}
	return &chatv1.SendResponse{Epoch: "E", Sequence: 1}, nil
}

// A guest signs in once, keeps its token in a file, and signs in again when the token is
// refused.
func TestGuest(t *testing.T) {
	g := &guestServer{refuses: make(map[string]bool)}
	mux := http.NewServeMux()
	mux.Handle(chatv1connect.NewChatRoomHandler(g))
	server := serveH2C(mux)
	defer server.Close()
	path := filepath.Join(t.TempDir(), "guest.json")
	send := func(wantID string, wantSignIns int) {
		t.Helper()
		guest := client.NewGuest("gopher", path)
		c, err := client.New(client.Config{URL: server.URL, Token: guest})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(t.Context())
		for range 2 {
			if _, err := c.Send(t.Context(), "a", client.Text("hello")); err != nil {
				t.Errorf("Send = %v, want nil", err)
			}
		}
		if guest.ID() != wantID || len(g.signIns) != wantSignIns {
			t.Errorf("the guest is %q after %d sign-ins, want %q after %d", guest.ID(), len(g.signIns), wantID, wantSignIns)
		}
	}
	send("member 1", 1)
	send("member 1", 1) // the token is in the file
	g.refuses["Bearer T1"] = true
	send("member 3", 3) // T1 is tried once more for a renewal, which would keep the id
}

// Programs with the same file are one guest, also if they start at the same time, and when
// their token is refused.
func TestGuestsOfOneFile(t *testing.T) {
	g := &guestServer{refuses: make(map[string]bool)}
	mux := http.NewServeMux()
	mux.Handle(chatv1connect.NewChatRoomHandler(g))
	server := serveH2C(mux)
	defer server.Close()
	path := filepath.Join(t.TempDir(), "guest.json")
	var guests []*client.Guest
	var clients []*client.Client
	for range 4 {
		guest := client.NewGuest("gopher", path)
		c, err := client.New(client.Config{URL: server.URL, Token: guest})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(t.Context())
		guests, clients = append(guests, guest), append(clients, c)
	}
	sendAll := func(each func(send func())) {
		t.Helper()
		for _, c := range clients {
			each(func() {
				if _, err := c.Send(t.Context(), "a", client.Text("hello")); err != nil {
					t.Errorf("Send = %v, want nil", err)
				}
			})
		}
	}
	var together sync.WaitGroup
	sendAll(together.Go)
	together.Wait()
	check := func() (id string) {
		t.Helper()
		for _, guest := range guests {
			if guest.ID() != guests[0].ID() {
				t.Errorf("programs with one file are the members %q and %q, want one", guests[0].ID(), guest.ID())
			}
		}
		return guests[0].ID()
	}
	first := check()
	for token := range len(g.signIns) {
		g.refuses[fmt.Sprintf("Bearer T%d", token+1)] = true
	}
	sendAll(func(send func()) { send() })
	if check() == first {
		t.Errorf("the guest is still %q, whose token is refused", first)
	}
}

// A guest that may not sign in is told at once.
func TestGuestsOff(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle(chatv1connect.NewChatRoomHandler(&noGuests{}))
	server := serveH2C(mux)
	defer server.Close()
	c, err := client.New(client.Config{URL: server.URL, Token: client.NewGuest("gopher", "")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Send(t.Context(), "a", client.Text("hello")); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("Send = %v, want code permission_denied", err)
	}
	for _, err := range c.Follow(client.Live("a")).Events(t.Context()) {
		if connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("Follow yielded %v, want code permission_denied", err)
		}
	}
}

type noGuests struct {
	chatv1connect.UnimplementedChatRoomHandler
}

func (noGuests) SignIn(context.Context, *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	return nil, withInfo(connect.CodePermissionDenied, "GUESTS_OFF", nil)
}
