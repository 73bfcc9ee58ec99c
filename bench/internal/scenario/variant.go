package scenario

import "chatroom/bench/internal/load"

// Variant is a server and the protocol by which it is reached.
type Variant struct {
	// Name is unique within a scenario, such as "chatroom, Connect h2".
	Name string
	// Protocol is how subscribers and the publisher reach it.
	Protocol load.Protocol
	// Peer names a peer. It is empty for the service.
	Peer string
	// Flags are the service's flags, besides -listen and -data.
	Flags []string
	// Memory runs the service with -data memory instead of a directory.
	Memory bool
	// Limited leaves the service's limits as they are by default, instead of -limits off.
	Limited bool
}

// The names of variants that scenarios and targets refer to.
const (
	connectH2       = "chatroom, Connect h2"
	connectH2Shared = "chatroom, Connect h2, one connection"
	connectHTTP1    = "chatroom, Connect HTTP/1.1"
	connectH2Memory = "chatroom, Connect h2, -data memory"
	connectH2TLS    = "chatroom, Connect h2 over TLS"
	rawTCP          = "raw TCP, a write each"
	rawTLS          = "raw TCP over TLS, a write each"
	grpcChannels    = "grpc-go, channels"
	gorilla         = "gorilla WebSocket, drained"
	natsCore        = "NATS core"
)

// everyone is all that are compared, the floor first.
func everyone() []Variant {
	return []Variant{
		{Name: rawTCP, Protocol: load.PeerTCP, Peer: "tcp"},
		{Name: rawTLS, Protocol: load.PeerTCP.OverTLS(), Peer: "tls"},
		{Name: gorilla, Protocol: load.PeerWebSocket, Peer: "gorilla"},
		{Name: grpcChannels, Protocol: load.PeerGRPC, Peer: "grpc"},
		{Name: connectH2, Protocol: load.ConnectH2},
		{Name: connectH2TLS, Protocol: load.ConnectH2.OverTLS(), Flags: []string{"-tls-self-signed"}},
		{Name: connectHTTP1, Protocol: load.ConnectHTTP1},
		{Name: "chatroom, gRPC", Protocol: load.GRPC},
		{Name: "chatroom, gRPC-Web HTTP/1.1", Protocol: load.GRPCWeb},
		{Name: connectH2Memory, Protocol: load.ConnectH2, Memory: true},
		{Name: "grpc-go, naive loop", Protocol: load.PeerGRPC, Peer: "naive"},
		{Name: natsCore, Protocol: load.PeerNATS, Peer: "nats"},
	}
}

// delivering is what most scenarios compare.
func delivering() []Variant {
	return named(rawTCP, rawTLS, gorilla, grpcChannels, connectH2, connectH2TLS, connectHTTP1)
}

// sharing has all subscribers on one connection of HTTP/2, as behind a proxy,
// beside the floor, which has a connection for each.
func sharing(subscribers int) []Variant {
	return append(named(rawTCP),
		Variant{Name: "grpc-go, channels, one connection", Protocol: load.PeerGRPC.Shared(subscribers), Peer: "grpc"},
		Variant{Name: connectH2Shared, Protocol: load.ConnectH2.Shared(subscribers)})
}

// named returns the variants with these names, in the order of everyone.
func named(names ...string) []Variant {
	var found []Variant
	for _, v := range everyone() {
		for _, name := range names {
			if v.Name == name {
				found = append(found, v)
			}
		}
	}
	return found
}
