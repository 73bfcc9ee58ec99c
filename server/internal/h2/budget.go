package h2

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// Rate bounds how often something may happen on a connection: Burst times at
// once, and PerSecond times a second in the long run.
type Rate struct {
	Burst     int
	PerSecond float64
}

// Budgets bound, for each connection, what costs a peer little and the server
// much. The zero value of a field means its default. A peer over a budget gets
// GOAWAY with ENHANCE_YOUR_CALM, and its connection is closed.
//
// The budgets of PINGs and WINDOW_UPDATEs grow with what the peer is sent, so
// that bandwidth probing (a PING for each burst of data, as gRPC clients send)
// and clients that return each byte of a window on its own stay within them.
type Budgets struct {
	// Resets are streams that ended within a second of their beginning because
	// the peer reset them, and streams on which it broke the protocol, that were
	// refused, or that had headers over the limit. A reset of a stream whose
	// response had begun counts as an eighth, as does one within the first minute.
	// Each stream that is answered in full allows another. Default 400 and 100/s.
	Resets Rate
	// Pings are PING frames. Each DATA frame that is sent and each stream that is
	// opened allow another. Default 100 and 2/s.
	Pings Rate
	// Settings are SETTINGS frames. Default 32 and 1/s.
	Settings Rate
	// EmptyData are DATA frames that carry nothing and end nothing. Each stream
	// that is opened allows another. Default 100 and 10/s.
	EmptyData Rate
	// SmallData are DATA frames of less than 32 bytes that end nothing. Each longer
	// one, as it may follow the prefix of a message, and each stream that is opened
	// allow another; each DATA frame that is sent allows another four, and one for
	// each 4 bytes, which is more than a client needs whose small requests are
	// answered. Default 1,000 and 200/s.
	SmallData Rate
	// WindowUpdates are WINDOW_UPDATE frames. Each DATA frame that is sent allows
	// another four, and one for each 256 bytes. Default 1,000 and 100/s.
	WindowUpdates Rate
	// Ignored are frames without effect: PRIORITY, PRIORITY_UPDATE, frames of
	// unknown types, and frames on streams that have ended. Each stream that is
	// opened allows another four. Default 1,000 and 50/s.
	Ignored Rate
	// Continuations is how many CONTINUATION frames a header block may have.
	// Default 64.
	Continuations int
	// HeaderBytes is how long a header block may be as it is encoded. Default
	// four times MaxHeaderListBytes.
	HeaderBytes int
	// ControlBytes is how many bytes of control frames (acknowledgements, resets,
	// window updates) may wait for a peer that does not read. Default 32 KiB.
	ControlBytes int
}

type budgetKind int

const (
	budgetResets budgetKind = iota
	budgetPings
	budgetSettings
	budgetEmptyData
	budgetSmallData
	budgetWindowUpdates
	budgetIgnored
	rateBudgets // how many of the above there are

	budgetContinuations = iota - 1
	budgetHeaderBytes
	budgetControlBytes
	budgetKinds // how many there are
)

var budgetNames = [budgetKinds]string{
	"resets", "pings", "settings", "empty_data", "small_data", "window_updates", "ignored",
	"continuations", "header_bytes", "control_bytes",
}

func (k budgetKind) String() string { return budgetNames[k] }

func (b *Budgets) rate(k budgetKind) Rate {
	switch k {
	case budgetResets:
		return cmp.Or(b.Resets, Rate{400, 100})
	case budgetPings:
		return cmp.Or(b.Pings, Rate{100, 2})
	case budgetSettings:
		return cmp.Or(b.Settings, Rate{32, 1})
	case budgetEmptyData:
		return cmp.Or(b.EmptyData, Rate{100, 10})
	case budgetSmallData:
		return cmp.Or(b.SmallData, Rate{1000, 200})
	case budgetWindowUpdates:
		return cmp.Or(b.WindowUpdates, Rate{1000, 100})
	default:
		return cmp.Or(b.Ignored, Rate{1000, 50})
	}
}

func (b *Budgets) continuations() int { return cmp.Or(b.Continuations, 64) }
func (b *Budgets) headerBytes(list uint32) int {
	return cmp.Or(b.HeaderBytes, 4*int(list))
}
func (b *Budgets) controlBytes() int { return cmp.Or(b.ControlBytes, 32<<10) }

// bucket says how much of a Rate is used. Its zero value is unused.
type bucket struct {
	used float32 // negative after credits
	at   int64   // when used was last reduced, in nanoseconds of the connection's clock
}

// creditLimit bounds what a peer may save up. Of resets it may save one burst,
// because what a reset costs the server is not paid by what came before.
const creditLimit = 1 << 20

func (b *bucket) take(n float32, r Rate, now int64) bool {
	if b.used > 0 {
		b.used = max(0, b.used-float32(float64(now-b.at)/float64(time.Second)*r.PerSecond))
	}
	b.at = now
	b.used += n
	return b.used <= float32(r.Burst)
}

func (b *bucket) credit(n, limit int) { b.used = max(b.used-float32(n), -float32(limit)) }

// spendLocked takes from a budget of the connection. It returns a connFault if
// the peer is over it.
func (c *conn) spendLocked(k budgetKind) error { return c.spendSomeLocked(k, 1) }

func (c *conn) spendSomeLocked(k budgetKind, n float32) error {
	rate := c.srv.Budgets.rate(k)
	if c.buckets[k].take(n, rate, c.clock()) {
		return nil
	}
	return overBudget(k, fmt.Sprintf("over the budget of %v: %d and %v a second", k, rate.Burst, rate.PerSecond))
}

func (c *conn) creditLocked(k budgetKind, n int) {
	limit := creditLimit
	if k == budgetResets {
		limit = c.srv.Budgets.rate(k).Burst
	}
	c.buckets[k].credit(n, limit)
}

func overBudget(k budgetKind, reason string) error {
	return connFault{code: http2.ErrCodeEnhanceYourCalm, budget: &k, reason: reason}
}

// Stats are counts of a server since it began.
type Stats struct {
	// Connections and Streams are how many are open, Detached how many of the
	// streams are detached.
	Connections, Streams, Detached int64
	// OverBudget counts connections that were closed for a budget, by its name.
	OverBudget map[string]int64
	// Waited is how often a write had to wait for a socket.
	Waited uint64
}

type stats struct {
	connections, streams, detached atomic.Int64
	waited                         atomic.Uint64
	over                           [budgetKinds]atomic.Int64
	lines                          [budgetKinds]logLimit
	cut                            logLimit
}

// Stats returns current counts.
func (s *Server) Stats() Stats {
	over := make(map[string]int64, budgetKinds)
	for k := range s.stats.over {
		over[budgetKind(k).String()] = s.stats.over[k].Load()
	}
	return Stats{
		Connections: s.stats.connections.Load(),
		Streams:     s.stats.streams.Load(),
		Detached:    s.stats.detached.Load(),
		OverBudget:  over,
		Waited:      s.stats.waited.Load(),
	}
}

// overBudget counts a connection that went over a budget, and logs it.
func (s *Server) overBudget(k budgetKind, err *ConnError) {
	s.stats.over[k].Add(1)
	if s.OverBudget != nil {
		s.OverBudget(err.Peer)
	}
	if unlogged, ok := s.stats.lines[k].allow(time.Now()); ok {
		s.log().Warn("closed an HTTP/2 connection over its budget", "peer", err.Peer, "budget", k.String(), "err", err, slog.Int("unlogged", unlogged))
	}
}

// logLimit allows a line a second.
type logLimit struct {
	mu       sync.Mutex // guards below
	last     time.Time
	unlogged int
}

func (l *logLimit) allow(now time.Time) (unlogged int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.last) < time.Second {
		l.unlogged++
		return 0, false
	}
	l.last = now
	unlogged, l.unlogged = l.unlogged, 0
	return unlogged, true
}
