package attack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatroom/bench/internal/attack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server that speaks HTTP/2 without TLS and returns its address.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// Each kind sends what it is called, to a server that takes it or not, and ends with
// its context.
func TestKinds(t *testing.T) {
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	for _, kind := range attack.Kinds() {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, again: %t", kind, again), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
				defer cancel()
				r, err := attack.Run(ctx, kind, address, again)
				if err != nil || r.Connections+r.Refused == 0 || r.Frames == 0 { // a server may end a flood before its settings are read
					t.Errorf("Run = %+v, %v, want connections and frames", r, err)
				}
				if !again && r.Connections+r.Refused != 1 {
					t.Errorf("Run made %d connections, want one", r.Connections+r.Refused)
				}
			})
		}
	}
}

// The requests are calls that a server understands.
func TestRequests(t *testing.T) {
	called := make(chan string, 1)
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case called <- r.Method + " " + r.URL.Path + " " + string(body):
		default:
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var attacking sync.WaitGroup
	attacking.Go(func() { _, _ = attack.Run(ctx, "zero-window streams", address, false) })
	want := "POST /chat.v1.ChatRoom/Subscribe \x00\x00\x00\x00\x09\x0a\x07\x0a\x05bench"
	if got := <-called; got != want {
		t.Errorf("the server was called with %q, want %q", got, want)
	}
	cancel()
	attacking.Wait()
}

func TestCommand(t *testing.T) {
	address := serve(t, func(http.ResponseWriter, *http.Request) {})
	var out bytes.Buffer
	if err := attack.Command(t.Context(), []string{"PING", address, "500ms", "false"}, &out); err != nil {
		t.Fatal(err)
	}
	var r attack.Result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Connections != 1 {
		t.Errorf("Command printed %s, %v, want one connection", &out, err)
	}
	for _, bad := range []string{"PING " + address + " 1s", "PING " + address + " soon false", "PING " + address + " 1s maybe", "PONG " + address + " 1s false", "PING 192.0.2.1:80 1s false"} {
		if err := attack.Command(t.Context(), strings.Fields(bad), io.Discard); err == nil {
			t.Errorf("Command(%s) = nil, want an error", bad)
		}
	}
}
