package h2

import (
	"errors"
	"time"

	"golang.org/x/net/http2"
)

var errTimeout = errors.New("timeout")

// What PINGs carry: one that asks whether the peer lives, and one that asks
// whether the first GOAWAY has arrived.
var (
	alivePing = [8]byte{'a', 'l', 'i', 'v', 'e'}
	gracePing = [8]byte{'g', 'o', 'a', 'w', 'a', 'y'}
)

// tick ends a connection that has no preface, no stream or no living peer.
func (c *conn) tick() {
	c.mu.Lock()
	now := c.clock()
	s := c.srv
	lastRead := c.in.last.Load()
	switch {
	case c.ended:
		c.mu.Unlock()
		return
	case !c.settled:
		c.closeLocked(&ConnError{Peer: c.peer, Reason: "no preface", Err: errTimeout})
	case c.goAway == goAwayFirst && now-c.graceSince >= int64(graceTimeout):
		c.finalGoAwayLocked()
	case c.pingSent != 0 && lastRead < c.pingSent && now-c.pingSent >= int64(s.pingTimeout()):
		c.closeLocked(&ConnError{Peer: c.peer, Reason: "the peer is silent", Err: errTimeout})
	case c.goAway == goAwayNone && len(c.streams) == 0 && now-c.idleSince >= int64(s.idleTimeout()):
		c.gracefulLocked()
	}
	if c.pingSent != 0 && lastRead >= c.pingSent && c.goAway != goAwayFirst {
		c.pingSent = 0 // any frame shows that it is alive
	}
	if c.pingSent == 0 && c.settled && now-lastRead >= int64(s.pingInterval()) {
		c.sendPingLocked(now, alivePing)
	}
	c.resetUnreadEndsLocked(now)
	if c.err == nil {
		c.timer.Reset(c.nextTickLocked(now))
	}
	c.flushLocked()
	c.mu.Unlock()
}

// resetUnreadEndsLocked resets the streams whose end the peer has not accepted within the
// write timeout: no handler and no owner waits for them.
func (c *conn) resetUnreadEndsLocked(now int64) {
	for _, s := range c.streams {
		if s.finishing && now-s.finished >= int64(c.srv.writeTimeout()) {
			c.resetLocked(s, http2.ErrCodeCancel, "the peer does not take the end of its response")
		}
	}
}

func (c *conn) sendPingLocked(now int64, data [8]byte) {
	c.pingSent = now
	c.writePingLocked(false, data)
}

// nextTickLocked returns when tick has something to do.
func (c *conn) nextTickLocked(now int64) time.Duration {
	next := c.in.last.Load() + int64(c.srv.pingInterval())
	if c.pingSent != 0 {
		next = min(c.pingSent+int64(c.srv.pingTimeout()), now+int64(c.srv.pingInterval()))
	}
	if c.goAway == goAwayFirst {
		next = min(next, c.graceSince+int64(graceTimeout))
	}
	if c.goAway == goAwayNone && len(c.streams) == 0 {
		next = min(next, c.idleSince+int64(c.srv.idleTimeout()))
	}
	return time.Duration(max(next-now, int64(time.Millisecond)))
}

// startGraceful begins the graceful end of the connection.
func (c *conn) startGraceful() {
	c.mu.Lock()
	c.gracefulLocked()
	c.flushLocked()
	c.mu.Unlock()
}

// gracefulLocked sends the first GOAWAY. It allows streams that the client has
// opened or opens before it arrives; the PING that follows it is answered when
// it has arrived.
func (c *conn) gracefulLocked() {
	if c.goAway != goAwayNone || c.ended {
		return
	}
	now := c.clock()
	c.goAway, c.graceSince = goAwayFirst, now
	c.writeGoAwayLocked(maxStreamID, http2.ErrCodeNo, "")
	c.sendPingLocked(now, gracePing)
	if c.timer != nil {
		c.timer.Reset(graceTimeout)
	}
}

// finalGoAwayLocked sends the second GOAWAY, and ends the connection if it has
// no streams.
func (c *conn) finalGoAwayLocked() {
	c.goAway = goAwayFinal
	c.writeGoAwayLocked(c.lastID, http2.ErrCodeNo, "")
	if len(c.streams) == 0 {
		c.finishLocked()
	}
}

// finishLocked closes a connection in good order: once everything is written,
// the peer has a moment to close it first.
func (c *conn) finishLocked() {
	c.ended, c.finishing = true, true
	c.mu.After(c.flush)
}

// hangUp ends the server's side of a connection whose last frame is written.
func (c *conn) hangUp() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.nc.SetReadDeadline(time.Now().Add(graceTimeout)) != nil {
		c.close(&ConnError{Peer: c.peer, Reason: "ended"})
	}
}
