package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/requestid"
)

// logFlags are the flags that logSettings.define adds.
var logFlags = []string{"log-format", "log-level", "log-follow"}

// logSettings say what serve logs, and how.
type logSettings struct {
	format format
	level  slog.Level
	follow follow
}

func (l *logSettings) define(flags *flag.FlagSet) {
	l.format = "text"
	flags.Var(&l.format, "log-format", `"text" or "json"`)
	flags.Var((*level)(&l.level), "log-level", "the least `level` of lines that are logged: debug, info, warn or error; debug has a line for each call")
	flags.Var(&l.follow, "log-follow", "`room=NAME or peer=ADDRESS` whose debug lines are logged in addition to -log-level")
}

// open returns the log.
func (l *logSettings) open(out io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: l.level, ReplaceAttr: readableDuration}
	if l.follow != (follow{}) {
		options.Level = min(l.level, slog.LevelDebug)
	}
	var handler slog.Handler = slog.NewTextHandler(out, options)
	if l.format == "json" {
		handler = slog.NewJSONHandler(out, options)
	}
	if l.follow != (follow{}) {
		handler = &followHandler{Handler: handler, level: l.level, follow: l.follow}
	}
	return slog.New(requestid.Handler{Handler: handler})
}

// readableDuration makes a duration the same text in both formats: JSON would have nanoseconds.
func readableDuration(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// format is a flag for the format of the log.
type format string

func (f *format) String() string { return string(*f) }

func (f *format) Set(value string) error {
	if value != "text" && value != "json" {
		return errors.New(`must be "text" or "json"`)
	}
	*f = format(value)
	return nil
}

// level is a flag for the least level of lines.
type level slog.Level

func (l *level) String() string { return strings.ToLower(slog.Level(*l).String()) }

func (l *level) Set(value string) error {
	if (*slog.Level)(l).UnmarshalText([]byte(value)) != nil {
		return errors.New("must be debug, info, warn or error")
	}
	return nil
}

// follow is a flag that names the attribute of lines to log.
type follow struct{ key, value string }

func (f *follow) String() string {
	if *f == (follow{}) {
		return ""
	}
	return f.key + "=" + f.value
}

func (f *follow) Set(value string) error {
	key, of, _ := strings.Cut(value, "=")
	_, noAddress := netip.ParseAddr(of)
	if (key != "room" || chat.CheckRoom(of) != nil) && (key != "peer" || noAddress != nil) {
		return errors.New("must be room=NAME or peer=ADDRESS, such as room=lobby or peer=192.0.2.1")
	}
	*f = follow{key, of}
	return nil
}

// followHandler handles lines of a level, and below it those that have an attribute.
type followHandler struct {
	slog.Handler
	level  slog.Level
	follow follow
	all    bool // the logger has the attribute
}

// Handle implements slog.Handler.
func (h *followHandler) Handle(ctx context.Context, r slog.Record) error {
	found := h.all || r.Level >= h.level
	r.Attrs(func(a slog.Attr) bool {
		found = found || h.isFollowed(a)
		return !found
	})
	if !found {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h *followHandler) isFollowed(a slog.Attr) bool {
	return a.Key == h.follow.key && fmt.Sprint(a.Value.Any()) == h.follow.value
}

// WithAttrs implements slog.Handler.
func (h *followHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.Handler = h.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		next.all = next.all || h.isFollowed(a)
	}
	return &next
}

// WithGroup implements slog.Handler.
func (h *followHandler) WithGroup(name string) slog.Handler {
	next := *h
	next.Handler = h.Handler.WithGroup(name)
	return &next
}
