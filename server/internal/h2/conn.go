package h2

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"chatroom/server/internal/outbound"
)

const (
	// protocolWindow is the window of a stream or connection before SETTINGS and
	// WINDOW_UPDATE say otherwise.
	protocolWindow = 64<<10 - 1
	maxWindow      = 1<<31 - 1
	maxStreamID    = 1<<31 - 1

	// graceTimeout is how long the client has to answer the first GOAWAY of a
	// graceful end, and to close the connection after the second.
	graceTimeout = time.Second
	// lingerTimeout is how long a connection that ends with an error stays open, so
	// that the peer can read the GOAWAY.
	lingerTimeout = 200 * time.Millisecond
)

// conn is one connection. The goroutine that serves it reads frames; all others
// touch only what mu guards.
type conn struct {
	mu outbound.Mutex // guards the fields up to srv

	// What each delivery touches.
	out          outbound.Writer
	err          error       // why the connection ended; no frames are handled or written any more
	window       int64       // how many bytes of DATA the peer accepts
	peerMaxFrame int         // the largest payload that the peer accepts
	queue        streamQueue // streams that wait for room
	servingQueue bool        // serveQueueLocked is running
	headersSent  bool        // a header block was appended
	ended        bool        // no frames are handled any more; the connection is about to be closed
	finishing    bool        // it is closed, in good order, once all is written
	hungUp       bool        // all is written
	buckets      [rateBudgets]bucket
	// The rest of what mu guards.
	settled  bool // the peer's SETTINGS have come
	timer    *time.Timer
	streams  map[uint32]*Stream
	handlers int
	lastID   uint32 // of the streams that the peer opened
	// resets holds streams that the server reset while the peer could still send: it is
	// no fault of the peer's if frames for them arrive.
	resets     []uint32
	goAway     goAwayState
	idleSince  int64
	pingSent   int64 // 0 unless a PING waits for its answer
	graceSince int64 // when the first GOAWAY was sent
	peerWindow int64 // of a new stream
	recvWindow int64 // how many bytes of DATA the peer may send
	recvCredit int64 // consumed, and not yet returned to the peer
	unsent     int   // bytes that handlers hold until the peer opens its windows

	srv     *Server
	nc      net.Conn
	handler http.Handler
	tls     *tls.ConnectionState
	peer    string
	ctx     context.Context // of requests
	cancel  context.CancelFunc
	done    chan struct{}  // closed by the server when the connection is gone
	wg      sync.WaitGroup // handlers, and the goroutine that writes what the socket did not take

	// For the goroutine that reads.
	prefaceRead bool // the client's preface was read
	in          input
	framer      *http2.Framer
	decoder     *hpack.Decoder // nil before the first request
	block       *headerBlock   // between HEADERS and its last CONTINUATION
}

type goAwayState uint8

const (
	goAwayNone  goAwayState = iota
	goAwayFirst             // sent; new streams are still accepted
	goAwayFinal             // sent; new streams are ignored, and the connection closes with the last
)

func newConn(s *Server, nc net.Conn, state *tls.ConnectionState, h http.Handler) *conn {
	c := &conn{
		srv:          s,
		nc:           nc,
		handler:      h,
		tls:          state,
		peer:         nc.RemoteAddr().String(),
		done:         make(chan struct{}),
		window:       protocolWindow,
		peerWindow:   protocolWindow,
		peerMaxFrame: defaultFrameSize,
		recvWindow:   int64(s.connWindow()),
	}
	if h == nil {
		c.handler = s.Handler
	}
	c.out.Init(&c.mu, outbound.Config{Conn: nc, Owner: c, Limit: s.queuedBytes(), Timeout: s.writeTimeout(), Running: &c.wg, Waited: &s.stats.waited})
	c.in = input{nc: nc, socket: newSocketReader(nc), born: time.Now(), wait: c.flush}
	c.framer = http2.NewFramer(io.Discard, &c.in)
	c.framer.SetMaxReadFrameSize(s.frameSize())
	ctx := context.Background()
	if s.BaseContext != nil {
		ctx = s.BaseContext(nc)
	}
	if s.HTTP != nil {
		ctx = context.WithValue(ctx, http.ServerContextKey, s.HTTP)
	}
	c.ctx, c.cancel = context.WithCancel(context.WithValue(ctx, http.LocalAddrContextKey, nc.LocalAddr()))
	return c
}

// clock returns nanoseconds since the connection began, never 0.
func (c *conn) clock() int64 { return int64(time.Since(c.in.born)) + 1 }

// serve handles the connection until it is closed.
func (c *conn) serve() error {
	err := c.readAll()
	c.end(err)
	c.in.release()
	c.cancel()
	c.wg.Wait()
	c.mu.Lock()
	err = c.err
	c.mu.Unlock()
	c.log(err)
	if e := new(ConnError); errors.As(err, &e) && e.Code == http2.ErrCodeNo && e.Err == nil {
		return nil
	}
	return err
}

// readAll handles frames until the connection ends. It returns a connFault for
// what the peer did wrong, or an error of the connection.
func (c *conn) readAll() error {
	c.begin()
	if err := c.readPreface(); err != nil {
		return err
	}
	for {
		c.in.idle = c.block == nil
		fh, err := c.framer.ReadFrameHeader()
		if err == nil {
			err = c.handle(fh)
		}
		if err = c.settle(err); err != nil {
			return err
		}
	}
}

// begin sends the server's preface and starts the timer.
func (c *conn) begin() {
	c.mu.Lock()
	s := c.srv
	settings := []http2.Setting{
		{ID: http2.SettingMaxConcurrentStreams, Val: uint32(s.maxStreams())},
		{ID: http2.SettingMaxHeaderListSize, Val: s.headerBytes()},
	}
	if w := s.streamWindow(); w != protocolWindow {
		settings = append(settings, http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(w)})
	}
	if n := s.frameSize(); n != defaultFrameSize {
		settings = append(settings, http2.Setting{ID: http2.SettingMaxFrameSize, Val: n})
	}
	c.writeSettingsLocked(settings)
	if more := c.recvWindow - protocolWindow; more > 0 {
		c.writeWindowUpdateLocked(0, uint32(more))
	}
	if c.err == nil {
		c.timer = time.AfterFunc(s.prefaceTimeout(), c.tick)
	}
	c.mu.Unlock()
}

func (c *conn) readPreface() error {
	if c.prefaceRead {
		return nil
	}
	for want := http2.ClientPreface; want != ""; {
		b, err := c.in.next(len(want))
		if err != nil {
			return err
		}
		if string(b) != want[:len(b)] {
			return connFault{code: http2.ErrCodeProtocol, reason: "not an HTTP/2 preface"}
		}
		want = want[len(b):]
	}
	return nil
}

// settle turns the errors of the Framer into faults, and resets the stream of a
// streamFault. It returns what ends the connection.
func (c *conn) settle(err error) error {
	if err == nil {
		return nil
	}
	var se http2.StreamError
	var ce http2.ConnectionError
	switch {
	case errors.As(err, &se):
		err = streamFault{id: se.StreamID, code: se.Code, reason: "malformed frame"}
	case errors.As(err, &ce):
		reason := "malformed frame"
		if detail := c.framer.ErrorDetail(); detail != nil {
			reason = detail.Error()
		}
		return connFault{code: http2.ErrCode(ce), reason: reason}
	case errors.Is(err, http2.ErrFrameTooLarge):
		return connFault{code: http2.ErrCodeFrameSize, reason: "frame larger than MAX_FRAME_SIZE"}
	case errors.Is(err, io.ErrUnexpectedEOF) && c.in.buf != nil:
		// A frame that is shorter than its own fields; the input has not ended.
		return connFault{code: http2.ErrCodeFrameSize, reason: "frame shorter than its fields"}
	}
	if fault := (streamFault{}); errors.As(err, &fault) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.faultLocked(fault)
	}
	return err
}

// faultLocked resets a stream for what the peer did wrong.
func (c *conn) faultLocked(f streamFault) error {
	if s := c.streams[f.id]; s != nil {
		c.resetLocked(s, f.code, f.reason)
	} else {
		c.writeResetLocked(f.id, f.code)
		c.rememberResetLocked(f.id)
	}
	if err := c.controlFaultLocked(); err != nil {
		return err
	}
	return c.spendLocked(budgetResets)
}

// end closes the connection because reading it has ended with err.
func (c *conn) end(err error) {
	cause := &ConnError{Peer: c.peer, Reason: "reading failed", Err: err}
	fault := connFault{}
	switch {
	case errors.As(err, &fault):
		cause.Code, cause.Reason, cause.Err = fault.code, fault.reason, nil
		if fault.budget != nil {
			cause.Budget = fault.budget.String()
			c.srv.overBudget(*fault.budget, cause)
		}
	case errors.Is(err, io.EOF):
		cause.Reason, cause.Err = "closed by the peer", nil
	}
	c.mu.Lock()
	if c.finishing {
		cause = &ConnError{Peer: c.peer, Reason: "ended"}
	}
	c.ended = true
	sent := cause.Code != http2.ErrCodeNo && c.err == nil
	if sent {
		c.writeGoAwayLocked(c.lastID, cause.Code, cause.Reason)
		c.endStreamsLocked(cause)
	}
	c.mu.Unlock()
	if sent {
		c.flush()
		c.linger()
	}
	c.close(cause)
}

// linger waits a moment for the peer to read the GOAWAY: closing a socket that has
// unread bytes discards what was sent.
func (c *conn) linger() {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok && c.tls == nil && c.flushed() {
		_ = half.CloseWrite() // over TLS it may wait for the peer
	}
	if c.nc.SetReadDeadline(time.Now().Add(lingerTimeout)) != nil {
		return
	}
	const enough = 256 << 10
	for n := 0; n < enough; {
		c.in.release()
		b, err := c.in.next(64 << 10)
		if err != nil {
			return
		}
		n += len(b)
	}
	// The peer still floods the connection: stop reading, so that it fills up.
	<-time.After(lingerTimeout / 4)
}

// close closes the connection for a cause, which is the result of serve if it is
// the first one.
func (c *conn) close(cause error) {
	c.mu.Lock()
	c.closeLocked(cause)
	c.mu.Unlock()
}

func (c *conn) closeLocked(cause error) {
	if c.err != nil {
		return
	}
	c.err = cause
	c.ended = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.endStreamsLocked(cause)
	stuck := !c.out.Stalled().IsZero()
	c.out.Close()
	c.mu.After(func() {
		nc := c.nc
		if t, ok := nc.(*tls.Conn); ok {
			nc = t.NetConn() // tls.Conn.Close waits for the peer to take an alert
		}
		if stuck {
			outbound.DiscardUnsent(nc)
		}
		_ = nc.Close()
	})
}

func (c *conn) endStreamsLocked(cause error) {
	for _, s := range c.streams {
		c.removeLocked(s, cause)
	}
}

// log says why the connection ended, unless it was said as a budget. One that this side
// has cut is a warning.
func (c *conn) log(err error) {
	e := new(ConnError)
	if !errors.As(err, &e) || e.Budget != "" {
		return
	}
	cut := e.Code != http2.ErrCodeNo || errors.Is(e.Err, errTimeout) || errors.Is(e.Err, os.ErrDeadlineExceeded)
	if !cut {
		c.srv.log().Debug("an HTTP/2 connection ended", "peer", c.peer, "reason", e.Reason, "err", e.Err)
	} else {
		c.srv.logCut(slog.LevelWarn, c.peer, e)
	}
}

// logCut says why this side has cut a connection.
func (s *Server) logCut(level slog.Level, peer string, err error) {
	if unlogged, ok := s.stats.cut.allow(time.Now()); ok {
		s.log().Log(context.Background(), level, "cut a connection", "peer", peer, "err", err, "unlogged", unlogged)
	}
}
