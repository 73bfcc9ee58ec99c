package h2

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/http2"
)

// handle handles the frame whose header was read. It returns a connFault or a
// streamFault for what the peer did wrong, or an error of the connection.
func (c *conn) handle(fh http2.FrameHeader) error {
	if c.discarding() {
		return c.skip(int(fh.Length))
	}
	if fh.Type == http2.FrameData {
		return c.handleData(fh)
	}
	f, err := c.framer.ReadFrameForHeader(fh)
	if err != nil {
		if e := c.checkSettled(fh); e != nil {
			return e
		}
		if fh.Type == http2.FrameHeaders && errors.As(err, &http2.StreamError{}) {
			// The header block was not decoded, on which later ones depend.
			return connFault{code: http2.ErrCodeProtocol, reason: "malformed HEADERS frame"}
		}
		return err
	}
	switch f := f.(type) {
	case *http2.HeadersFrame:
		return c.handleHeaders(f)
	case *http2.ContinuationFrame:
		return c.handleContinuation(f)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled && fh.Type != http2.FrameSettings {
		return errNoSettings
	}
	switch f := f.(type) {
	case *http2.SettingsFrame:
		return c.settingsLocked(f)
	case *http2.WindowUpdateFrame:
		return c.windowUpdateLocked(f)
	case *http2.RSTStreamFrame:
		return c.rstStreamLocked(f)
	case *http2.PingFrame:
		return c.pingLocked(f)
	case *http2.PriorityFrame:
		if f.StreamDep == f.StreamID {
			return streamFault{id: f.StreamID, code: http2.ErrCodeProtocol, reason: "stream depends on itself"}
		}
	case *http2.PushPromiseFrame:
		return connFault{code: http2.ErrCodeProtocol, reason: "PUSH_PROMISE from a client"}
	case *http2.GoAwayFrame:
		return nil // the client closes the connection when its streams have ended
	}
	return c.spendLocked(budgetIgnored)
}

// discarding reports whether frames have no effect any more.
func (c *conn) discarding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// skip reads n bytes.
func (c *conn) skip(n int) error {
	for n > 0 {
		p, err := c.in.next(n)
		if err != nil {
			return err
		}
		n -= len(p)
	}
	return nil
}

var errNoSettings = connFault{code: http2.ErrCodeProtocol, reason: "first frame is not SETTINGS"}

// checkSettled reports a first frame that is not SETTINGS.
func (c *conn) checkSettled(fh http2.FrameHeader) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled && fh.Type != http2.FrameSettings {
		return errNoSettings
	}
	return nil
}

// idleLocked reports whether the peer has not opened a stream. Streams that the
// server could open, it never does.
func (c *conn) idleLocked(id uint32) bool {
	return id%2 == 0 || id > c.lastID && c.goAway != goAwayFinal
}

func (c *conn) settingsLocked(f *http2.SettingsFrame) error {
	if f.IsAck() {
		if !c.settled {
			return errNoSettings
		}
		return c.spendLocked(budgetSettings)
	}
	if err := c.spendLocked(budgetSettings); err != nil {
		return err
	}
	window := c.peerWindow
	if err := f.ForeachSetting(c.settingLocked); err != nil {
		return err
	}
	if !c.settled {
		c.settled = true
		c.idleSince = c.clock()
		c.timer.Reset(c.nextTickLocked(c.clock()))
	}
	c.controlLocked(http2.FrameSettings, http2.FlagSettingsAck, 0, 0)
	if c.peerWindow > window { // after the acknowledgement, which has to be immediate
		for _, st := range c.streams {
			st.resumeLocked()
		}
	}
	return c.controlFaultLocked()
}

func (c *conn) settingLocked(s http2.Setting) error {
	if err := s.Valid(); err != nil {
		code := http2.ErrCodeProtocol
		if e, ok := err.(http2.ConnectionError); ok {
			code = http2.ErrCode(e)
		}
		return connFault{code: code, reason: fmt.Sprintf("invalid setting %v", s)}
	}
	switch s.ID {
	case http2.SettingMaxFrameSize:
		// Larger frames would only delay other streams.
		c.peerMaxFrame = min(int(s.Val), defaultFrameSize)
	case http2.SettingInitialWindowSize:
		delta := int64(s.Val) - c.peerWindow
		c.peerWindow = int64(s.Val)
		for _, st := range c.streams {
			if st.window += delta; st.window > maxWindow {
				return connFault{code: http2.ErrCodeFlowControl, reason: "window of a stream exceeds its maximum"}
			}
		}
	}
	return nil
}

func (c *conn) windowUpdateLocked(f *http2.WindowUpdateFrame) error {
	if err := c.spendLocked(budgetWindowUpdates); err != nil {
		return err
	}
	if f.StreamID == 0 {
		if c.window += int64(f.Increment); c.window > maxWindow {
			return connFault{code: http2.ErrCodeFlowControl, reason: "window of the connection exceeds its maximum"}
		}
		c.serveQueueLocked()
		return nil
	}
	s := c.streams[f.StreamID]
	if s == nil {
		if c.idleLocked(f.StreamID) {
			return connFault{code: http2.ErrCodeProtocol, reason: "WINDOW_UPDATE for an idle stream"}
		}
		return nil
	}
	if s.window += int64(f.Increment); s.window > maxWindow {
		return streamFault{id: s.id, code: http2.ErrCodeFlowControl, reason: "window exceeds its maximum"}
	}
	s.resumeLocked()
	return nil
}

func (c *conn) rstStreamLocked(f *http2.RSTStreamFrame) error {
	s := c.streams[f.StreamID]
	if s == nil {
		if c.idleLocked(f.StreamID) {
			return connFault{code: http2.ErrCodeProtocol, reason: "RST_STREAM for an idle stream"}
		}
		return c.spendLocked(budgetIgnored)
	}
	cost := resetCost(c.clock()-s.opened, s.begun)
	c.removeLocked(s, &StreamError{Peer: c.peer, ID: s.id, Code: f.ErrCode, Remote: true})
	return c.spendSomeLocked(budgetResets, cost)
}

// resetCost returns what the reset of a stream takes from the budget. Its client has seen an
// answer, or has waited for one, unless it counts in full.
func resetCost(age int64, begun bool) float32 {
	switch {
	case age >= lateReset:
		return 0
	case age >= earlyReset || begun:
		return 1. / 8
	}
	return 1
}

func (c *conn) pingLocked(f *http2.PingFrame) error {
	if f.IsAck() {
		if c.pingSent == 0 {
			return c.spendLocked(budgetPings)
		}
		c.pingSent = 0
		if c.goAway == goAwayFirst && f.Data == gracePing {
			c.finalGoAwayLocked()
		}
		return nil
	}
	if err := c.spendLocked(budgetPings); err != nil {
		return err
	}
	c.writePingLocked(true, f.Data)
	return c.controlFaultLocked()
}

// handleData reads a DATA frame piece by piece: its payload goes into the body
// of the request, however large the frame is.
func (c *conn) handleData(fh http2.FrameHeader) error {
	if fh.StreamID == 0 {
		return connFault{code: http2.ErrCodeProtocol, reason: "DATA on stream 0"}
	}
	if err := c.checkSettled(fh); err != nil {
		return err
	}
	n, padding := int(fh.Length), 0
	if fh.Flags.Has(http2.FlagDataPadded) {
		if n == 0 {
			return connFault{code: http2.ErrCodeFrameSize, reason: "DATA frame shorter than its fields"}
		}
		p, err := c.in.next(1)
		if err != nil {
			return err
		}
		n--
		if padding = int(p[0]); padding > n {
			return connFault{code: http2.ErrCodeProtocol, reason: "padding larger than the payload"}
		}
		n -= padding
	}
	s, fault := c.dataBegins(fh, n)
	if _, ok := fault.(connFault); ok {
		return fault
	}
	for n > 0 {
		p, err := c.in.next(n)
		if err != nil {
			return err
		}
		n -= len(p)
		c.dataArrives(s, p)
	}
	if err := c.skip(padding); err != nil {
		return err
	}
	if s != nil && fh.Flags.Has(http2.FlagDataEndStream) {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.remoteEndLocked(s)
	}
	return fault
}

// dataBegins accounts for a DATA frame with n bytes beside its padding. The
// stream is nil if they are to be discarded.
func (c *conn) dataBegins(fh http2.FrameHeader, n int) (*Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	length := int64(fh.Length)
	if c.recvWindow -= length; c.recvWindow < 0 {
		return nil, connFault{code: http2.ErrCodeFlowControl, reason: "more DATA than the window of the connection"}
	}
	s, err := c.streamForDataLocked(fh, n)
	if s == nil {
		c.returnLocked(nil, int(length))
		if err == nil {
			err = c.spendLocked(budgetIgnored)
		}
		return nil, err
	}
	s.recvWindow -= int32(length)
	c.returnLocked(s, int(length)-n)
	return s, nil
}

// smallData is how many bytes a DATA frame must carry to be worth what it costs: each one
// takes a lock and wakes the handler, which is about as much as copying 1 KiB.
const smallData = 32

func (c *conn) streamForDataLocked(fh http2.FrameHeader, n int) (*Stream, error) {
	id := fh.StreamID
	s := c.streams[id]
	switch end := fh.Flags.Has(http2.FlagDataEndStream); {
	case c.idleLocked(id):
		return nil, connFault{code: http2.ErrCodeProtocol, reason: "DATA on an idle stream"}
	case s == nil && (id > c.lastID || slices.Contains(c.resets, id)):
		return nil, nil // opened after the final GOAWAY, or reset by the server
	case s == nil || s.remoteDone:
		return nil, streamFault{id: id, code: http2.ErrCodeStreamClosed, reason: "DATA on a stream that the peer has ended"}
	case int64(fh.Length) > int64(s.recvWindow):
		return nil, streamFault{id: id, code: http2.ErrCodeFlowControl, reason: "more DATA than the window of the stream"}
	case fh.Length == 0 && !end:
		if err := c.spendLocked(budgetEmptyData); err != nil {
			return nil, err
		}
	case n < smallData && !end:
		if err := c.spendLocked(budgetSmallData); err != nil {
			return nil, err
		}
	case n >= smallData:
		c.creditLocked(budgetSmallData, 1)
	}
	if s.x != nil && !s.x.body.admitLocked(n) {
		return nil, streamFault{id: id, code: http2.ErrCodeProtocol, reason: "more DATA than content-length"}
	}
	return s, nil
}

// dataArrives adds a piece of a DATA frame to its stream.
func (c *conn) dataArrives(s *Stream, p []byte) {
	if s == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.err != nil || s.x == nil || !s.x.body.addLocked(p) {
		c.returnLocked(nil, len(p))
	}
}

// remoteEndLocked handles the end of the peer's side of a stream.
func (c *conn) remoteEndLocked(s *Stream) error {
	if s.err != nil {
		return nil
	}
	s.remoteDone = true
	if s.x == nil {
		return nil
	}
	if !s.x.body.endLocked() {
		return streamFault{id: s.id, code: http2.ErrCodeProtocol, reason: "less DATA than content-length"}
	}
	return nil
}

// returnLocked returns n bytes of the windows to the peer: of the connection's
// and, unless s is nil, of the stream's. They are returned in larger steps.
func (c *conn) returnLocked(s *Stream, n int) {
	if n == 0 || c.err != nil {
		return
	}
	c.recvCredit += int64(n)
	if c.recvCredit >= int64(c.srv.connWindow())/4 {
		c.writeWindowUpdateLocked(0, uint32(c.recvCredit))
		c.recvWindow += c.recvCredit
		c.recvCredit = 0
	}
	if s == nil || s.err != nil || s.remoteDone {
		return
	}
	s.recvCredit += int32(n)
	if s.recvCredit >= c.srv.streamWindow()/4 {
		c.writeWindowUpdateLocked(s.id, uint32(s.recvCredit))
		s.recvWindow += s.recvCredit
		s.recvCredit = 0
	}
}
