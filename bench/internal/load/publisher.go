package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// dialect is how a publisher speaks.
type dialect struct {
	open []byte // sent first
	// newLayer returns what takes the bytes that the server answers with.
	newLayer func(*Publisher) layer
	// append appends what publishes one text.
	append func(dst []byte, room, id string, text []byte) []byte
	// limited says that the peer limits what may be sent, as HTTP/2 does.
	limited bool
}

// Publisher is the one connection that publishes. Create it with Dial. Its
// methods are for one goroutine.
type Publisher struct {
	dialect
	conn    net.Conn
	reading sync.WaitGroup
	ready   chan struct{} // closed when the server accepts texts
	isReady bool          // for the reading goroutine
	added   uint64        // texts, which gives each its id
	buffer  []byte
	ends    []int  // of the texts in buffer
	out     []byte // what the protocol wants to be written

	answers atomic.Uint64
	changed chan struct{} // capacity 1: answers, budgets or err have changed

	writing sync.Mutex // held while writing to conn

	mu         sync.Mutex // guards below
	connection int64      // bytes that may be sent
	stream     int64
	initial    int64 // what a stream begins with
	last       Cursor
	err        error
}

// Dial connects a publisher to the server at address by the protocol.
func Dial(ctx context.Context, address string, protocol Protocol) (*Publisher, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if protocol.tls != nil {
		conn = tls.Client(conn, protocol.tls)
	}
	const initial = 65535 // what HTTP/2 begins with
	p := &Publisher{
		dialect: protocol.publisher(address), conn: conn,
		ready: make(chan struct{}), changed: make(chan struct{}, 1),
		connection: initial, stream: initial, initial: initial,
	}
	// A server of HTTP/2 may send settings at once, whose acknowledgement must not
	// come before the preface: so reading begins after writing.
	if err := p.write(p.open); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.reading.Go(p.read)
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	for {
		select {
		case <-p.ready:
			return p, nil
		case <-p.changed:
			err = p.Err()
		case <-ctx.Done():
			err = fmt.Errorf("the publisher is not ready: %w", ctx.Err())
		}
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
}

// Close ends the connection and waits for its goroutine.
func (p *Publisher) Close() error {
	err := p.conn.Close()
	p.reading.Wait()
	return err
}

// Err returns what ended the connection.
func (p *Publisher) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Cursor returns where the service has put the last text that it has answered.
func (p *Publisher) Cursor() Cursor {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// Answers returns how many texts the server has answered.
func (p *Publisher) Answers() uint64 { return p.answers.Load() }

// add puts one text behind what will be written by flush.
func (p *Publisher) add(room string, number uint64, due int64) {
	var text [TextSize]byte
	var id [16]byte
	p.added++
	p.buffer = p.append(p.buffer, room, string(appendHex(id[:0], p.added)), appendText(text[:0], number, due))
	p.ends = append(p.ends, len(p.buffer))
}

// flush writes what was added.
func (p *Publisher) flush(ctx context.Context) error {
	const step = 16 << 10 // less than any peer's window
	begin, texts := 0, 0
	for i, end := range p.ends {
		texts++
		if i+1 < len(p.ends) && p.ends[i+1]-begin <= step {
			continue
		}
		// Each text is a frame, of which the peer counts all but the header.
		if err := p.spend(ctx, int64(end-begin-texts*frameHeader)); err != nil {
			return err
		}
		if err := p.write(p.buffer[begin:end]); err != nil {
			return err
		}
		begin, texts = end, 0
	}
	p.buffer, p.ends = p.buffer[:0], p.ends[:0]
	return ctx.Err()
}

func (p *Publisher) write(b []byte) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := p.conn.SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	_, err := p.conn.Write(b)
	return err
}

// spend waits until the peer takes n more bytes of data. What it does not count must
// not be in n: it would never be given back.
func (p *Publisher) spend(ctx context.Context, n int64) error {
	for {
		p.mu.Lock()
		enough, err := !p.limited || n <= min(p.connection, p.stream), p.err
		if enough {
			p.connection -= n
			p.stream -= n
		}
		p.mu.Unlock()
		if enough || err != nil {
			return err
		}
		select {
		case <-p.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *Publisher) read() {
	layer := p.newLayer(p)
	buffer := make([]byte, 64<<10)
	for {
		n, err := p.conn.Read(buffer)
		if err == nil {
			err = layer.feed(buffer[:n])
		}
		if err == nil && len(p.out) > 0 {
			err = p.write(p.out)
			p.out = p.out[:0]
		}
		if err != nil {
			p.mu.Lock()
			p.err = fmt.Errorf("the publisher's connection: %w", err)
			p.mu.Unlock()
		}
		p.notify()
		if err != nil {
			return
		}
	}
}

func (p *Publisher) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *Publisher) becomeReady() {
	if !p.isReady {
		p.isReady = true
		close(p.ready)
	}
}

// onWindowUpdate adds what the peer accepts in addition.
func (p *Publisher) onWindowUpdate(stream, bytes uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stream == 0 {
		p.connection += int64(bytes)
	} else {
		p.stream += int64(bytes)
	}
}

func (p *Publisher) setting(id http2.SettingID, value uint32) {
	if id != http2.SettingInitialWindowSize {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stream += int64(value) - p.initial
	p.initial = int64(value)
}
