package metrics

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// LogLines are how many lines of a level a log has had.
type LogLines struct{ warnings, errors atomic.Uint64 }

// CountLogLines returns a logger that hands its lines to log, and counts them.
func CountLogLines(log *slog.Logger) (*slog.Logger, *LogLines) {
	lines := new(LogLines)
	return slog.New(lineCounter{log.Handler(), lines}), lines
}

// lineCounter counts the lines that it hands on.
type lineCounter struct {
	slog.Handler
	lines *LogLines
}

// Handle implements slog.Handler.
func (c lineCounter) Handle(ctx context.Context, r slog.Record) error {
	switch {
	case r.Level >= slog.LevelError:
		c.lines.errors.Add(1)
	case r.Level >= slog.LevelWarn:
		c.lines.warnings.Add(1)
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (c lineCounter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return lineCounter{c.Handler.WithAttrs(attrs), c.lines}
}

// WithGroup implements slog.Handler.
func (c lineCounter) WithGroup(name string) slog.Handler {
	return lineCounter{c.Handler.WithGroup(name), c.lines}
}
