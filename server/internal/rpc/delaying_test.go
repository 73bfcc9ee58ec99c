package rpc

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// callFrom makes a unary call from an address and returns the status.
func (w *world) callFrom(t *testing.T, address, method, body, token string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/chat.v1.ChatRoom/"+method, strings.NewReader(body))
	r.RemoteAddr = address + ":1234"
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if method == "Subscribe" {
		r.Header.Set("Content-Type", "application/grpc-web+json")
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer.Code
}

// The errors of an address that gets many are held back, whatever they are, so that a client
// that ignores them is answered ten times a second for each call in flight. Successes, and
// other addresses, are not delayed.
func TestErrorsAreDelayed(t *testing.T) {
	const (
		here, there = "192.0.2.1", "192.0.2.2"
		burst, more = 20, 30
		lobby       = `{"room":"lobby"}`
	)
	for name, call := range map[string]struct {
		method, body, token string
		want                int
	}{
		"refused by a limit": {"ListMembers", lobby, "", http.StatusTooManyRequests},
		"invalid":            {"ListEvents", `{"room":"NO"}`, "", http.StatusBadRequest},
		"undecodable":        {"ListEvents", `{`, "", http.StatusBadRequest},
		"a stream":           {"Subscribe", "\x00\x00\x00\x00\x02{}", "", http.StatusOK},
		"bad token":          {"ListEvents", lobby, "bad", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, withLimits(t, "list.address=1/h:1,error.address=1/m:20"), func(t *testing.T, w *world) {
				w.callFrom(t, here, "ListMembers", lobby, "") // the one that passes
				checkTime := func(what string, want time.Duration, do func()) {
					begin := time.Now()
					do()
					if took := time.Since(begin); took != want {
						t.Errorf("%s took %v, want %v", what, took, want)
					}
				}
				fail := func() {
					if got := w.callFrom(t, here, call.method, call.body, call.token); got != call.want {
						t.Fatalf("the status is %d, want %d", got, call.want)
					}
				}
				checkTime("the burst", 0, func() {
					for range burst {
						fail()
					}
				})
				checkTime("more errors", more*maxRefusalPause, func() {
					for range more {
						fail()
					}
				})
				checkTime("a success, and an error elsewhere", 0, func() {
					w.callFrom(t, here, "ListEvents", lobby, "")
					w.callFrom(t, there, "ListEvents", `{"room":"NO"}`, "")
				})
			})
		})
	}
}

// What is held back is bounded, and ends with the server.
func TestDelayedErrorsAreBounded(t *testing.T) {
	inBubble(t, withLimits(t, "error.address=1/h:1"), func(t *testing.T, w *world) {
		fail := func() { w.callFrom(t, "192.0.2.1", "ListEvents", `{"room":"NO"}`, "") }
		fail()
		begin := time.Now()
		w.api.delayed.Store(maxDelayed)
		if fail(); time.Since(begin) != 0 {
			t.Errorf("an error more than may be held back took %v, want 0", time.Since(begin))
		}
		w.api.delayed.Store(0)
		var failing sync.WaitGroup
		failing.Go(fail)
		<-time.After(maxRefusalPause / 2)
		w.api.Close()
		failing.Wait()
		if took := time.Since(begin); took != maxRefusalPause/2 || w.api.delayed.Load() != 0 {
			t.Errorf("an error was answered after %v and %d are held back, want the end of the server after %v", took, w.api.delayed.Load(), maxRefusalPause/2)
		}
	})
}
