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
	frame  func(*chatv1.Frame) error // sends a frame that is this stream's alone
	event  func(*chat.Event) error   // sends what other streams are sent, too
	// requests reads what the client sends until it half-closes. It is nil for
	// methods with a single request. Its error ends the stream.
	requests func(ctx context.Context, answer func(*chatv1.Frame)) error

	notices chan notice // with room for one of each
	out     *response
	sent    time.Time // when something was last sent; the loop's
}

// notice is something that a stream's loop has to see to.
type notice int

const (
	noticeSilence notice = iota // nothing may have been sent for the heartbeat interval
	noticeDrain                 // the client should go elsewhere
	noticeClose                 // the stream must end
	noticeCount
)

// tell never blocks: a notice is told again only after it was taken.
func (s *stream) tell(n notice) {
	select {
	case s.notices <- n:
	default:
	}
}

// serve runs the stream until the client goes, the server ends it, or it fails.
func (s *stream) serve(ctx context.Context, conn connect.StreamingHandlerConn) error {
	defer s.feed.Close()
	s.notices = make(chan notice, noticeCount)
	s.out = responseOf(ctx)
	if err := s.server.opened(s); err != nil {
		return err
	}
	defer s.server.closed(s)
	// Proxies that buffer would deliver nothing until the stream ends.
	conn.ResponseHeader().Set("X-Accel-Buffering", "no")

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var answers chan *chatv1.Frame
	var ended chan error
	if s.requests != nil {
		answers, ended = make(chan *chatv1.Frame, 16), make(chan error, 1)
		var reading sync.WaitGroup
		defer reading.Wait()
		defer s.out.interruptReads()
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
// cases. They are few, and none of the channels is shared with other streams: with
// four more cases, for a timer and for channels of the server, the select alone
// took a sixth of what a delivery costs.
func (s *stream) loop(ctx context.Context, answers <-chan *chatv1.Frame, ended <-chan error) error {
	var items [64]chat.Item
	s.sent = time.Now()
	silence := time.AfterFunc(s.server.config.Heartbeat, func() { s.tell(noticeSilence) })
	defer silence.Stop()
	joined := false
	for {
		var err error
		select {
		case <-s.feed.Ready():
			var n int
			if n, err = s.feed.Next(ctx, items[:]); n > 0 {
				joined = true
				err = errors.Join(s.send(items[:n], answers), err)
				clear(items[:n])
			}
		case answer := <-answers:
			err = s.send(nil, answers, answer)
		case n := <-s.notices:
			switch n {
			case noticeSilence:
				if time.Since(s.sent) >= s.server.config.Heartbeat {
					if !joined {
						return errNeverJoined
					}
					err = s.send(nil, answers, heartbeatFrame())
				}
				silence.Reset(time.Until(s.sent.Add(s.server.config.Heartbeat)))
			case noticeDrain:
				err = s.send(nil, answers, drainingFrame(rand.N(s.server.config.Drain/2+1)))
			case noticeClose:
				return errGoingAway
			}
		case err = <-ended:
			if err == nil {
				ended = nil // the client has no more to say, and listens on
				continue
			}
			err = errors.Join(err, s.send(nil, answers))
		case <-ctx.Done():
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// send sends frames, then the items of a feed and the answers that are waiting,
// all in one flush.
func (s *stream) send(items []chat.Item, answers <-chan *chatv1.Frame, frames ...*chatv1.Frame) error {
	s.out.begin()
	err := s.write(items, answers, frames)
	// Also after an error: what was written before it counts.
	err = errors.Join(err, s.out.end(s.server.config.WriteTimeout))
	s.sent = time.Now()
	return err
}

func (s *stream) write(items []chat.Item, answers <-chan *chatv1.Frame, frames []*chatv1.Frame) error {
	for _, f := range frames {
		if err := s.frame(f); err != nil {
			return err
		}
	}
	for _, item := range items {
		var err error
		if e, ok := item.(*chat.Event); ok {
			err = s.event(e)
		} else {
			err = s.frame(toFrame(item, s.feed.Member(), s.server.config.Heartbeat))
		}
		if err != nil {
			return err
		}
	}
	for len(answers) > 0 {
		if err := s.frame(<-answers); err != nil {
			return err
		}
	}
	return nil
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
