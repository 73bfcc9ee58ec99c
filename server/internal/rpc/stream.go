package rpc

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
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
	frame  func(*chatv1.Frame) error      // sends a frame that is this stream's alone
	event  func(*chat.Event) error        // sends what other streams are sent, too
	rooms  func(*chat.RoomsChanged) error // as event; nil where the list of rooms can't be watched
	// requests reads what the client sends until it half-closes, and adds to
	// answers. It is nil for methods with a single request. Its error ends the
	// stream.
	requests func(ctx context.Context) error

	told    atomic.Uint32 // notices that the loop has not seen to
	out     *response
	answers answers
	silence *time.Timer // tells of silence
	joined  bool        // the feed has given something
}

// notice is something that a stream's loop has to see to.
type notice uint32

const (
	noticeSilence notice = 1 << iota // nothing may have been sent for the heartbeat interval
	noticeDrain                      // the client should go elsewhere
	noticeClose                      // the stream must end
	noticeGone                       // the context has ended
)

func (s *stream) tell(n notice) {
	s.told.Or(uint32(n))
	s.feed.Wake()
}

// serve runs the stream until the client goes, the server ends it, or it fails.
func (s *stream) serve(ctx context.Context, conn connect.StreamingHandlerConn) error {
	defer s.feed.Close()
	s.out = responseOf(ctx)
	if err := s.server.opened(s); err != nil {
		return err
	}
	defer s.server.closed(s)
	// Proxies that buffer would deliver nothing until the stream ends.
	conn.ResponseHeader().Set("X-Accel-Buffering", "no")

	if s.requests == nil {
		return s.loop(ctx)
	}
	return s.converse(ctx)
}

// converse reads what the client sends while the loop runs.
func (s *stream) converse(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	s.answers.queue = make(chan answer, maxUnanswered)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer s.out.interruptReads()
	defer cancel()
	reading.Go(func() {
		// A client without anything more to say listens on.
		if err := s.requests(ctx); err != nil {
			s.answers.add(ctx, answered(nil, err))
		}
	})
	return s.loop(ctx)
}

// loop sends what there is to send until see says that the stream ends.
//
// A stream without requests waits for its feed alone: with seven channels, for the
// timer, the context and what the server has to tell, the select took a sixth of
// what a delivery costs. The frames below a stream that waits are few and small for
// the same reason: up to some 3 KB, the stack of 16 KiB that joining takes is
// halved again.
func (s *stream) loop(ctx context.Context) error {
	s.out.flushed = time.Now()
	defer context.AfterFunc(ctx, func() { s.tell(noticeGone) })()
	s.silence = time.AfterFunc(s.server.config.Heartbeat, func() { s.tell(noticeSilence) })
	defer s.silence.Stop()
	for {
		if s.requests == nil {
			<-s.feed.Ready()
		} else if s.await() {
			if err := s.send(ctx, nil); err != nil {
				return err
			}
			continue
		}
		if err := s.see(ctx, notice(s.told.Swap(0))); err != nil {
			return err
		}
	}
}

// see sees to what the feed has and what notices ask for. Every way out of a stream
// is an error of it, or of send.
func (s *stream) see(ctx context.Context, told notice) error {
	switch {
	case told&noticeGone != 0:
		return ctx.Err()
	case told&noticeClose != 0:
		return errGoingAway
	}
	n, err := s.deliver(ctx, told)
	s.joined = s.joined || n > 0
	switch {
	case err != nil:
		return err
	case told&noticeSilence != 0 && !s.joined:
		return errNeverJoined
	case told&noticeSilence != 0:
		s.silence.Reset(time.Until(s.out.flushed.Add(s.server.config.Heartbeat)))
	}
	return nil
}

// await waits until the feed is ready, or there is something to do about answers.
func (s *stream) await() (answer bool) {
	next, done := s.answers.next()
	select {
	case <-s.feed.Ready():
		return false
	case first := <-next:
		s.answers.first = &first
	case <-done:
	}
	return true
}

// itemBuffers are for what a stream takes from its feed at once. An idle one has
// none.
var itemBuffers = sync.Pool{New: func() any { return new([64]chat.Item) }}

// deliver sends what the feed has and what notices ask for. It returns how many
// items that were.
func (s *stream) deliver(ctx context.Context, told notice) (int, error) {
	items := itemBuffers.Get().(*[64]chat.Item)
	n, err := s.feed.Next(ctx, items[:])
	if n > 0 || told != 0 {
		err = errors.Join(s.send(ctx, items[:n], s.frames(told, n)...), err)
	}
	clear(items[:n])
	itemBuffers.Put(items)
	return n, err
}

// frames returns those that notices ask for, beside n items of the feed.
func (s *stream) frames(told notice, n int) (frames []*chatv1.Frame) {
	if told&noticeDrain != 0 {
		frames = append(frames, drainingFrame(rand.N(s.server.config.Drain/2+1)))
	}
	if told&noticeSilence != 0 && n == 0 && frames == nil && time.Since(s.out.flushed) >= s.server.config.Heartbeat {
		frames = append(frames, heartbeatFrame())
	}
	return frames
}

// send sends frames, then the items of a feed and the answers that are ready, all
// in one flush.
func (s *stream) send(ctx context.Context, items []chat.Item, frames ...*chatv1.Frame) error {
	s.out.begin(s.server.config.WriteTimeout)
	err := s.write(ctx, items, frames)
	// Also after an error: what was written before it counts.
	return errors.Join(err, s.out.end())
}

func (s *stream) write(ctx context.Context, items []chat.Item, frames []*chatv1.Frame) error {
	for _, f := range frames {
		if err := s.frame(f); err != nil {
			return err
		}
	}
	for _, item := range items {
		var err error
		switch item := item.(type) {
		case *chat.Event:
			err = s.event(item)
		case *chat.RoomsChanged:
			err = s.rooms(item)
		default:
			err = s.frame(toFrame(item, s.feed.Member(), s.server.config.Heartbeat))
		}
		if err != nil {
			return err
		}
	}
	for s.answers.ready() {
		f, err := s.answers.take(ctx)
		if f != nil {
			err = errors.Join(s.frame(f), err)
		}
		if err != nil {
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
