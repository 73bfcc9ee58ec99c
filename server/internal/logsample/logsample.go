// Package logsample bounds how many log lines a peer can cause. Of the lines of one kind
// a few are logged in each interval; the others are counted, and the next line that is
// logged has their number.
package logsample

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// The values that the zero values of Logger's fields stand for.
const (
	DefaultBurst    = 5
	DefaultInterval = 10 * time.Second
)

// maxKinds bounds the memory of a Logger. Kinds are written in the code, so there are few.
const maxKinds = 100

// Logger logs what peers cause. The zero value discards everything. Its methods are safe
// for concurrent use, and its fields must not change after the first one.
type Logger struct {
	Log      *slog.Logger
	Burst    int           // lines of a kind in each interval; zero means DefaultBurst
	Interval time.Duration // zero means DefaultInterval

	mu    sync.Mutex // guards below
	kinds map[string]*kind
}

type kind struct {
	began      time.Time // the interval
	lines      int       // logged during it
	suppressed int       // since the last line that was logged
}

// Warn logs a line, whose message is its kind, unless there were too many. The message
// must be a constant.
func (l *Logger) Warn(ctx context.Context, message string, args ...any) {
	if l == nil || l.Log == nil || !l.Log.Enabled(ctx, slog.LevelWarn) {
		return
	}
	suppressed, ok := l.admit(message, time.Now())
	if !ok {
		return
	}
	if suppressed > 0 {
		args = append(args, "suppressed", suppressed)
	}
	l.Log.WarnContext(ctx, message, args...)
}

// admit reports whether a line is to be logged, and how many of its kind were not since
// the last one.
func (l *Logger) admit(message string, now time.Time) (suppressed int, ok bool) {
	burst, interval := l.Burst, l.Interval
	if burst == 0 {
		burst = DefaultBurst
	}
	if interval == 0 {
		interval = DefaultInterval
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.kinds[message]
	if k == nil {
		if len(l.kinds) >= maxKinds {
			return 0, false
		}
		if l.kinds == nil {
			l.kinds = make(map[string]*kind)
		}
		k = &kind{began: now}
		l.kinds[message] = k
	}
	if now.Sub(k.began) >= interval {
		k.began, k.lines = now, 0
	}
	if k.lines >= burst {
		k.suppressed++
		return 0, false
	}
	k.lines++
	suppressed, k.suppressed = k.suppressed, 0
	return suppressed, true
}
