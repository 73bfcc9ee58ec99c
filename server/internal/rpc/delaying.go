package rpc

import (
	"context"
	"time"

	"chatroom/server/internal/ratelimit"
)

// maxDelayed bounds how many answers are held back at the same time, with the memory of
// their calls. More are given at once.
const maxDelayed = 2_000

// delayError counts an error that a call is answered with, and waits if the address of its
// caller gets too many: a client that ignores refusals would otherwise be refused as fast as
// it asks, which takes all processors.
func (s *Server) delayError(ctx context.Context) {
	if s.config.Rates.Allow(ratelimit.Error, ratelimit.Caller{Address: limitedCaller(ctx, "").Address}) == nil {
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
