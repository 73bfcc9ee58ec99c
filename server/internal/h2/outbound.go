package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"

	"chatroom/server/internal/outbound"
)

const frameHeaderLen = 9

// Written implements outbound.Owner: streams that wait for room get it.
func (c *conn) Written() {
	c.serveQueueLocked()
	c.hangUpLocked()
}

// Failed implements outbound.Owner.
func (c *conn) Failed(err error) {
	reason := "writing failed"
	if !c.out.Stalled().IsZero() {
		reason = "the peer does not read"
	}
	c.closeLocked(&ConnError{Peer: c.peer, Reason: reason, Err: err})
}

// flush writes what is pending. It does not wait for the socket.
func (c *conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushLocked()
}

// flushLocked releases mu while it writes.
func (c *conn) flushLocked() {
	c.out.Flush()
	c.hangUpLocked()
}

// hangUpLocked ends the server's side of a connection that is finishing, once everything
// is written.
func (c *conn) hangUpLocked() {
	if c.finishing && !c.hungUp && c.out.Pending() == 0 && c.err == nil {
		c.hungUp = true
		c.wg.Go(c.hangUp) // over TLS it may wait for the peer
	}
}

// flushed reports whether nothing waits for the socket.
func (c *conn) flushed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Pending() == 0
}

// serveQueueLocked resumes queued streams while there is room.
func (c *conn) serveQueueLocked() {
	if c.servingQueue || c.queue.first == nil {
		return
	}
	c.servingQueue = true
	room := c.shareLocked()
	for room > 0 && c.queue.first != nil && !c.ended {
		s := c.queue.first
		c.queue.remove(s)
		want := int64(max(s.want, 1))
		s.resumeLocked()
		room = min(room-want, c.shareLocked())
	}
	c.servingQueue = false
}

// shareLocked returns how many bytes of DATA the streams together may send now.
func (c *conn) shareLocked() int64 { return min(int64(c.out.Room()), c.window) }

// beginFrame appends the header of a frame; its payload of n bytes follows.
func beginFrame(b *outbound.Buffer, t http2.FrameType, flags http2.Flags, id uint32, n int) {
	b.B = append(b.B, byte(n>>16), byte(n>>8), byte(n), byte(t), byte(flags))
	b.B = binary.BigEndian.AppendUint32(b.B, id)
}

func appendUint32(b *outbound.Buffer, v uint32) { b.B = binary.BigEndian.AppendUint32(b.B, v) }

// controlLocked begins a control frame.
func (c *conn) controlLocked(t http2.FrameType, flags http2.Flags, id uint32, n int) *outbound.Buffer {
	b := c.out.Buffer()
	beginFrame(b, t, flags, id, n)
	c.out.AddControl(frameHeaderLen + n)
	return b
}

// controlFaultLocked reports a peer that causes control frames and does not read them.
func (c *conn) controlFaultLocked() error {
	if c.out.Control() <= c.srv.Budgets.controlBytes() {
		return nil
	}
	return overBudget(budgetControlBytes, "control frames wait for a peer that does not read")
}

func (c *conn) writeSettingsLocked(settings []http2.Setting) {
	b := c.controlLocked(http2.FrameSettings, 0, 0, 6*len(settings))
	for _, s := range settings {
		b.B = binary.BigEndian.AppendUint16(b.B, uint16(s.ID))
		appendUint32(b, s.Val)
	}
}

func (c *conn) writePingLocked(ack bool, data [8]byte) {
	var flags http2.Flags
	if ack {
		flags = http2.FlagPingAck
	}
	b := c.controlLocked(http2.FramePing, flags, 0, len(data))
	b.B = append(b.B, data[:]...)
}

func (c *conn) writeGoAwayLocked(last uint32, code http2.ErrCode, reason string) {
	b := c.controlLocked(http2.FrameGoAway, 0, 0, 8+len(reason))
	appendUint32(b, last)
	appendUint32(b, uint32(code))
	b.B = append(b.B, reason...)
}

func (c *conn) writeWindowUpdateLocked(id, n uint32) {
	appendUint32(c.controlLocked(http2.FrameWindowUpdate, 0, id, 4), n)
}

func (c *conn) writeResetLocked(id uint32, code http2.ErrCode) {
	appendUint32(c.controlLocked(http2.FrameRSTStream, 0, id, 4), uint32(code))
}

// writeHeadersLocked appends a header block in frames that are not larger than the peer accepts.
func (c *conn) writeHeadersLocked(id uint32, block []byte, end bool) {
	b := c.out.Buffer()
	prefix := 0
	if !c.headersSent {
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
		beginFrame(b, t, flags, id, prefix+n)
		if prefix > 0 {
			// The dynamic table is not used: the first block says so, and no size
			// that the peer's SETTINGS allow, now or later, is exceeded.
			const noDynamicTable = 0x20
			b.B = append(b.B, noDynamicTable)
			prefix, c.headersSent = 0, true
		}
		b.B = append(b.B, block[:n]...)
		block = block[n:]
		t, flags = http2.FrameContinuation, 0
	}
}

// writeDataLocked appends a DATA frame and uses up windows.
func (c *conn) writeDataLocked(s *Stream, p []byte, end bool) {
	b := c.out.Buffer()
	var flags http2.Flags
	if end {
		flags = http2.FlagDataEndStream
	}
	beginFrame(b, http2.FrameData, flags, s.id, len(p))
	b.B = append(b.B, p...)
	s.window -= int64(len(p))
	c.window -= int64(len(p))
	c.creditLocked(budgetPings, 1)
	c.creditLocked(budgetWindowUpdates, 4+len(p)/256)
	c.creditLocked(budgetSmallData, 4+len(p)/4)
}
