package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"chatroom/client"
	"chatroom/client/chat/internal/failure"
	"chatroom/client/chat/internal/lines"
)

// maxLine is how long a line may be, in bytes. Longer ones than a message can have are
// refused by the server, with its reason.
const maxLine = 60_000

// pipes is a run without a screen.
type pipes struct {
	client  *client.Client
	options *options
	stderr  io.Writer
}

// run sends the lines of the input, and prints the events of the room.
func (p *pipes) run(ctx context.Context, m mode, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !m.print {
		return p.send(ctx, in)
	}
	printer := lines.Printer{Out: out, JSON: p.options.json, Location: time.Local}
	if !m.send {
		return p.print(ctx, &printer, m.follow, func() {})
	}
	var sending sync.WaitGroup
	err := p.print(ctx, &printer, m.follow, func() {
		sending.Go(func() { // what is sent is printed, too
			err := p.send(ctx, in)
			if _, reported := errors.AsType[reportedError](err); err != nil && !reported {
				cancel(err) // after a refused line, events are still printed
			}
		})
	})
	cancel(err)
	sending.Wait()
	return err
}

// print prints the events of the room, until ctx ends or, without follow, there are no more.
// It calls joined when it has joined the room.
func (p *pipes) print(ctx context.Context, printer *lines.Printer, follow bool, joined func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	unreachable := &unreachableError{after: p.options.timeout}
	timer := time.NewTimer(p.options.timeout)
	defer timer.Stop()
	if p.options.timeout == 0 {
		timer.Stop()
	}
	connected := make(chan struct{})
	var once sync.Once
	go func() {
		select {
		case <-timer.C:
			cancel(unreachable)
		case <-connected:
		case <-ctx.Done():
		}
	}()
	start := client.Recent(p.options.room, uint32(p.options.history))
	if p.options.since != "" {
		start = client.Resume(start)
	}
	offline := false
	for u, err := range p.client.Follow(start).Updates(ctx) {
		if err != nil {
			return refusalOf(ctx, err)
		}
		if err := printer.Update(u); err != nil {
			return err
		}
		switch u := u.(type) {
		case client.Joined:
			once.Do(func() { close(connected); joined() })
			offline = false
		case client.Disconnected:
			unreachable.last = u.Err
			if !offline {
				p.note("offline, and connects again: %s", failure.Text(u.Err, time.Now()))
			}
			offline = true
		case client.Reset:
			p.note("events of room %q up to number %d can't be delivered: they are no longer kept", u.Room, u.Head)
		case client.CaughtUp:
			if !follow {
				return nil
			}
		}
	}
	return nil
}

// refusalOf returns the error that ends a loop over a feed.
func refusalOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if refused, ok := errors.AsType[*client.RoomError](err); ok {
		return refused.Err
	}
	return err
}

// send sends the lines of an input, one after the other. A refused one does not keep those
// after it from being sent.
func (p *pipes) send(ctx context.Context, in io.Reader) error {
	var refused error
	read := readLines(ctx, in)
	for {
		var l line
		select {
		case l = <-read:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		switch {
		case errors.Is(l.err, io.EOF):
			return refused
		case l.err != nil:
			return l.err
		case strings.TrimSpace(l.text) == "":
			continue
		}
		err := p.sendLine(ctx, l.text)
		switch {
		case err == nil:
		case failure.IsRefusal(err):
			p.note("line %d was not sent: %s", l.number, failure.Text(err, time.Now()))
			refused = reportedError{err}
		default:
			return err
		}
	}
}

func (p *pipes) sendLine(ctx context.Context, text string) error {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if p.options.timeout > 0 {
		limited, cancel = context.WithTimeout(ctx, p.options.timeout)
	}
	defer cancel()
	_, err := p.client.Send(limited, p.options.room, client.Text(text))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case limited.Err() != nil && !failure.IsRefusal(err):
		return &unreachableError{after: p.options.timeout, last: err}
	}
	return err
}

// line is a line of the input, or why there are no more.
type line struct {
	number int
	text   string
	err    error
}

// readLines returns the lines of an input as they come, and last the error that ends it. A
// read can't be interrupted: the goroutine may outlast ctx until the input ends.
func readLines(ctx context.Context, in io.Reader) <-chan line {
	read := make(chan line)
	go func() {
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxLine)
		for number := 1; ; number++ {
			l := line{number: number, err: io.EOF}
			if scanner.Scan() {
				l = line{number: number, text: scanner.Text()}
			} else if err := scanner.Err(); err != nil {
				l.err = fmt.Errorf("line %d: %w", number, err)
			}
			select {
			case read <- l:
			case <-ctx.Done():
				return
			}
			if l.err != nil {
				return
			}
		}
	}()
	return read
}

// note prints what is not output.
func (p *pipes) note(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stderr, "chat: "+format+"\n", args...)
}
