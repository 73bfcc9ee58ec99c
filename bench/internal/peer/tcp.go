package peer

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// maxMessage bounds what is taken from a publisher.
const maxMessage = 1 << 20

// floor is the least that a delivery can cost: one write(2), without a protocol.
// A connection begins with a byte, S for a subscriber and P for the publisher.
// Then messages follow, with four bytes of length before each; an empty one says
// that the connection has its place, and to the publisher each later one that a
// message was received.
type floor struct {
	mu          sync.Mutex // guards below, and is held while writing
	subscribers map[net.Conn]struct{}
}

func serveTCP(ctx context.Context, listener net.Listener) error {
	f := &floor{subscribers: make(map[net.Conn]struct{})}
	return serveConns(ctx, listener, f.serve)
}

// serveConns serves each connection in a goroutine, and waits for all of them
// when ctx ends.
func serveConns(ctx context.Context, listener net.Listener, serve func(net.Conn) error) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil && errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		serving.Go(func() {
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			defer conn.Close()
			_ = serve(conn) // how a client ends is its own affair
		})
	}
}

func (f *floor) serve(conn net.Conn) error {
	var kind [1]byte
	if _, err := io.ReadFull(conn, kind[:]); err != nil {
		return err
	}
	ready := binary.BigEndian.AppendUint32(nil, 0)
	if kind[0] == 'P' {
		if _, err := conn.Write(ready); err != nil {
			return err
		}
		return f.publish(conn)
	}
	f.mu.Lock()
	f.subscribers[conn] = struct{}{}
	_, err := conn.Write(ready)
	f.mu.Unlock()
	if err == nil {
		_, err = conn.Read(kind[:]) // until it ends
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subscribers, conn)
	return err
}

func (f *floor) publish(conn net.Conn) error {
	reader := bufio.NewReader(conn)
	var message []byte
	for {
		head, err := reader.Peek(4)
		if err != nil {
			return err
		}
		size := binary.BigEndian.Uint32(head)
		if size > maxMessage {
			return fmt.Errorf("a message of %d bytes", size)
		}
		message = append(message[:0], make([]byte, 4+size)...)
		if _, err := io.ReadFull(reader, message); err != nil {
			return err
		}
		if _, err := conn.Write(binary.BigEndian.AppendUint32(nil, 0)); err != nil {
			return err
		}
		f.mu.Lock()
		for subscriber := range f.subscribers {
			_, _ = subscriber.Write(message) // its own goroutine notices the end
		}
		f.mu.Unlock()
	}
}
