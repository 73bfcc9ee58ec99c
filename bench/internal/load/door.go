package load

import (
	"fmt"

	"golang.org/x/net/http2/hpack"
)

// Door is a protocol by which a subscriber reaches a server.
type Door struct {
	// Name is what the door is called in figures.
	Name string
	// request returns what a subscriber sends first.
	request func(authority, room string) []byte
	// protocol returns what takes the bytes that the subscriber receives.
	protocol func(*subscriber) layer
	// publisher returns how the one publisher speaks.
	publisher func(authority string) dialect
}

// The doors of the service, and those of the peers.
var (
	ConnectH2    = Door{"Connect h2", subscribeH2("application/connect+proto"), framesOnH2, chat}
	GRPC         = Door{"gRPC", subscribeH2("application/grpc+proto"), framesOnH2, chat}
	ConnectHTTP1 = Door{"Connect HTTP/1.1", subscribeHTTP1("application/connect+proto"), framesOnHTTP1, chat}
	GRPCWeb      = Door{"gRPC-Web", subscribeHTTP1("application/grpc-web+proto"), framesOnHTTP1, chat}

	PeerGRPC      = Door{"gRPC", subscribePeer, stringsOnH2, publishPeer}
	PeerWebSocket = Door{"WebSocket", upgrade, textsOnWebSocket, publishWebSocket}
	PeerTCP       = Door{"TCP", subscribeTCP, textsOnTCP, publishTCP}
	PeerNATS      = Door{"NATS", subscribeNATS, textsOnNATS, publishNATS}
)

const (
	subscribePath     = "/chat.v1.ChatRoom/Subscribe"
	chatPath          = "/chat.v1.ChatRoom/Chat"
	peerSubscribePath = "/bench.Room/Subscribe"
	peerPublishPath   = "/bench.Room/Publish"
)

func streamHeaders(contentType string) []hpack.HeaderField {
	return []hpack.HeaderField{
		{Name: "content-type", Value: contentType},
		{Name: "connect-protocol-version", Value: "1"},
		{Name: "te", Value: "trailers"},
		{Name: "user-agent", Value: "chatroom-bench"},
	}
}

func subscribeH2(contentType string) func(authority, room string) []byte {
	return func(authority, room string) []byte {
		head := openH2(authority, subscribePath, streamHeaders(contentType)...)
		return appendEnd(head, appendEnvelope(nil, subscribeRequest(room)))
	}
}

func subscribePeer(authority, _ string) []byte {
	head := openH2(authority, peerSubscribePath, streamHeaders("application/grpc+proto")...)
	return appendEnd(head, appendEnvelope(nil, nil))
}

func framesOnH2(s *subscriber) layer {
	return newH2(&s.out, newEnvelopes(s.receiveFrame), func() {})
}

// stringsOnH2 is ready with the response's head: the peers send it once the
// subscriber has its place.
func stringsOnH2(s *subscriber) layer {
	return newH2(&s.out, newEnvelopes(s.receiveString), s.ready)
}

func subscribeHTTP1(contentType string) func(authority, room string) []byte {
	return func(authority, room string) []byte {
		body := appendEnvelope(nil, subscribeRequest(room))
		return append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n"+
			"Connect-Protocol-Version: 1\r\nContent-Length: %d\r\n\r\n",
			subscribePath, authority, contentType, len(body)), body...)
	}
}

func framesOnHTTP1(s *subscriber) layer {
	return newHTTP1("200", true, newEnvelopes(s.receiveFrame), func() {})
}

func upgrade(authority, _ string) []byte {
	return fmt.Appendf(nil, "GET /subscribe HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", authority)
}

// textsOnWebSocket is ready with the first, empty message.
func textsOnWebSocket(s *subscriber) layer {
	return newHTTP1("101", false, newWebSocket(&s.out, func(p []byte) error {
		if len(p) == 0 {
			s.ready()
			return nil
		}
		return s.text(p)
	}), func() {})
}

// subscribeTCP and publishTCP begin with a byte that says which of them it is.
func subscribeTCP(string, string) []byte { return []byte("S") }

func textsOnTCP(s *subscriber) layer { return newFrames(s.ready, s.text) }

func subscribeNATS(_, room string) []byte {
	return fmt.Appendf(natsConnect(), "SUB %s 1\r\nPING\r\n", room)
}

func textsOnNATS(s *subscriber) layer { return newNATS(&s.out, s.ready, s.text) }

// appendEnd appends the last DATA frame of a request.
func appendEnd(dst, body []byte) []byte {
	const data, endStream = 0, 1
	return appendFrame(dst, data, endStream, theStream, body)
}
