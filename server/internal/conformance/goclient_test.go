package main

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	"chatroom/server/internal/conformance/goclient"
	"chatroom/server/internal/conformance/kit"
)

// The Go client passes, by each transport and protocol, in bubbles.
func TestGoClientPasses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		http2  bool
		config goclient.Config
	}{
		{"Chat over Connect", true, goclient.Config{Transport: client.Bidi}},
		{"Chat over gRPC", true, goclient.Config{Transport: client.Bidi, Options: []connect.ClientOption{connect.WithGRPC()}}},
		{"Subscribe over Connect and HTTP/2", true, goclient.Config{Transport: client.Split}},
		{"Subscribe over gRPC-Web and HTTP/1.1", false, goclient.Config{Transport: client.Split, Options: []connect.ClientOption{connect.WithGRPCWeb()}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := newNetwork()
				checkPasses(t, kit.Run(t.Context(), kit.Config{
					Client: kit.Func(func(ctx context.Context, in io.Reader, out io.Writer) error {
						// The pings are those of the client's own connections.
						transport := &http.Transport{
							DialContext: network.dial, Protocols: new(http.Protocols),
							HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
						}
						transport.Protocols.SetHTTP1(!tt.http2)
						transport.Protocols.SetUnencryptedHTTP2(tt.http2)
						defer transport.CloseIdleConnections()
						config := tt.config
						config.HTTP = &http.Client{Transport: transport}
						return goclient.Run(ctx, in, out, config)
					}),
					Network:  network.kit(),
					Parallel: len(kit.Scenarios()),
				}))
			})
		})
	}
}
