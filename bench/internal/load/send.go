package load

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	sendPath   = "/chat.v1.ChatRoom/Send"
	signInPath = "/chat.v1.ChatRoom/SignIn"
)

// SendConfig says how clients publish with unary calls of Connect over HTTP/1.1.
type SendConfig struct {
	Clients int
	// Rooms are sent to in turn.
	Rooms []string
	// JSON encodes messages in JSON, as browsers and scripts do.
	JSON bool
	// SignedIn gives each client a token of its own.
	SignedIn bool
}

// Callers are clients that call Send, each on a connection of its own and each
// after the answer to the call before. Create them with DialCallers.
type Callers struct {
	callers []*caller
}

// caller is one client.
type caller struct {
	SendConfig
	conn    net.Conn
	reader  *bufio.Reader
	host    string
	name    string // makes its ids its own
	token   string // empty without one
	buffer  []byte
	answer  []byte
	room    int // of the next call, in Rooms
	sent    uint64
	last    []uint64 // the sequence that the last answer gave, by room
	latency Histogram
}

// DialCallers connects clients to the service at address, and signs them in.
func DialCallers(ctx context.Context, address string, config SendConfig) (*Callers, error) {
	all := new(Callers)
	for i := range config.Clients {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		c := &caller{
			SendConfig: config, conn: conn, reader: bufio.NewReader(conn), host: address, name: strconv.Itoa(i),
			room: i % len(config.Rooms), last: make([]uint64, len(config.Rooms)),
		}
		all.callers = append(all.callers, c)
		if config.SignedIn {
			err = c.signIn()
		}
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
	}
	return all, nil
}

// Close ends all connections.
func (c *Callers) Close() error {
	var errs []error
	for _, caller := range c.callers {
		errs = append(errs, caller.conn.Close())
	}
	return errors.Join(errs...)
}

// Send publishes from all clients at once for a duration. An answer that puts an
// event before one of the same client and room that was answered earlier is an
// error.
func (c *Callers) Send(ctx context.Context, duration time.Duration) (*Outcome, error) {
	start := now()
	errs := make([]error, len(c.callers))
	before := c.sent()
	var sending sync.WaitGroup
	for i, caller := range c.callers {
		caller.latency = Histogram{}
		sending.Go(func() {
			for errs[i] == nil && now() < start+int64(duration) {
				errs[i] = errors.Join(caller.send(), ctx.Err())
			}
		})
	}
	sending.Wait()
	outcome := &Outcome{Elapsed: time.Duration(now() - start), Deliveries: c.sent() - before}
	for _, caller := range c.callers {
		outcome.Latency.Merge(&caller.latency)
	}
	return outcome, errors.Join(errs...)
}

func (c *Callers) sent() uint64 {
	var sent uint64
	for _, caller := range c.callers {
		sent += caller.sent
	}
	return sent
}

func (c *caller) signIn() error {
	var answer struct{ Token string }
	if err := c.call(signInPath, "application/json", fmt.Appendf(nil, `{"name":"client %s"}`, c.name)); err != nil {
		return err
	}
	if err := json.Unmarshal(c.answer, &answer); err != nil {
		return fmt.Errorf("SignIn answered %q: %w", c.answer, err)
	}
	c.token = answer.Token
	return nil
}

// send makes one call of Send.
func (c *caller) send() error {
	start := now()
	c.sent++
	room := c.Rooms[c.room]
	id := c.name + "-" + strconv.FormatUint(c.sent, 10)
	var text [TextSize]byte
	appendText(text[:0], c.sent, start)
	var err error
	if c.JSON {
		err = c.call(sendPath, "application/json",
			fmt.Appendf(nil, `{"room":"%s","id":"%s","message":{"text":"%s"}}`, room, id, text))
	} else {
		err = c.call(sendPath, "application/proto", sendRequest(room, id, text[:]))
	}
	if err != nil {
		return err
	}
	c.latency.Add(time.Duration(now() - start))
	sequence, err := c.sequence()
	if err == nil && sequence <= c.last[c.room] {
		err = fmt.Errorf("Send answered sequence %d after %d", sequence, c.last[c.room])
	}
	c.last[c.room] = sequence
	// The clients begin side by side, so a step of their number brings each client
	// to another room, and all of them together to every room.
	c.room = (c.room + c.Clients) % len(c.Rooms)
	return err
}

// sequence reads a SendResponse.
func (c *caller) sequence() (uint64, error) {
	if c.JSON {
		var answer struct {
			Sequence uint64 `json:",string"`
		}
		err := json.Unmarshal(c.answer, &answer)
		return answer.Sequence, err
	}
	var sequence uint64
	err := fields(c.answer, func(number protowire.Number, v uint64, _ []byte) error {
		if number == sendResponseSequence {
			sequence = v
		}
		return nil
	})
	return sequence, err
}

// call makes one call, and leaves the body of the answer in c.answer.
func (c *caller) call(path, contentType string, body []byte) error {
	c.buffer = fmt.Appendf(c.buffer[:0], "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n"+
		"Connect-Protocol-Version: 1\r\nContent-Length: %d\r\n", path, c.host, contentType, len(body))
	if c.token != "" {
		c.buffer = fmt.Appendf(c.buffer, "Authorization: Bearer %s\r\n", c.token)
	}
	c.buffer = append(append(c.buffer, "\r\n"...), body...)
	if err := c.conn.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	if _, err := c.conn.Write(c.buffer); err != nil {
		return err
	}
	status, length, err := readHead(c.reader)
	if err != nil {
		return err
	}
	c.answer = append(c.answer[:0], make([]byte, length)...)
	if _, err := io.ReadFull(c.reader, c.answer); err != nil {
		return err
	}
	if status != "200" {
		return fmt.Errorf("%s answered %s: %s", path, status, c.answer)
	}
	return nil
}
