package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
)

var (
	errSilent = errors.New("client: nothing was received for twice the heartbeat interval")
	errEnded  = errors.New("client: the server ended the stream")
)

// link is one stream: a call of Chat or Subscribe. Its session receives frames from it;
// the answers to sends go to those who sent.
type link struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	bidi   bool
	conn   usedConn
	group  sync.WaitGroup

	frames chan *chatv1.Frame // closed at the end, once err is set
	err    error

	requests chan *linkRequest // to Chat
	sending  chan struct{}     // has an element if a send was written since it was looked
	behind   atomic.Bool       // the session can't take frames: answers would be late

	mu       sync.Mutex // guards below
	inFlight []*linkRequest
	broken   bool
}

// linkRequest is a request on Chat. Sends have a reply.
type linkRequest struct {
	message *chatv1.ChatRequest
	reply   chan linkReply // has room for the one reply
}

type linkReply struct {
	receipt Receipt
	err     error
}

func newLink(ctx context.Context, bidi bool) *link {
	l := &link{
		bidi:     bidi,
		frames:   make(chan *chatv1.Frame),
		requests: make(chan *linkRequest),
		sending:  make(chan struct{}, 1),
	}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	return l
}

// subscribe begins a call of Subscribe.
func (l *link) subscribe(c *Client, token string, request *chatv1.SubscribeRequest) {
	l.group.Go(func() {
		stream, err := c.rpc.Subscribe(l.conn.trace(withToken(l.ctx, token)), request)
		if err != nil {
			l.ending(err)
			return
		}
		l.receive(func() (*chatv1.Frame, error) {
			if !stream.Receive() {
				return nil, cmp.Or(stream.Err(), io.EOF)
			}
			return stream.Msg().GetFrame(), nil
		})
		l.cancel(nil) // Close waits for the end of a stream that is still open
		_ = stream.Close()
	})
}

// chat begins a call of Chat.
func (l *link) chat(c *Client, token string) {
	l.group.Go(func() {
		stream, err := c.rpc.Chat(l.conn.trace(withToken(l.ctx, token)))
		if err != nil {
			l.ending(err)
			return
		}
		// net/http notices the end of a context only once the request has ended.
		defer context.AfterFunc(l.ctx, func() { _ = stream.CloseRequest() })()
		l.group.Go(func() { l.write(stream) })
		l.receive(func() (*chatv1.Frame, error) {
			response, err := stream.Receive()
			return response.GetFrame(), err
		})
		l.cancel(nil)
		_ = stream.CloseRequest()
		_ = stream.CloseResponse()
	})
}

// close ends the call, and waits until nothing of it is left.
func (l *link) close() {
	l.cancel(nil)
	l.group.Wait()
}

// ending notes why the link has ended.
func (l *link) ending(err error) {
	switch {
	case context.Cause(l.ctx) != nil:
		err = context.Cause(l.ctx)
	case err == nil, errors.Is(err, io.EOF):
		err = errEnded
	}
	l.err = err
	l.mu.Lock()
	inFlight := l.inFlight
	l.inFlight, l.broken = nil, true
	l.mu.Unlock()
	for _, r := range inFlight {
		r.reply <- linkReply{err: fmt.Errorf("the stream ended before the answer: %w", notWire(err))}
	}
	l.cancel(err)
	close(l.frames)
}

// notWire hides the code with which a stream has ended: it is not that of a send.
func notWire(err error) error { return errors.New(err.Error()) }

// receive passes frames on, until the call ends.
func (l *link) receive(next func() (*chatv1.Frame, error)) {
	for {
		frame, err := next()
		if err == nil {
			err = l.answered(frame)
		}
		if err != nil || context.Cause(l.ctx) != nil {
			l.ending(err)
			return
		}
		select {
		case l.frames <- frame:
		case <-l.ctx.Done():
			l.ending(nil)
			return
		}
	}
}

// answered gives the answer to a send to the one who sent. Answers come in the order of
// the sends.
func (l *link) answered(frame *chatv1.Frame) error {
	var id, room string
	var reply linkReply
	switch kind := frame.GetKind().(type) {
	case *chatv1.Frame_Accepted:
		a := kind.Accepted
		id, room = a.GetId(), a.GetRoom()
		reply.receipt = Receipt{
			Cursor: Cursor{Epoch: a.GetEpoch(), Sequence: a.GetSequence()}, ID: id, Time: a.GetTime().AsTime(), Duplicate: a.GetDuplicate(),
		}
	case *chatv1.Frame_Rejected:
		if id, room = kind.Rejected.GetId(), kind.Rejected.GetRoom(); id == "" {
			return nil // of another request
		}
		reply.err = rejection(kind.Rejected)
	default:
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.inFlight) == 0 {
		return fmt.Errorf("client: the server answered %q, and nothing is unanswered", id)
	}
	first := l.inFlight[0]
	if send := first.message.GetSend(); send.GetId() != id || send.GetRoom() != room {
		return fmt.Errorf("client: the server answered %q in %q, before %q in %q", id, room, send.GetId(), send.GetRoom())
	}
	l.inFlight = slices.Delete(l.inFlight, 0, 1)
	first.reply <- reply
	return nil
}

// rejection returns the error that a unary call would get.
func rejection(r *chatv1.Rejected) error {
	err := connect.NewWireError(connect.Code(r.GetCode()), errors.New(r.GetMessage()))
	for _, d := range r.GetDetails() {
		if detail, detailErr := connect.NewErrorDetail(d); detailErr == nil {
			err.AddDetail(detail)
		}
	}
	return err
}

// write writes requests in their order, until the link ends.
func (l *link) write(stream *connect.BidiStreamForClientSimple[chatv1.ChatRequest, chatv1.ChatResponse]) {
	for {
		select {
		case r := <-l.requests:
			if !l.register(r) || stream.Send(r.message) != nil {
				return // the receiving side has the reason
			}
		case <-l.ctx.Done():
			return
		}
	}
}

// register notes that a request is about to be written. It returns false if the link has
// ended.
func (l *link) register(r *linkRequest) bool {
	if r.reply == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		r.reply <- linkReply{err: errEnded}
		return false
	}
	l.inFlight = append(l.inFlight, r)
	select {
	case l.sending <- struct{}{}:
	default:
	}
	return true
}

// waiting reports whether sends wait for their answers.
func (l *link) waiting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.inFlight) > 0
}

// send sends an event, and waits for its answer.
func (l *link) send(ctx context.Context, request *chatv1.SendRequest) (Receipt, error) {
	r := &linkRequest{
		message: &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: request}},
		reply:   make(chan linkReply, 1),
	}
	select {
	case l.requests <- r:
	case <-l.ctx.Done():
		return Receipt{}, errEnded
	case <-ctx.Done():
		return Receipt{}, context.Cause(ctx)
	}
	select {
	case reply := <-r.reply:
		return reply.receipt, reply.err
	case <-ctx.Done():
		return Receipt{}, context.Cause(ctx)
	}
}

// newStoppedTimer returns a timer that is to be reset.
func newStoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}
