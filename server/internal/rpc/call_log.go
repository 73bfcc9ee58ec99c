package rpc

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat/hub"
)

// slowCall is how long a unary call may take before it is logged. Of calls that wait for
// events, the wait does not count.
const slowCall = time.Second

// logCall logs a unary call that has ended, if it was slow, or for debugging. err is nil for
// success.
func (s *Server) logCall(ctx context.Context, req connect.AnyRequest, took time.Duration, err *connect.Error) {
	message := req.Any()
	if r, ok := message.(anyUnaryRequest); ok {
		message = r.content()
	}
	waits := time.Duration(0)
	if list, ok := message.(*chatv1.ListEventsRequest); ok {
		waits = list.GetWait().AsDuration()
	}
	slow, debug := took-waits > slowCall, s.config.Log.Enabled(ctx, slog.LevelDebug)
	if !slow && !debug {
		return
	}
	code := "ok"
	if err != nil {
		code = err.Code().String()
	}
	args := []any{"peer", clientAddress(ctx), "member", caller(ctx).ID, "method", strings.TrimPrefix(req.Spec().Procedure, "/"), "code", code, "took", took}
	if in, ok := message.(interface{ GetRoom() string }); ok {
		args = append(args, "room", in.GetRoom())
	}
	if slow {
		s.peers.Warn(ctx, "a call was slow", args...)
		return
	}
	s.config.Log.DebugContext(ctx, "a call has ended", args...)
}

// logRooms logs for debugging that a stream joins rooms or leaves one.
func (s *stream) logRooms(ctx context.Context, message string, rooms ...hub.Start) {
	log := s.server.config.Log
	if !log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	for _, room := range rooms {
		log.DebugContext(ctx, message, "peer", s.address, "member", s.feed.Member().ID, "room", room.Room)
	}
}
