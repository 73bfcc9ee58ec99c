package kit

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "chatroom/gen/chat/v1"
)

// stream is a Subscribe or a Chat of the client. The monitor guards all but the first
// group.
type stream struct {
	number int // from 0
	id     string
	conn   *conn
	opened time.Time

	token   string // of the request, or of the renewal
	starts  []*chatv1.Subscription
	rooms   map[string]bool // joined
	queue   []*chatv1.Frame // to be sent
	sending bool
	muted   bool // no heartbeats
	deaf    bool // it no longer receives what is published
	ending  bool // the server ends it when the queue is sent
	err     error
	ended   time.Time // zero while it is open
}

func (st *stream) open() bool { return st.ended.IsZero() }

// live reports whether the stream receives what is published in a room.
func (st *stream) live(room string) bool {
	return st.open() && !st.ending && !st.deaf && st.rooms[room]
}

// pump sends what is queued, and heartbeats, until the stream ends.
func (s *server) pump(ctx context.Context, st *stream, send func(*chatv1.Frame) error) error {
	defer s.do(func() { st.ended, st.sending = time.Now(), false })
	heartbeat := time.NewTicker(s.heartbeat)
	defer heartbeat.Stop()
	for {
		s.mu.Lock()
		frames, ending, err, changed := st.queue, st.ending, st.err, s.changed
		muted := st.muted
		st.queue, st.sending = nil, len(frames) > 0
		s.mu.Unlock()
		for _, f := range frames {
			if err := send(f); err != nil {
				return err
			}
		}
		if len(frames) > 0 {
			s.do(func() { st.sending = false })
			continue
		}
		if ending {
			return err
		}
		select {
		case <-changed:
		case <-heartbeat.C:
			if muted {
				continue
			}
			if err := send(s.heartbeatFrame()); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *server) heartbeatFrame() *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Heartbeat{Heartbeat: &chatv1.Heartbeat{Time: timestamppb.New(s.now())}}}
}

// flushed waits until all that is queued on a stream is sent, or the stream has ended.
func (s *server) flushed(ctx context.Context, st *stream) {
	s.wait(ctx, patience, func() bool { return !st.open() || len(st.queue) == 0 && !st.sending })
}

// push queues frames on a stream.
func (s *server) push(st *stream, frames ...*chatv1.Frame) {
	s.do(func() { st.queue = append(st.queue, frames...) })
}

// end ends a stream after what is queued, with an error or without.
func (s *server) end(st *stream, err error) {
	s.do(func() { st.ending, st.err = true, err })
}

// cut closes the connection of a stream after what is queued.
func (s *server) cut(ctx context.Context, st *stream) {
	s.flushed(ctx, st)
	_ = st.conn.Close()
	s.wait(ctx, patience, func() bool { return !st.open() })
}
