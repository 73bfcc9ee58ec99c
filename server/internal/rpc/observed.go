package rpc

import (
	"context"
	"log/slog"
	"sync"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat/hub"
)

// streamEndKey is the context key of the function that WithStreamEnd is given.
type streamEndKey struct{}

// WithStreamEnd returns the context for a handler that begins a stream. When the stream ends,
// which is after the handler has returned, fn is called with the reason: nil if the client is
// gone, or has ended it.
func WithStreamEnd(ctx context.Context, fn func(reason error)) context.Context {
	return context.WithValue(ctx, streamEndKey{}, fn)
}

func streamEndOf(ctx context.Context) func(error) {
	fn, _ := ctx.Value(streamEndKey{}).(func(error))
	return fn
}

// IsEnding reports whether a handler runs only to produce the end of a stream, which another
// call of it has begun.
func IsEnding(ctx context.Context) bool { return ctx.Value(endingKey{}) != nil }

// observedSend is a send on a Chat stream that is logged or traced. It is nil for others.
type observedSend struct {
	log    *slog.Logger // nil unless it is logged
	ctx    context.Context
	begun  time.Time
	args   []any       // of the line
	ended  func(error) // nil unless it is traced
	ending sync.Once
}

// observe begins to observe a send if that is of use, and returns its context.
func (s *stream) observe(ctx context.Context, r *chatv1.SendRequest) (context.Context, *observedSend) {
	c := &s.server.config
	logged := c.Log.Enabled(ctx, slog.LevelDebug)
	if !logged && c.BeginSend == nil {
		return ctx, nil
	}
	o := &observedSend{begun: time.Now()}
	if logged {
		o.log, o.args = c.Log, []any{"peer", s.address, "member", s.feed.Member().ID, "room", r.GetRoom(), "id", r.GetId()}
	}
	if c.BeginSend != nil {
		ctx, o.ended = c.BeginSend(ctx, r.GetRoom())
	}
	o.ctx = ctx
	return ctx, o
}

// follow is sending.Notify, which it also ends the observation with.
func (o *observedSend) follow(sending *hub.Sending, wake func()) {
	if o == nil || o.ended == nil {
		sending.Notify(wake)
		return
	}
	sending.Notify(func() {
		o.end(sending.Err())
		wake()
	})
}

// end is called when the send is stored or refused.
func (o *observedSend) end(err error) {
	if o != nil && o.ended != nil {
		o.ending.Do(func() { o.ended(err) })
	}
}

// answered logs the send for debugging, when it is answered.
func (o *observedSend) answered(err error) {
	if o == nil || o.log == nil {
		return
	}
	code := "ok"
	if err != nil {
		code = toError(o.ctx, slog.New(slog.DiscardHandler), err).Code().String()
	}
	o.log.DebugContext(o.ctx, "a send has ended", append(o.args, "code", code, "took", time.Since(o.begun))...)
}
