// Package peer holds the servers that the service is compared with. Each is
// written as well as its kind can be: a list of subscribers, and a fan-out of
// every message that is published to all of them. A message is answered as soon as
// it is received, so that its publisher need not wait for the fan-out. They store
// nothing, have one room (NATS has more), and authenticate no one; the service does
// all of that in the same measurement.
package peer

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
)

// queue is how many messages may wait for one subscriber, in the peers that have
// a queue for each. It is more than what the load generator has under way, so a
// full one makes the publisher wait rather than drop anything.
const queue = 256

// servers serve until ctx ends. They call listening once they do.
var servers = map[string]func(ctx context.Context, listening func(net.Addr)) error{
	"tcp":     onListener(serveTCP),
	"tls":     onListener(serveTLS),
	"grpc":    onListener(serveGRPC),
	"naive":   onListener(serveNaive),
	"gorilla": onListener(serveGorilla),
	"nats":    serveNATS,
}

// Names returns the names of the peers.
func Names() []string { return slices.Sorted(maps.Keys(servers)) }

// Run serves the named peer on a port of its own choice, which it prints, until
// ctx ends.
func Run(ctx context.Context, name string, stdout io.Writer) error {
	serve, ok := servers[name]
	if !ok {
		return fmt.Errorf("no peer %q, only %v", name, Names())
	}
	return serve(ctx, func(address net.Addr) { fmt.Fprintf(stdout, "%s: listens on %s\n", name, address) })
}

func onListener(serve func(context.Context, net.Listener) error) func(context.Context, func(net.Addr)) error {
	return func(ctx context.Context, listening func(net.Addr)) error {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		listening(listener.Addr())
		return serve(ctx, listener)
	}
}
