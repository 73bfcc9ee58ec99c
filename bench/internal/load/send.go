package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

const sendPath = "/chat.v1.ChatRoom/Send"

// sender publishes with unary calls over one connection of HTTP/1.1, each after
// the answer to the one before.
type sender struct {
	conn    net.Conn
	reader  *bufio.Reader
	host    string
	room    string
	name    string // makes its ids its own
	buffer  []byte
	sent    uint64
	last    uint64 // the sequence that the last answer gave
	latency Histogram
}

// Send publishes to a room of the service from so many clients at once, for a
// duration. An answer that puts an event before one that was answered earlier is
// an error.
func Send(ctx context.Context, address, room string, clients int, duration time.Duration) (*Outcome, error) {
	start := now()
	senders := make([]*sender, clients)
	errs := make([]error, clients)
	var sending sync.WaitGroup
	for i := range senders {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			errs[i] = err
			continue
		}
		defer conn.Close()
		s := &sender{conn: conn, reader: bufio.NewReader(conn), host: address, room: room, name: strconv.Itoa(i)}
		senders[i] = s
		sending.Go(func() {
			for errs[i] == nil && now() < start+int64(duration) {
				errs[i] = errors.Join(s.send(), ctx.Err())
			}
		})
	}
	sending.Wait()
	outcome := &Outcome{Elapsed: time.Duration(now() - start)}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, s := range senders {
		outcome.Deliveries += s.sent
		outcome.Latency.Merge(&s.latency)
	}
	return outcome, nil
}

// send makes one call.
func (s *sender) send() error {
	start := now()
	s.sent++
	var text [TextSize]byte
	body := sendRequest(s.room, s.name+"-"+strconv.FormatUint(s.sent, 10), appendText(text[:0], s.sent, start))
	s.buffer = fmt.Appendf(s.buffer[:0], "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/proto\r\n"+
		"Connect-Protocol-Version: 1\r\nContent-Length: %d\r\n\r\n", sendPath, s.host, len(body))
	s.buffer = append(s.buffer, body...)
	if err := s.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := s.conn.Write(s.buffer); err != nil {
		return err
	}
	response, err := http.ReadResponse(s.reader, nil)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("Send answered %s: %s", response.Status, answer)
	}
	s.latency.Add(time.Duration(now() - start))
	return s.check(answer)
}

// check reads a SendResponse.
func (s *sender) check(answer []byte) error {
	var sequence uint64
	err := fields(answer, func(number protowire.Number, v uint64, _ []byte) error {
		if number == sendResponseSequence {
			sequence = v
		}
		return nil
	})
	if err == nil && sequence <= s.last {
		err = fmt.Errorf("Send answered sequence %d after %d", sequence, s.last)
	}
	s.last = sequence
	return err
}

// Pipeline publishes to a room on the publisher's stream, with at most window
// texts unanswered, for a duration.
func (p *Publisher) Pipeline(ctx context.Context, room string, window int, duration time.Duration) (*Outcome, error) {
	start, before := now(), p.Answers()
	sent := before
	for now() < start+int64(duration) {
		for sent-p.Answers() < uint64(window) {
			sent++
			p.add(room, sent, now())
		}
		if err := p.flush(ctx); err != nil {
			return nil, err
		}
		if err := p.wait(ctx, sent-uint64(window)+1); err != nil {
			return nil, err
		}
	}
	if err := p.wait(ctx, sent); err != nil {
		return nil, err
	}
	return &Outcome{Deliveries: sent - before, Elapsed: time.Duration(now() - start)}, nil
}

// wait returns when so many texts have been answered.
func (p *Publisher) wait(ctx context.Context, answers uint64) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for p.Answers() < answers {
		if err := p.Err(); err != nil {
			return err
		}
		select {
		case <-p.changed:
		case <-timeout.C:
			return fmt.Errorf("%d of %d texts are answered after %v: %w", p.Answers(), answers, patience, errUndelivered)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
