package load

import (
	"crypto/tls"
	"fmt"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Protocol is a protocol by which a subscriber reaches a server.
type Protocol struct {
	// Name is what the protocol is called in figures.
	Name string
	// request returns what the first subscriber of a connection sends.
	request func(authority string, s Subscription) []byte
	// newLayer returns what takes the bytes that a connection receives. What it
	// answers is appended to out.
	newLayer func(out *[]byte, s *subscriber) layer
	// publisher returns how the one publisher speaks.
	publisher func(authority string) dialect

	// streams is how many subscribers share a connection. Zero means one.
	streams int
	// another returns what opens one more stream on a connection, and stream what
	// reads it. Both are nil for protocols whose connections have one subscriber.
	another func(id uint32, authority string, s Subscription) []byte
	stream  func(s *subscriber) h2Stream

	tls *tls.Config // nil without TLS
}

// Subscription is what one subscriber asks a server for.
type Subscription struct {
	Room string
	// First is the number of the first message that the subscriber expects.
	First uint64
	// After is the place in the room's log after which events are wanted. The zero
	// value means a live subscription.
	After Cursor
}

// Cursor is a place in the log of a room of the service.
type Cursor struct {
	Epoch    string
	Sequence uint64
}

// The protocols of the service, and those of the peers.
var (
	ConnectH2    = http2Protocol("Connect h2", subscribePath, "application/connect+proto", subscribeRequest, serviceFrames, chat)
	GRPC         = http2Protocol("gRPC", subscribePath, "application/grpc+proto", subscribeRequest, serviceFrames, chat)
	ConnectHTTP1 = http1Protocol("Connect HTTP/1.1", "application/connect+proto")
	GRPCWeb      = http1Protocol("gRPC-Web", "application/grpc-web+proto")

	PeerGRPC      = http2Protocol("gRPC", peerSubscribePath, "application/grpc+proto", emptyRequest, peerTexts, publishPeer)
	PeerWebSocket = Protocol{Name: "WebSocket", request: upgrade, newLayer: textsOnWebSocket, publisher: publishWebSocket}
	PeerTCP       = Protocol{Name: "TCP", request: subscribeTCP, newLayer: textsOnTCP, publisher: publishTCP}
	PeerNATS      = Protocol{Name: "NATS", request: subscribeNATS, newLayer: textsOnNATS, publisher: publishNATS}
)

const (
	subscribePath     = "/chat.v1.ChatRoom/Subscribe"
	chatPath          = "/chat.v1.ChatRoom/Chat"
	peerSubscribePath = "/bench.Room/Subscribe"
	peerPublishPath   = "/bench.Room/Publish"
)

// Shared returns the protocol with so many subscribers on each connection, as behind
// a proxy. It panics unless the protocol is one over HTTP/2.
func (d Protocol) Shared(streams int) Protocol {
	if d.another == nil {
		panic("load: " + d.Name + " has one subscriber on a connection")
	}
	d.streams = streams
	return d
}

func streamHeaders(contentType string) []hpack.HeaderField {
	return []hpack.HeaderField{
		{Name: "content-type", Value: contentType},
		{Name: "connect-protocol-version", Value: "1"},
		{Name: "te", Value: "trailers"},
		{Name: "user-agent", Value: "chatroom-bench"},
	}
}

// http2Protocol returns the protocol to a method that streams over HTTP/2.
func http2Protocol(name, path, contentType string, request func(Subscription) []byte,
	read func(*subscriber) h2Stream, publisher func(string) dialect,
) Protocol {
	another := func(id uint32, authority string, s Subscription) []byte {
		head := appendHead(nil, id, authority, path, streamHeaders(contentType)...)
		return appendFrame(head, http2.FrameData, http2.FlagDataEndStream, id, appendEnvelope(nil, request(s)))
	}
	return Protocol{
		Name: name,
		request: func(authority string, s Subscription) []byte {
			return append(openH2(), another(firstStream, authority, s)...)
		},
		newLayer:  func(out *[]byte, s *subscriber) layer { return newH2(out, read(s)) },
		publisher: publisher,
		another:   another,
		stream:    read,
	}
}

func emptyRequest(Subscription) []byte { return nil }

// serviceFrames reads what the service sends.
func serviceFrames(s *subscriber) h2Stream {
	return h2Stream{body: newEnvelopes(s.receiveFrame), onHeaders: func() {}}
}

// peerTexts reads what the peers on grpc-go send. They send the response's head once
// the subscriber has its place.
func peerTexts(s *subscriber) h2Stream {
	return h2Stream{body: newEnvelopes(s.receiveString), onHeaders: s.ready}
}

// http1Protocol returns the protocol to Subscribe over HTTP/1.1.
func http1Protocol(name, contentType string) Protocol {
	return Protocol{
		Name: name,
		request: func(authority string, s Subscription) []byte {
			body := appendEnvelope(nil, subscribeRequest(s))
			return append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n"+
				"Connect-Protocol-Version: 1\r\nContent-Length: %d\r\n\r\n",
				subscribePath, authority, contentType, len(body)), body...)
		},
		newLayer: func(_ *[]byte, s *subscriber) layer {
			return newHTTP1("200", true, newEnvelopes(s.receiveFrame), func() {})
		},
		publisher: chat,
	}
}

func upgrade(authority string, _ Subscription) []byte {
	return fmt.Appendf(nil, "GET /subscribe HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", authority)
}

// textsOnWebSocket is ready with the first, empty message.
func textsOnWebSocket(out *[]byte, s *subscriber) layer {
	return newHTTP1("101", false, newWebSocket(out, func(p []byte) error {
		if len(p) == 0 {
			s.ready()
			return nil
		}
		return s.text(p)
	}), func() {})
}

// subscribeTCP and publishTCP begin with a byte that says which of them it is.
func subscribeTCP(string, Subscription) []byte { return []byte("S") }

func textsOnTCP(_ *[]byte, s *subscriber) layer { return newFrames(s.ready, s.text) }

func subscribeNATS(_ string, s Subscription) []byte {
	return fmt.Appendf(natsConnect(false), "SUB %s 1\r\nPING\r\n", s.Room)
}

func textsOnNATS(out *[]byte, s *subscriber) layer { return newNATS(out, s.ready, func() {}, s.text) }
