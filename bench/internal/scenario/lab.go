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
	"slices"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
)

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
	data := "memory"
	if !v.Memory && v.Peer == "" {
		if data, err = os.MkdirTemp(l.Dir, "data"); err != nil {
			return err
		}
		defer os.RemoveAll(data)
	}
	server, err := l.serve(ctx, v, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return measure(server)
}

// serve starts a variant's server. Peers keep no data.
func (l *Lab) serve(ctx context.Context, v Variant, data string) (*proc.Process, error) {
	if v.Peer != "" {
		return proc.Start(ctx, l.Self, "peer", v.Peer)
	}
	args := []string{"-listen", "127.0.0.1:0", "-data", data, "-drain", "1ms"}
	if !v.Limited {
		args = append(args, "-limits", "off")
	}
	return proc.Start(ctx, l.Server, slices.Concat(args, v.Flags, l.Flags)...)
}

// converse connects a publisher, and a pool that is still empty, to a server.
func converse(ctx context.Context, server *proc.Process, v Variant, rooms []string, talk func(*load.Session) error) (err error) {
	pool, err := load.NewClientPool(server.Address, v.Protocol)
	if err != nil {
		return err
	}
	defer pool.Close()
	publisher, err := load.Dial(ctx, server.Address, v.Protocol)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, publisher.Close()) }()
	return talk(&load.Session{ClientPool: pool, Publisher: publisher, Rooms: rooms})
}
