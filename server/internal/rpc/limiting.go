package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
)

const (
	// fullRetry is when to try again to get one of what is held at the same time.
	fullRetry = 5 * time.Second
	// maxRefusalPause is how long the next request of a Chat stream is not read after
	// one that came too often. It makes refusals cheap: a client that does not wait
	// gets ten a second.
	maxRefusalPause = 100 * time.Millisecond
	// reflectionTimeout is how long a stream of reflection may last. Its clients ask a
	// few questions at once.
	reflectionTimeout = time.Minute
)

// clientAddress returns the address of the client, the zero Addr if it has none.
func clientAddress(ctx context.Context) netip.Addr {
	if r, ok := ctx.Value(responseKey{}).(*response); ok {
		return r.address
	}
	return netip.Addr{}
}

// gate is the connect.RequestGateFunc of all methods: it identifies the caller, and logs
// one that is refused.
func (s *Server) gate(ctx context.Context, spec connect.Spec, peer connect.Peer, header http.Header) (context.Context, error) {
	identified, err := s.identify(ctx, spec, peer, header)
	if err != nil {
		reason := refusedCredential
		if connect.CodeOf(err) == connect.CodeUnavailable {
			reason = refusedIssuer
		}
		s.counts.refused.Add(reason)
		s.peers.Warn(ctx, "a caller was refused", "peer", clientAddress(ctx), "procedure", spec.Procedure, "reason", err)
		s.delayError(ctx)
	}
	return identified, err
}

// limitUnary is the interceptor that charges unary calls. It runs after the one that
// validates: what it keeps of a request is bounded.
func (s *Server) limitUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		message := req.Any()
		if r, ok := message.(anyUnaryRequest); ok {
			message = r.content()
		}
		if err := s.limit(ctx, message); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// limit charges a unary call.
func (s *Server) limit(ctx context.Context, message any) error {
	switch m := message.(type) {
	case *chatv1.SendRequest, *chatv1.SendBatchRequest:
		return nil // begin charges each send
	case *chatv1.SetRoomRequest:
		if err := s.charge(ctx, ratelimit.SetRoom, 1, m.GetRoom()); err != nil {
			return err
		}
		return s.limitCreation(ctx, m.GetRoom())
	}
	kind, room, found := limitOf(message)
	if !found {
		return fmt.Errorf("rpc: no limit is set for %T", message)
	}
	return s.charge(ctx, kind, 1, room)
}

// limitOf returns what a unary call counts as, and the room whose limit it counts for, if it
// is not a send or SetRoom.
func limitOf(message any) (kind ratelimit.Kind, room string, found bool) {
	switch m := message.(type) {
	case *chatv1.ListEventsRequest:
		return ratelimit.History, m.GetRoom(), true
	case *chatv1.SignInRequest, *chatv1.RenewStreamRequest, *chatv1.SignOutRequest:
		return ratelimit.SignIn, "", true
	case *chatv1.ListRoomsRequest, *chatv1.ListMembersRequest,
		*chatv1.ListDenialsRequest, *chatv1.ListAuditRequest, *chatv1.ExplainRequest:
		return ratelimit.List, "", true
	case *chatv1.MuteRequest, *chatv1.UnmuteRequest, *chatv1.KickRequest, *chatv1.BanRequest, *chatv1.UnbanRequest:
		return ratelimit.Moderate, m.(interface{ GetRoom() string }).GetRoom(), true
	case *chatv1.RevokeTokensRequest:
		return ratelimit.Moderate, "", true
	}
	return 0, "", false
}

// limitSend charges a send, by whichever method it comes.
func (s *Server) limitSend(ctx context.Context, r *chatv1.SendRequest) error {
	kind := sendKind(r)
	if err := s.charge(ctx, kind, 1, r.GetRoom()); err != nil {
		return err
	}
	if kind == ratelimit.Delete || kind == ratelimit.React {
		return nil // only in a room that has their target
	}
	return s.limitCreation(ctx, r.GetRoom())
}

func sendKind(r *chatv1.SendRequest) ratelimit.Kind {
	switch r.GetBody().(type) {
	case *chatv1.SendRequest_Deletion:
		return ratelimit.Delete
	case *chatv1.SendRequest_Reaction:
		return ratelimit.React
	case *chatv1.SendRequest_Typing:
		return ratelimit.Typing
	default:
		return ratelimit.Send
	}
}

// limitJoin charges joins that happen together: the member and the address for all of
// them, and each room for its own.
func (s *Server) limitJoin(ctx context.Context, starts []hub.Start) error {
	rooms := make([]string, len(starts))
	for i, start := range starts {
		rooms[i] = start.Room
	}
	if refusal := s.config.Rates.AllowRooms(ratelimit.Join, limitedCaller(ctx, ""), rooms); refusal != nil {
		return s.refusedCall(ctx, refusal)
	}
	return s.limitCreation(ctx, rooms...)
}

// limitCreation charges for those of the rooms that do not exist yet.
func (s *Server) limitCreation(ctx context.Context, rooms ...string) error {
	most := s.config.Counts[ratelimit.RoomsInTotal]
	if s.config.Rates == nil && most == 0 {
		return nil
	}
	missing := 0
	for _, room := range rooms {
		exists, err := s.config.Hub.Listed(ctx, room)
		if err != nil {
			return err
		}
		if !exists && chat.CheckRoom(room) == nil {
			missing++
		}
	}
	if missing == 0 {
		return nil
	}
	if most > 0 {
		n, err := s.config.Hub.Directory().Len(ctx)
		if err != nil {
			return err
		}
		if n+missing > most {
			return s.refusedCall(ctx, &ratelimit.FullError{Limit: ratelimit.RoomsInTotal.String(), Bound: most})
		}
	}
	return s.charge(ctx, ratelimit.CreateRoom, missing, "")
}

// limitedCaller returns whom limits count a request for.
func limitedCaller(ctx context.Context, room string) ratelimit.Caller {
	c := identified(ctx)
	limited := ratelimit.Caller{Member: c.Member.ID, Address: clientAddress(ctx), Room: room, Rates: c.Rates}
	if c.Kind == policy.Key {
		limited.Address = netip.Addr{}
	}
	return limited
}

// limitReflection counts streams of reflection with the others, and bounds how long they
// last. Close ends them.
func (s *Server) limitReflection(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		giveBack, err := s.streamSlots.Acquire(ratelimit.Network(s.config.Proxies.Of(r)))
		if err != nil {
			s.refuseStream(w, r, err)
			return
		}
		defer giveBack()
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(reflectionTimeout))
		interrupt := context.AfterFunc(s.serving, func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })
		defer func() {
			if interrupt() {
				_ = control.SetReadDeadline(time.Time{}) // of HTTP/1.1 it is the connection's
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// refuseStream answers a stream for which there is no slot, outside of connect.
func (s *Server) refuseStream(w http.ResponseWriter, r *http.Request, err error) {
	s.countRefusal(err)
	s.peers.Warn(r.Context(), "a call was refused by a limit", "peer", s.config.Proxies.Of(r), "member", "", "reason", err)
	refusal, _ := limitError(err)
	refuse(w, r, refusal)
}

// charge lets n requests of the caller pass, or returns the limit that refuses them.
func (s *Server) charge(ctx context.Context, kind ratelimit.Kind, n int, room string) error {
	if s.config.Rates == nil {
		return nil
	}
	if refusal := s.config.Rates.AllowN(kind, n, limitedCaller(ctx, room)); refusal != nil {
		return s.refusedCall(ctx, refusal)
	}
	return nil
}

// refusedCall logs that a limit refuses a call, and returns its error.
func (s *Server) refusedCall(ctx context.Context, err error) error {
	s.countRefusal(err)
	s.peers.Warn(ctx, "a call was refused by a limit", "peer", clientAddress(ctx), "member", caller(ctx).ID, "reason", err)
	return err
}

// limitError returns the error of a limit, if err is one.
func limitError(err error) (*connect.Error, bool) {
	var limit, message string
	var after time.Duration
	var refusal *ratelimit.Refusal
	var full *ratelimit.FullError
	switch {
	case errors.As(err, &refusal):
		limit, after = refusal.Limit(), refusal.RetryAfter
		message = fmt.Sprintf("too many requests: the limit %s is %s: try again in %s", limit, refusal.Rate, after)
	case errors.As(err, &full):
		limit, after = full.Limit, fullRetry
		message = fmt.Sprintf("too much at the same time: the limit %s is %d", limit, full.Bound)
	default:
		return nil, false
	}
	return newError(connect.CodeResourceExhausted, message,
		violations("", ratelimit.RuleName(limit), message),
		&errdetails.RetryInfo{RetryDelay: durationpb.New(after)}), true
}

// refusalPause returns how long to wait before the next request of a stream is read.
func refusalPause(err error) time.Duration {
	if refusal, ok := errors.AsType[*ratelimit.Refusal](err); ok {
		return min(refusal.RetryAfter, maxRefusalPause)
	}
	return 0
}

// pause waits for d, or until the stream or its handler ends.
func (s *stream) pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
	case <-s.server.serving.Done():
	}
}
