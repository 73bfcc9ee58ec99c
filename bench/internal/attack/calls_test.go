package attack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"chatroom/bench/internal/attack"
)

// serveCalls starts a server of the service's methods that answers the first calls of each
// and refuses the others. It returns the address, and the paths and addresses that it saw.
func serveCalls(t *testing.T) (address string, seen func() (paths, from map[string]bool)) {
	t.Helper()
	const pass = 5
	var mu sync.Mutex // guards below
	paths, from, calls := make(map[string]bool), make(map[string]bool), make(map[string]int)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		host, _, _ := strings.Cut(r.RemoteAddr, ":")
		paths[r.URL.Path], from[host] = true, true
		calls[r.URL.Path]++
		refused := calls[r.URL.Path] > pass
		mu.Unlock()
		switch {
		case r.URL.Path == "/chat.v1.ChatRoom/Subscribe" && refused:
			_, _ = w.Write([]byte{2, 0, 0, 0, 2, '{', '}'})
		case r.URL.Path == "/chat.v1.ChatRoom/Subscribe":
			_, _ = w.Write([]byte{0, 0, 0, 0, 2, '{', '}'})
		case refused:
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			_, _ = io.WriteString(w, `{"token":"t"}`)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), func() (map[string]bool, map[string]bool) {
		mu.Lock()
		defer mu.Unlock()
		return paths, from
	}
}

// Each flood makes calls of its method, all from the attacker's address, and counts what
// becomes of them.
func TestCalls(t *testing.T) {
	for _, kind := range attack.CallKinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address, seen := serveCalls(t)
			ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
			defer cancel()
			r, err := attack.Calls(ctx, kind, address)
			if err != nil || r.Passed == 0 || r.Refused == 0 || r.Failed != 0 || r.Connections == 0 {
				t.Errorf("Calls = %+v, %v, want calls that passed and that were refused", r, err)
			}
			paths, from := seen()
			if len(paths) > 2 || len(from) != 1 || !from["127.0.0.2"] {
				t.Errorf("the server saw calls of %v from %v, want those of the kind from 127.0.0.2", paths, from)
			}
		})
	}
}

func TestCallsCommand(t *testing.T) {
	address, _ := serveCalls(t)
	var out bytes.Buffer
	if err := attack.Command(t.Context(), []string{"Send", address, "300ms", "calls"}, &out); err != nil {
		t.Fatal(err)
	}
	var r attack.CallResult
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Passed == 0 {
		t.Errorf("Command printed %s, %v, want calls that passed", &out, err)
	}
	for _, bad := range []string{"PING " + address + " 1s calls", "Send 192.0.2.1:80 1s calls"} {
		if err := attack.Command(t.Context(), strings.Fields(bad), io.Discard); err == nil {
			t.Errorf("Command(%s) = nil, want an error", bad)
		}
	}
}
