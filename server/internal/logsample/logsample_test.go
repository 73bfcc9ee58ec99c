package logsample

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuppressedLinesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := &Logger{Log: slog.New(slog.NewTextHandler(&out, nil)), Burst: 2, Interval: time.Second}
		warn := func(kind string, times int) {
			for range times {
				l.Warn(t.Context(), kind, "peer", "p")
			}
		}
		warn("refused", 5)
		warn("cut", 1)
		<-time.After(time.Second - 1)
		warn("refused", 1)
		<-time.After(1)
		warn("refused", 2)
		<-time.After(time.Second)
		warn("refused", 1)
		var got []string
		for line := range strings.Lines(out.String()) {
			_, after, _ := strings.Cut(strings.TrimSpace(line), "msg=")
			got = append(got, after)
		}
		want := "refused peer=p, refused peer=p, cut peer=p, refused peer=p suppressed=4, refused peer=p, refused peer=p"
		if strings.Join(got, ", ") != want {
			t.Errorf("logged %q, want %q", got, want)
		}
	})
}

func TestEveryLineIsLoggedOrCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Logger{Burst: 3, Interval: time.Minute}
		const callers, each = 8, 100
		var wg sync.WaitGroup
		var mu sync.Mutex
		logged := 0
		for range callers {
			wg.Go(func() {
				for range each {
					if _, ok := l.admit("k", time.Now()); ok {
						mu.Lock()
						logged++
						mu.Unlock()
					}
				}
			})
		}
		wg.Wait()
		<-time.After(time.Minute)
		suppressed, ok := l.admit("k", time.Now())
		if logged != 3 || !ok || suppressed != callers*each-3 {
			t.Errorf("%d lines were logged and then %d, %v, want 3 and then %d, true", logged, suppressed, ok, callers*each-3)
		}
	})
}

// Text of peers can't begin a line or reorder what is shown of it, and kinds take no
// memory without bound.
func TestHostileText(t *testing.T) {
	var out bytes.Buffer
	l := &Logger{Log: slog.New(slog.NewTextHandler(&out, nil))}
	for _, text := range []string{"a\nlevel=ERROR msg=forged", "\x1b[2J", "abc\u202egpj.exe", "\u2066x\u2069", "\u200b", "\r", "\x00", "\u2028"} {
		out.Reset()
		l = &Logger{Log: l.Log}
		l.Warn(t.Context(), "refused", "room", text)
		line := strings.TrimSuffix(out.String(), "\n")
		if line == "" || strings.ContainsAny(line, "\n\r\x1b\x00\u202e\u2066\u2069\u200b\u2028") {
			t.Errorf("the line with %q is %q, want it quoted", text, line)
		}
	}
	for i := range 10 * maxKinds {
		l.admit(strings.Repeat("k", i), time.Time{})
	}
	if n := len(l.kinds); n > maxKinds {
		t.Errorf("%d kinds are remembered, want at most %d", n, maxKinds)
	}
}

func TestZeroLoggerDiscards(t *testing.T) {
	var none *Logger
	none.Warn(t.Context(), "refused")
	new(Logger).Warn(t.Context(), "refused")
}
