// Package attack floods a server on this machine for a bounded time: HTTP/2 connections
// with a bounded number of frames of one kind, or the service with calls of one kind.
package attack

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

const (
	maxFrames      = 2_000_000 // on a connection
	maxConnections = 200_000
	// maxDuration is what an attack may last at most.
	maxDuration = time.Minute
	dialTimeout = 5 * time.Second
)

// Result is what became of an attack.
type Result struct {
	// Connections is how many connections the server served, and Refused how many it
	// ended before it said a byte.
	Connections, Refused int
	// Frames is how many frames were written.
	Frames int
	// Closed is the time from the first hostile frame until the server closed the
	// first connection, and 0 if it did not.
	Closed time.Duration
}

// Command runs an attack that args describe and prints its result as JSON: the kind,
// the address 127.0.0.1:PORT, the duration, and whether the attacker connects again, or
// "calls" for a flood of calls.
func Command(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 4 {
		return fmt.Errorf("attack: %q is not KIND ADDRESS DURATION AGAIN|calls", args)
	}
	duration, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, min(duration, maxDuration))
	defer cancel()
	var result any
	if args[3] == "calls" {
		result, err = Calls(ctx, args[0], args[1])
	} else {
		var again bool
		if again, err = strconv.ParseBool(args[3]); err == nil {
			result, err = Run(ctx, args[0], args[1], again)
		}
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(result)
}

func checkLoopback(address string) error {
	if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("%s is not on this machine's loopback", address)
	}
	return nil
}

// Run attacks the server at address until ctx ends. When its connection is closed the
// attacker stops, or connects again at once.
func Run(ctx context.Context, name, address string, again bool) (Result, error) {
	var r Result
	k, err := find(name)
	if err != nil {
		return r, err
	}
	if err := checkLoopback(address); err != nil {
		return r, err
	}
	for ctx.Err() == nil && r.Connections+r.Refused < maxConnections {
		served, closed := r.connect(ctx, k, address)
		switch {
		case !served && ctx.Err() != nil: // it may have been served a moment later
		case !served:
			r.Refused++
		case r.Connections == 0:
			r.Closed = closed
			fallthrough
		default:
			r.Connections++
		}
		if !again {
			break
		}
	}
	return r, nil
}

// connect floods one connection until the server closes it or ctx ends.
func (r *Result) connect(ctx context.Context, k kind, address string) (served bool, closed time.Duration) {
	nc, err := net.DialTimeout("tcp", address, dialTimeout)
	if err != nil {
		return false, 0
	}
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	// To close a connection that is flooded makes ports hard to get otherwise.
	_ = nc.(*net.TCPConn).SetLinger(0)

	start := time.Now()
	var reading sync.WaitGroup
	reading.Go(func() {
		n, _ := io.Copy(io.Discard, nc)
		served = n > 0
		if ctx.Err() == nil {
			closed = time.Since(start)
		}
		_ = nc.Close() // ends the writing
	})
	out := bufio.NewWriter(nc)
	f := newFlooder(out, address)
	err = f.open(k)
	for i := 0; err == nil && i < maxFrames; i++ {
		if k.streams > 0 && i == k.streams {
			_ = out.Flush() // reading shows whether it arrives
			break
		}
		err = k.next(f, uint32(i))
		r.Frames++
	}
	reading.Wait()
	return served, closed
}

// open writes the preface and what the flood needs first.
func (f *flooder) open(k kind) error {
	if _, err := io.WriteString(f.out, http2.ClientPreface); err != nil {
		return err
	}
	if err := f.framer.WriteSettings(k.settings...); err != nil {
		return err
	}
	if k.begin != nil {
		if err := k.begin(f); err != nil {
			return err
		}
	}
	return f.out.Flush() // so that the server answers while the buffer fills
}
