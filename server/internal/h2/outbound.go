package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// outbound is the outbound half of a connection: frames that were appended and
// not yet written, and the streams that wait for room. The connection's mu guards
// it.
//
// At most one goroutine writes at a time. It takes the buffer, releases mu, and
// writes; what others append meanwhile goes to a new buffer, which it takes
// next. If the socket does not take everything, a goroutine is started that
// waits for the socket, and lives until nothing is left to write.
type outbound struct {
	buf      *buffer // nil if empty
	control  int     // bytes of control frames in buf
	sending  int     // bytes that are being written
	flushing bool
	stalled  bool // a goroutine waits for the socket
	begun    bool // a header block was written

	line    line
	passing bool // passLocked is running
}

// line is the streams that wait for room in the connection's window or in its
// buffer, first come, first served.
type line struct{ first, last *Stream }

func (l *line) add(s *Stream) {
	if s.waiting {
		return
	}
	s.waiting, s.prev = true, l.last
	if l.last == nil {
		l.first = s
	} else {
		l.last.next = s
	}
	l.last = s
}

func (l *line) remove(s *Stream) {
	if !s.waiting {
		return
	}
	if s.prev == nil {
		l.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		l.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.waiting, s.prev, s.next = false, nil, nil
}

func (o *outbound) bufLocked() *buffer {
	if o.buf == nil {
		o.buf = newBuffer()
	}
	return o.buf
}

func (o *outbound) pendingLocked() int {
	if o.buf == nil {
		return o.sending
	}
	return o.sending + len(o.buf.b)
}

func (o *outbound) dropLocked() {
	if o.buf != nil {
		o.buf.free()
		o.buf = nil
	}
}

// roomLocked returns how many bytes of frames may be appended: none while the
// socket is full. Without a socket that tells, the buffer must do.
func (c *conn) roomLocked() int {
	if c.out.stalled && !c.waits() {
		return 0
	}
	return c.srv.queuedBytes() - c.out.pendingLocked()
}

// waits reports whether writes to the connection wait for the peer.
func (c *conn) waits() bool { return c.socket == nil && c.lazy == nil }

// write writes what the socket takes without waiting. n bytes of p are done with;
// left is how many bytes, of p or beneath TLS, the socket did not take.
func (c *conn) write(p []byte) (n, left int, err error) {
	if c.socket != nil {
		n, err = c.socket.write(p)
		return n, len(p) - n, err
	}
	n, err = c.nc.Write(p)
	return n, c.lazy.kept(), err
}

// writeWaiting writes all of p, and what is kept beneath TLS.
func (c *conn) writeWaiting(p []byte) error {
	if c.lazy == nil {
		return writeWithin(c.nc, p, c.srv.writeTimeout())
	}
	if _, err := c.nc.Write(p); err != nil {
		return err
	}
	return c.lazy.drain(c.srv.writeTimeout())
}

// maxWrites is how often a flush writes what others append meanwhile, before it
// leaves that to a goroutine.
const maxWrites = 4

// flush writes what is waiting. It does not wait for the socket.
func (c *conn) flush() {
	c.mu.Lock()
	defer c.unlock()
	c.flushLocked()
}

// flushLocked releases mu while it writes.
func (c *conn) flushLocked() {
	o := &c.out
	if o.flushing {
		return
	}
	defer c.flushedLocked()
	for writes := 0; o.buf != nil && c.err == nil; writes++ {
		o.flushing = true
		b := o.takeLocked()
		if c.waits() || writes == maxWrites {
			c.stallLocked(b, 0)
			return
		}
		c.mu.Unlock()
		n, left, err := c.write(b.b)
		c.mu.Lock()
		o.flushing = false
		switch {
		case err != nil:
			o.sending = 0
			b.free()
			c.closeLocked(&ConnError{Peer: c.peer, Reason: "writing failed", Err: err})
			return
		case left > 0 && c.err == nil:
			o.flushing, o.sending = true, left
			c.stallLocked(b, n)
			return
		}
		o.sending = 0
		b.free()
		c.passLocked()
	}
}

// takeLocked takes the buffer for writing.
func (o *outbound) takeLocked() *buffer {
	b := o.buf
	o.buf, o.control, o.sending = nil, 0, len(b.b)
	return b
}

// stallLocked starts the goroutine that writes from b, beginning at off, and
// what is appended meanwhile.
func (c *conn) stallLocked(b *buffer, off int) {
	c.out.stalled = true
	c.wg.Go(func() { c.writeAll(b, off) })
}

// writeAll waits for the socket until nothing is left to write.
func (c *conn) writeAll(b *buffer, off int) {
	for {
		err := c.writeWaiting(b.b[off:])
		b.free()
		c.mu.Lock()
		o := &c.out
		o.sending = 0
		if err != nil {
			c.closeLocked(&ConnError{Peer: c.peer, Reason: "the peer does not read", Err: err})
		}
		if o.buf == nil || c.waits() {
			o.stalled = false
			c.passLocked()
		}
		if o.buf == nil || c.err != nil {
			o.flushing, o.stalled = false, false
			c.flushedLocked()
			c.unlock()
			return
		}
		o.stalled = true
		b, off = o.takeLocked(), 0
		c.unlock()
	}
}

// flushedLocked hangs up if that was all.
func (c *conn) flushedLocked() {
	if c.finishing && !c.hungUp && c.out.pendingLocked() == 0 && c.err == nil {
		c.hungUp = true
		c.wg.Go(c.hangUp) // over TLS it may wait for the peer
	}
}

// flushed reports whether nothing waits for the socket.
func (c *conn) flushed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.pendingLocked() == 0
}

// passLocked gives the free room to the streams that wait for it.
func (c *conn) passLocked() {
	o := &c.out
	if o.passing {
		return
	}
	o.passing = true
	room := c.shareLocked()
	for room > 0 && o.line.first != nil && !c.ended {
		s := o.line.first
		o.line.remove(s)
		want := int64(max(s.want, 1))
		s.readyLocked()
		room = min(room-want, c.shareLocked())
	}
	o.passing = false
}

// shareLocked returns how many bytes of DATA the streams together may send now.
func (c *conn) shareLocked() int64 { return min(int64(c.roomLocked()), c.window) }

// controlLocked begins a control frame.
func (c *conn) controlLocked(t http2.FrameType, flags http2.Flags, id uint32, n int) *buffer {
	b := c.out.bufLocked()
	b.frame(t, flags, id, n)
	c.out.control += frameHeaderLen + n
	return b
}

// controlFaultLocked reports a peer that causes control frames and does not read them.
func (c *conn) controlFaultLocked() error {
	if c.out.control <= c.srv.Budgets.controlBytes() {
		return nil
	}
	return overBudget(budgetControlBytes, "control frames wait for a peer that does not read")
}

func (c *conn) writeSettingsLocked(settings []http2.Setting) {
	b := c.controlLocked(http2.FrameSettings, 0, 0, 6*len(settings))
	for _, s := range settings {
		b.b = binary.BigEndian.AppendUint16(b.b, uint16(s.ID))
		b.uint32(s.Val)
	}
}

func (c *conn) writePingLocked(ack bool, data [8]byte) {
	var flags http2.Flags
	if ack {
		flags = http2.FlagPingAck
	}
	b := c.controlLocked(http2.FramePing, flags, 0, len(data))
	b.b = append(b.b, data[:]...)
}

func (c *conn) writeGoAwayLocked(last uint32, code http2.ErrCode, reason string) {
	b := c.controlLocked(http2.FrameGoAway, 0, 0, 8+len(reason))
	b.uint32(last)
	b.uint32(uint32(code))
	b.b = append(b.b, reason...)
}

func (c *conn) writeWindowUpdateLocked(id, n uint32) {
	c.controlLocked(http2.FrameWindowUpdate, 0, id, 4).uint32(n)
}

func (c *conn) writeResetLocked(id uint32, code http2.ErrCode) {
	c.controlLocked(http2.FrameRSTStream, 0, id, 4).uint32(uint32(code))
}

// writeHeadersLocked appends a header block in as many frames as the peer wants.
func (c *conn) writeHeadersLocked(id uint32, block []byte, end bool) {
	b := c.out.bufLocked()
	prefix := 0
	if !c.out.begun {
		prefix = 1
	}
	t, flags := http2.FrameHeaders, http2.Flags(0)
	if end {
		flags = http2.FlagHeadersEndStream
	}
	for first := true; first || len(block) > 0; first = false {
		n := min(len(block), c.peerMaxFrame-prefix)
		if n == len(block) {
			flags |= http2.FlagHeadersEndHeaders
		}
		b.frame(t, flags, id, prefix+n)
		if prefix > 0 {
			// The dynamic table is not used: say so once, so that whatever size the
			// peer's SETTINGS allow, and change to, is not exceeded.
			const noDynamicTable = 0x20
			b.b = append(b.b, noDynamicTable)
			prefix, c.out.begun = 0, true
		}
		b.b = append(b.b, block[:n]...)
		block = block[n:]
		t, flags = http2.FrameContinuation, 0
	}
}

// writeDataLocked appends a DATA frame and uses up windows.
func (c *conn) writeDataLocked(s *Stream, p []byte, end bool) {
	b := c.out.bufLocked()
	var flags http2.Flags
	if end {
		flags = http2.FlagDataEndStream
	}
	b.frame(http2.FrameData, flags, s.id, len(p))
	b.b = append(b.b, p...)
	s.window -= int64(len(p))
	c.window -= int64(len(p))
	c.creditLocked(budgetPings, 1)
	c.creditLocked(budgetWindowUpdates, 4+len(p)/256)
}
