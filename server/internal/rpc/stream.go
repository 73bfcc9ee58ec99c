package rpc

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
)

// stream is one client's stream, whatever method it came by. Its loop is the
// only one that sends.
type stream struct {
	server *Server
	feed   *chat.Feed
	send   func(*chatv1.Frame) error
	// requests reads what the client sends until it half-closes. It is nil for
	// methods with a single request. Its error ends the stream.
	requests func(ctx context.Context, answer func(*chatv1.Frame)) error
}

// serve runs the stream until the client goes, the server ends it, or it fails.
func (s *stream) serve(ctx context.Context, conn connect.StreamingHandlerConn) error {
	defer s.feed.Close()
	if err := s.server.opened(); err != nil {
		return err
	}
	defer s.server.closed()
	// Proxies that buffer would deliver nothing until the stream ends.
	conn.ResponseHeader().Set("X-Accel-Buffering", "no")

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan *chatv1.Frame, 16)
	ended := make(chan error, 1)
	if s.requests != nil {
		var reading sync.WaitGroup
		defer reading.Wait()
		defer interruptReads(ctx)
		defer cancel()
		reading.Go(func() {
			ended <- s.requests(ctx, func(f *chatv1.Frame) {
				select {
				case answers <- f:
				case <-ctx.Done():
				}
			})
		})
	}
	return s.loop(ctx, answers, ended)
}

// loop sends what there is to send. Every way out of a stream is one of its
// cases.
func (s *stream) loop(ctx context.Context, answers <-chan *chatv1.Frame, ended <-chan error) error {
	var items [64]chat.Item
	draining := s.server.draining
	silence := time.NewTimer(s.server.config.Heartbeat)
	defer silence.Stop()
	joined := false
	for {
		var err error
		select {
		case <-s.feed.Ready():
			var n int
			n, err = s.feed.Next(ctx, items[:])
			if n == 0 && err == nil {
				continue
			}
			joined = true
			err = errors.Join(s.deliver(ctx, items[:n]), err)
			clear(items[:n])
		case answer := <-answers:
			err = s.write(ctx, answer)
		case <-silence.C:
			if !joined {
				return errNeverJoined
			}
			err = s.write(ctx, heartbeatFrame())
		case <-draining:
			draining = nil
			err = s.write(ctx, drainingFrame(rand.N(s.server.config.Drain/2+1)))
		case err = <-ended:
			if err == nil {
				ended = nil // the client has no more to say, and listens on
				continue
			}
			for len(answers) > 0 {
				err = errors.Join(err, s.write(ctx, <-answers))
			}
		case <-s.server.closing:
			return errGoingAway
		case <-ctx.Done():
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		silence.Reset(s.server.config.Heartbeat)
	}
}

// deliver sends the items of a feed, under one write deadline.
func (s *stream) deliver(ctx context.Context, items []chat.Item) error {
	defer limitWrites(ctx, s.server.config.WriteTimeout)()
	for _, item := range items {
		if err := s.send(toFrame(item, s.feed.Member(), s.server.config.Heartbeat)); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) write(ctx context.Context, f *chatv1.Frame) error {
	defer limitWrites(ctx, s.server.config.WriteTimeout)()
	return s.send(f)
}

// receive gives the client's requests to handle, one after the other, until it
// half-closes. A request that can't be decoded or breaks a rule is given with
// its error. The first error of handle ends it.
func receive[Req any](conn connect.StreamingHandlerConn, handle func(*Req, *connect.Error) error) error {
	for {
		request := new(Req)
		err := conn.Receive(request)
		if errors.Is(err, io.EOF) {
			return nil
		}
		refusal, isRefused := refused(err)
		if err != nil && !isRefused {
			return err
		}
		if err := handle(request, refusal); err != nil {
			return err
		}
	}
}
