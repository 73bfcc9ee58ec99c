// Package scenario measures: each scenario runs a server in a process of its
// own, puts load on it, and returns figures.
package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
)

// Variant is a server and the door by which it is reached.
type Variant struct {
	// Name is unique, such as "chatroom Connect h2".
	Name string
	// Door is how subscribers and the publisher reach it.
	Door load.Door
	// Peer names a peer. It is empty for the service.
	Peer string
	// Flags are the service's flags, besides -listen and -data.
	Flags []string
	// Memory runs the service with -data memory instead of a directory.
	Memory bool
}

// Variants are all that are compared, the service first.
var Variants = []Variant{
	{Name: "chatroom Connect h2", Door: load.ConnectH2},
	{Name: "chatroom gRPC", Door: load.GRPC},
	{Name: "chatroom Connect HTTP/1.1", Door: load.ConnectHTTP1},
	{Name: "chatroom gRPC-Web HTTP/1.1", Door: load.GRPCWeb},
	{Name: "chatroom Connect h2, memory", Door: load.ConnectH2, Memory: true},
	{Name: "raw TCP, a write each", Door: load.PeerTCP, Peer: "tcp"},
	{Name: "grpc-go, channels", Door: load.PeerGRPC, Peer: "grpc"},
	{Name: "grpc-go, naive loop", Door: load.PeerGRPC, Peer: "naive"},
	{Name: "gorilla WebSocket, drained", Door: load.PeerWebSocket, Peer: "gorilla"},
	{Name: "NATS core", Door: load.PeerNATS, Peer: "nats"},
}

// Lab is where servers run.
type Lab struct {
	// Server is the service's program, Self this one.
	Server, Self string
	// Dir holds the servers' data.
	Dir string
	// Flags are passed to the service, after a variant's own.
	Flags []string
}

// Build builds the service from the source in dir.
func (l *Lab) Build(ctx context.Context, dir string) error {
	l.Server = filepath.Join(l.Dir, "chatroom")
	build := exec.CommandContext(ctx, "go", "build", "-o", l.Server, "chatroom/server")
	build.Dir = dir
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the service in %s: %w\n%s", dir, err, output)
	}
	return nil
}

// with runs a variant's server while measure does.
func (l *Lab) with(ctx context.Context, v Variant, measure func(*proc.Process) error) (err error) {
	server, err := l.start(ctx, v)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return measure(server)
}

func (l *Lab) start(ctx context.Context, v Variant) (*proc.Process, error) {
	if v.Peer != "" {
		return proc.Start(ctx, l.Self, "peer", v.Peer)
	}
	data := "memory"
	if !v.Memory {
		dir, err := os.MkdirTemp(l.Dir, "data")
		if err != nil {
			return nil, err
		}
		data = dir
	}
	args := append([]string{"-listen", "127.0.0.1:0", "-data", data, "-drain", "1ms"}, v.Flags...)
	return proc.Start(ctx, l.Server, append(args, l.Flags...)...)
}
