package httpd

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/tally"
)

// The budgets of package h2 are per connection. These bound what an address gains by
// connecting again: after abuseConnections connections within abuseWindow that went
// over a budget, its new connections are refused for firstPenalty. An offence within
// abuseWindow of a penalty's end doubles the next one, up to maxPenalty.
//
// To close a refused connection at once costs 37 µs, and a client that connects again
// at once makes that a quarter of a core. So a few of them are held for holdTime before
// they are closed, unread, which slows such a client down; the others are closed at once.
const (
	abuseConnections = 5
	abuseWindow      = time.Minute
	firstPenalty     = time.Second
	maxPenalty       = time.Minute
	// maxOffenders bounds how many addresses are remembered. The one whose last
	// offence is oldest is forgotten first.
	maxOffenders = 4096

	holdTime     = time.Second
	maxHeld      = 32  // connections of an address
	maxHeldInAll = 256 // connections of all addresses
)

// penalties remembers the addresses whose HTTP/2 connections were closed for going
// over a budget, and refuses their connections for a time. An IPv6 address stands for
// its /64, which is what one customer usually has.
//
// Trusted proxies are not refused: that would be for all their clients.
type penalties struct {
	proxies clientaddr.Proxies
	log     *slog.Logger

	mu        sync.Mutex // guards below
	offenders map[netip.Prefix]*offender
	held      int // connections
}

type offender struct {
	recent  []time.Time   // offences within abuseWindow, at most abuseConnections
	last    time.Time     // offence
	penalty time.Duration // the current or last one; 0 before the first
	until   time.Time     // when it ends
	refused int           // connections, during it
	held    int           // connections, now
}

func newPenalties(proxies clientaddr.Proxies, log *slog.Logger) *penalties {
	return &penalties{proxies: proxies, log: log, offenders: make(map[netip.Prefix]*offender)}
}

// record counts a connection of peer, HOST:PORT, that went over a budget.
func (p *penalties) record(peer string) {
	source, ok := sourceOf(peer)
	if !ok || isProxy(p.proxies, peer) {
		return
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.offenders[source]
	if o == nil {
		p.makeRoomLocked(now)
		o = new(offender)
		p.offenders[source] = o
	} else if o.forgotten(now) {
		*o = offender{held: o.held}
	}
	o.last = now
	if now.Before(o.until) {
		return // it was accepted before the penalty began
	}
	for len(o.recent) > 0 && now.Sub(o.recent[0]) >= abuseWindow {
		o.recent = o.recent[1:]
	}
	if o.recent = append(o.recent, now); o.penalty == 0 && len(o.recent) < abuseConnections {
		return
	}
	refused := o.refused
	o.recent, o.refused = nil, 0
	o.penalty = min(max(2*o.penalty, firstPenalty), maxPenalty)
	o.until = now.Add(o.penalty)
	p.log.Warn("new connections of an address are refused: HTTP/2 connections of it went over their budgets",
		"address", source.String(), "for", o.penalty, "refused_before", refused)
}

// verdict is what happens to a new connection.
type verdict int

const (
	pass verdict = iota
	hold         // close it after holdTime, and call release
	refuse
)

// judge decides on a new connection of peer.
func (p *penalties) judge(peer string) verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.offenders) == 0 {
		return pass
	}
	source, ok := sourceOf(peer)
	if !ok {
		return pass
	}
	o := p.offenders[source]
	if o == nil || !time.Now().Before(o.until) {
		return pass
	}
	o.refused++
	if o.held >= maxHeld || p.held >= maxHeldInAll {
		return refuse
	}
	o.held++
	p.held++
	return hold
}

// release ends the hold of a connection.
func (p *penalties) release(peer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
	if source, ok := sourceOf(peer); ok {
		if o := p.offenders[source]; o != nil && o.held > 0 { // it may have been forgotten meanwhile
			o.held--
		}
	}
}

// forgotten reports whether an address is no offender any more.
func (o *offender) forgotten(now time.Time) bool {
	return now.Sub(o.last) >= abuseWindow && now.Sub(o.until) >= abuseWindow
}

// makeRoomLocked forgets addresses if there are as many as may be remembered.
func (p *penalties) makeRoomLocked(now time.Time) {
	if len(p.offenders) < maxOffenders {
		return
	}
	var oldest netip.Prefix
	for source, o := range p.offenders {
		if o.forgotten(now) {
			delete(p.offenders, source)
		} else if !oldest.IsValid() || o.last.Before(p.offenders[oldest].last) {
			oldest = source
		}
	}
	if len(p.offenders) >= maxOffenders {
		delete(p.offenders, oldest)
	}
}

// sourceOf returns the address of peer, HOST:PORT, or the /64 of an IPv6 address.
func sourceOf(peer string) (netip.Prefix, bool) {
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return netip.Prefix{}, false
	}
	addr := at.Addr().Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	source, err := addr.Prefix(bits)
	return source, err == nil
}

// isProxy reports whether a peer, HOST:PORT, is a trusted proxy.
func isProxy(proxies clientaddr.Proxies, peer string) bool {
	at, err := netip.ParseAddrPort(peer)
	return err == nil && proxies.Trusts(at.Addr().Unmap().WithZone(""))
}

// gate is a listener that closes the connections of addresses with a penalty.
type gate struct {
	net.Listener
	penalties *penalties
	refused   *tally.Tally
}

// Accept implements net.Listener.
func (g gate) Accept() (net.Conn, error) {
	for {
		nc, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer := nc.RemoteAddr().String()
		v := g.penalties.judge(peer)
		if v == pass {
			return nc, nil
		}
		g.refused.Add("penalty")
		if t, ok := nc.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // its close resets it, and leaves nothing to the kernel
		}
		if v == refuse {
			_ = nc.Close()
			continue
		}
		time.AfterFunc(holdTime, func() {
			_ = nc.Close()
			g.penalties.release(peer)
		})
	}
}
