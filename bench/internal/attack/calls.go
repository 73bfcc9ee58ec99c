package attack

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// callers is how many calls a flood has in flight, each on a connection of its own.
	callers = 16
	// attacker is the address that floods come from. It is another one than that of the
	// bystanders, whose limits they would share otherwise.
	attacker = "127.0.0.2"
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 1 << 20
	// redial is the pause after a connection that was refused.
	redial = 10 * time.Millisecond
)

// CallResult is what became of a flood of calls.
type CallResult struct {
	// Passed is how many calls were answered with success, Refused how many with
	// resource_exhausted, and Failed how many with another error.
	Passed, Refused, Failed int64
	// Connections is how many were made, and Ended how many of them the server closed
	// or refused.
	Connections, Ended int64
}

// callKind is a flood of calls of one kind by one caller.
type callKind struct {
	name      string
	path      string
	body      func(i int64) string // of the i-th call, in JSON
	anonymous bool
}

const service = "/chat.v1.ChatRoom/"

var callKinds = []callKind{
	{name: "Send", path: "Send", body: func(i int64) string {
		return fmt.Sprintf(`{"room":"flood","id":"%d","message":{"text":"flood"}}`, i)
	}},
	{name: "Send of 16 KB", path: "Send", body: func(i int64) string {
		return fmt.Sprintf(`{"room":"flood","id":"%d","message":{"text":"%s"}}`, i, long)
	}},
	{name: "Send to new rooms", path: "Send", body: func(i int64) string {
		return fmt.Sprintf(`{"room":"flood-%d","id":"%d","message":{"text":"flood"}}`, i, i)
	}},
	{name: "reactions", path: "Send", body: func(i int64) string {
		return fmt.Sprintf(`{"room":"flood","id":"%d","reaction":{"target":1,"emoji":"👍","removed":%t}}`, i, i%2 == 1)
	}},
	{name: "typing", path: "Send", body: func(i int64) string {
		return fmt.Sprintf(`{"room":"flood","id":"%d","typing":{}}`, i)
	}},
	{name: "SignIn", path: "SignIn", anonymous: true, body: func(i int64) string { return fmt.Sprintf(`{"name":"flood %d"}`, i) }},
	{name: "ListRooms", path: "ListRooms", body: func(int64) string { return `{"pageSize":1000}` }},
	{name: "ListEvents", path: "ListEvents", body: func(int64) string { return `{"room":"bench","pageSize":500}` }},
	{name: "ListMembers", path: "ListMembers", body: func(int64) string { return `{"room":"bench"}` }},
	{name: "SetRoom", path: "SetRoom", body: func(i int64) string { return fmt.Sprintf(`{"room":"flood","topic":"%d"}`, i) }},
	{name: "joins and leaves", path: "Subscribe", body: func(int64) string { return `{"rooms":[{"room":"bench"}]}` }},
	{name: "invalid calls", path: "Send", body: func(int64) string { return `{"room":"NO","id":"","message":{}}` }},
}

// long is a text of 4,000 code points, the longest there may be.
var long = string(bytes.Repeat([]byte("🙂"), 4000))

// CallKinds returns the names of the floods of calls.
func CallKinds() []string {
	names := make([]string, len(callKinds))
	for i, k := range callKinds {
		names[i] = k.name
	}
	return names
}

// Calls makes calls of one kind, as one member, until ctx ends, callers at a time and each
// after the answer to the one before.
func Calls(ctx context.Context, name, address string) (CallResult, error) {
	var k *callKind
	for i := range callKinds {
		if callKinds[i].name == name {
			k = &callKinds[i]
		}
	}
	if k == nil {
		return CallResult{}, fmt.Errorf("no flood of calls %q, only %q", name, CallKinds())
	}
	if err := checkLoopback(address); err != nil {
		return CallResult{}, err
	}
	f := &callFlood{callKind: *k, address: address}
	if !k.anonymous {
		if err := f.signIn(ctx); err != nil {
			return CallResult{}, err
		}
	}
	var calling sync.WaitGroup
	for range callers {
		calling.Go(func() {
			for ctx.Err() == nil {
				if f.connect(ctx) != nil && ctx.Err() == nil {
					f.ended.Add(1)
				}
			}
		})
	}
	calling.Wait()
	return CallResult{f.passed.Load(), f.refused.Load(), f.failed.Load(), f.connections.Load(), f.ended.Load()}, nil
}

// callFlood is a flood in progress.
type callFlood struct {
	callKind
	address string
	token   string

	calls, passed, refused, failed, connections, ended atomic.Int64
}

func (f *callFlood) dial(ctx context.Context) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(attacker)}, Timeout: dialTimeout}
	nc, err := dialer.DialContext(ctx, "tcp", f.address)
	if err == nil {
		_ = nc.(*net.TCPConn).SetLinger(0) // so that ports are free again at once
	}
	return nc, err
}

func (f *callFlood) signIn(ctx context.Context) error {
	nc, err := f.dial(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := f.write(nc, "SignIn", `{"name":"flooder"}`); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct{ Token string }
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); err != nil || answer.Token == "" {
		return fmt.Errorf("SignIn answered %s: %w", response.Status, errors.Join(err, errNoToken))
	}
	f.token = answer.Token
	return nil
}

var errNoToken = errors.New("no token")

func (f *callFlood) write(nc net.Conn, method, body string) error {
	contentType := "application/json"
	if method == "Subscribe" {
		contentType = "application/connect+json"
		body = string([]byte{0, 0, 0, byte(len(body) >> 8), byte(len(body))}) + body
	}
	authorization := ""
	if f.token != "" {
		authorization = "Authorization: Bearer " + f.token + "\r\n"
	}
	_, err := fmt.Fprintf(nc, "POST %s%s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s",
		service, method, f.address, contentType, authorization, len(body), body)
	return err
}

// connect makes calls on a connection until it ends or ctx does. A stream that has begun is
// left by closing its connection.
func (f *callFlood) connect(ctx context.Context) error {
	nc, err := f.dial(ctx)
	if err != nil {
		time.Sleep(redial)
		return err
	}
	defer nc.Close()
	f.connections.Add(1)
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	for answers := bufio.NewReader(nc); ctx.Err() == nil; {
		if err := f.write(nc, f.path, f.body(f.calls.Add(1))); err != nil {
			return err
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		if f.path == "Subscribe" {
			return f.leave(response.Body)
		}
		_, err = io.CopyN(io.Discard, response.Body, maxAnswer)
		_ = response.Body.Close()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		switch response.StatusCode {
		case http.StatusOK:
			f.passed.Add(1)
		case http.StatusTooManyRequests:
			f.refused.Add(1)
		default:
			f.failed.Add(1)
		}
		if response.Close {
			return errClosed
		}
	}
	return nil
}

var errClosed = errors.New("the server closes the connection")

// leave reads the first frame of a stream, which is Joined unless it was refused. Closing the
// body would wait for the rest.
func (f *callFlood) leave(body io.Reader) error {
	head := make([]byte, 5)
	if _, err := io.ReadFull(body, head); err != nil {
		return err
	}
	const endOfStream = 2
	if head[0]&endOfStream == 0 {
		f.passed.Add(1)
	} else {
		f.refused.Add(1)
	}
	return nil
}
