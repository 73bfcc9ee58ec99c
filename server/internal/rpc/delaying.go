package rpc

import (
	"context"
	"net/netip"
	"time"

	"connectrpc.com/connect"

	"chatroom/server/internal/ratelimit"
)

// maxDelayed bounds how many answers are held back at the same time, with the memory of
// their calls. More are given at once.
const maxDelayed = 2_000

// delayErrors is the interceptor that makes errors of unary calls come later when an address
// gets too many: a client that ignores refusals would otherwise be refused as fast as it
// asks, which takes all processors.
func (s *Server) delayErrors(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		response, err := next(ctx, req)
		if err != nil {
			s.delayError(ctx, limitedCaller(ctx, "").Address)
		}
		return response, err
	}
}

// delayError counts an error that an address is answered with, and waits if it has too many.
func (s *Server) delayError(ctx context.Context, address netip.Addr) {
	if s.config.Rates.Allow(ratelimit.Error, ratelimit.Caller{Address: address}) == nil {
		return
	}
	defer s.delayed.Add(-1)
	if s.delayed.Add(1) > maxDelayed {
		return
	}
	timer := time.NewTimer(maxRefusalPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.serving.Done():
	}
}
