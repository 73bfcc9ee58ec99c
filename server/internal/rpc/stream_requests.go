package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect"
)

// converse reads what the client of a stream with requests sends, in the handler,
// until the client half-closes or the stream ends. A client that half-closes still
// receives.
func (s *stream) converse(requests func() error) {
	if err := requests(); err != nil {
		s.answers.add(s.ctx, answered(nil, err))
		s.wake(false)
	}
}

// bounded calls a function that waits for the client's first request, for at most the
// heartbeat interval and until the server is closed.
func (s *Server) bounded(ctx context.Context, wait func() error) error {
	control := http.NewResponseController(responseOf(ctx).ResponseWriter)
	interrupt := func() { _ = control.SetReadDeadline(time.Unix(1, 0)) }
	_ = control.SetReadDeadline(time.Now().Add(s.config.Heartbeat))
	stop := context.AfterFunc(s.serving, interrupt)
	err := wait()
	switch {
	case !stop():
		return errGoingAway
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errNeverJoined
	}
	_ = control.SetReadDeadline(time.Time{})
	return err
}

// receive calls handle for each request of the client, until the client half-closes or
// handle returns an error. For a request that can't be decoded or breaks a rule, handle
// is called with the error.
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
