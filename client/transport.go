package client

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// Transport is how a Client talks to the service. The guarantees are the same.
type Transport int

const (
	// Auto uses Bidi and, if the way to the service turns out not to carry it, Split.
	Auto Transport = iota
	// Bidi follows and sends on one Chat stream. It needs HTTP/2 all the way.
	Bidi
	// Split follows with Subscribe and sends with Send, over HTTP/2 or HTTP/1.1.
	Split
)

// newTransport returns the connections of a client that has none from its Config.
func newTransport(scheme string, http1 bool) *http.Transport {
	protocols := new(http.Protocols)
	switch {
	case http1:
		protocols.SetHTTP1(true)
	case scheme == "https":
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	default:
		protocols.SetUnencryptedHTTP2(true)
	}
	return &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		Protocols:   protocols,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		// Streams notice a dead server by missing heartbeats. Without pings, each Send
		// would wait for its timeout.
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     90 * time.Second,
		MaxIdleConnsPerHost: 16,
	}
}

// usedConn is the connection that a stream uses, so that a dead one can be closed: the
// next stream would otherwise wait on the same connection.
type usedConn struct {
	mu   sync.Mutex // guards below
	conn net.Conn
}

// trace returns a context for the call whose connection is to be known.
func (u *usedConn) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.conn = info.Conn
	}})
}

// close closes the connection, and with it the calls that share it.
func (u *usedConn) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conn != nil {
		_ = u.conn.Close() // it is broken: all that matters is that it is not used again
	}
}
