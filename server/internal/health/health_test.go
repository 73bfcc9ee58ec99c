package health

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, h *Health, path string) (status int, body string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code, recorder.Body.String()
}

func TestReady(t *testing.T) {
	h := New()
	check := func(want ...Cause) {
		t.Helper()
		if got := h.Causes(); !slices.Equal(got, want) || h.Ready() != (len(want) == 0) {
			t.Errorf("Causes() = %v, Ready() = %t, want %v", got, h.Ready(), want)
		}
		wantStatus, wantBody := http.StatusOK, "ok\n"
		if len(want) > 0 {
			wantStatus, wantBody = http.StatusServiceUnavailable, ""
			for _, c := range want {
				wantBody += c.String() + "\n"
			}
		}
		if status, body := get(t, h, ReadyPath); status != wantStatus || body != wantBody {
			t.Errorf("%s = %d %q, want %d %q", ReadyPath, status, body, wantStatus, wantBody)
		}
		if status, body := get(t, h, LivePath); status != http.StatusOK || body != "ok\n" {
			t.Errorf("%s = %d %q, want 200", LivePath, status, body)
		}
	}
	check(Starting)
	h.Set(Starting, false)
	check()
	h.Set(StoreFailed, true)
	check(StoreFailed)
	h.Set(Draining, true)
	check(Draining, StoreFailed)
	h.Set(StoreFailed, false)
	check(Draining)
	if status, _ := get(t, h, "/other"); status != http.StatusNotFound {
		t.Errorf("another path = %d, want 404", status)
	}
}

// Watchers are called for changes only, and not after stop.
func TestWatch(t *testing.T) {
	h, first, second := New(), 0, 0
	stopFirst := h.Watch(func() { first++ })
	stopSecond := h.Watch(func() {
		second++
		_ = h.Ready() // it may ask
	})
	if !h.Set(Starting, false) || h.Set(Starting, false) || h.Set(Draining, false) {
		t.Error("Set does not return whether the cause is new")
	}
	stopFirst()
	h.Set(Draining, true)
	stopSecond()
	h.Set(StoreFailed, true)
	if first != 1 || second != 2 {
		t.Errorf("watchers were called %d and %d times, want 1 and 2", first, second)
	}
}
