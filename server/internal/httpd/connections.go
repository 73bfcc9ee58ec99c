package httpd

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/logsample"
	"chatroom/server/internal/outbound"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/tally"
)

// connectionSlots bounds how many connections there are, in total and of an address.
type connectionSlots struct {
	byAddress *ratelimit.Slots[netip.Prefix]
	proxies   clientaddr.Proxies
	peers     *logsample.Logger
	refused   *tally.Tally
}

func newConnectionSlots(counts *ratelimit.Counts, proxies clientaddr.Proxies, peers *logsample.Logger, refused *tally.Tally) *connectionSlots {
	slots := ratelimit.NewSlots[netip.Prefix](counts, ratelimit.ConnectionsPerAddress, ratelimit.ConnectionsInTotal)
	return &connectionSlots{slots, proxies, peers, refused}
}

// acquire takes a slot for a connection of peer, HOST:PORT. A trusted proxy, which
// connects for many clients, is bounded by the total alone.
func (s *connectionSlots) acquire(peer string) (release func(), err error) {
	if isProxy(s.proxies, peer) {
		return s.byAddress.AcquireUnheld()
	}
	source, _ := sourceOf(peer)
	return s.byAddress.Acquire(source)
}

// countedListener closes connections for which there is no slot.
type countedListener struct {
	net.Listener
	slots *connectionSlots
}

// Accept implements net.Listener.
func (l countedListener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) { // no file descriptor is free, for example
				l.slots.refused.Add("accept")
				l.slots.peers.Warn(context.Background(), "no connection can be accepted", "address", l.Addr().String(), "err", err)
			}
			return nil, err
		}
		peer := nc.RemoteAddr().String()
		release, err := l.slots.acquire(peer)
		if err == nil {
			return &outbound.WatchedConn{Conn: nc, Closed: release}, nil
		}
		if full, ok := errors.AsType[*ratelimit.FullError](err); ok {
			l.slots.refused.Add(full.Limit)
		}
		l.slots.peers.Warn(context.Background(), "a connection was refused by a limit", "peer", peer, "reason", err)
		if t, ok := nc.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // its close resets it, and leaves nothing to the kernel
		}
		_ = nc.Close()
	}
}
