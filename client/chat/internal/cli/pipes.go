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
		return p.print(ctx, &printer, m.follow)
	}
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		if err := p.send(ctx, in); err != nil {
			cancel(err)
		}
	})
	err := p.print(ctx, &printer, m.follow)
	cancel(err)
	return err
}

// print prints the events of the room, until ctx ends or, without follow, there are no more.
func (p *pipes) print(ctx context.Context, printer *lines.Printer, follow bool) error {
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
			once.Do(func() { close(connected) })
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
	for line := range readLines(ctx, in) {
		if line.err != nil {
			return line.err
		}
		if strings.TrimSpace(line.text) == "" {
			continue
		}
		err := p.sendLine(ctx, line.text)
		if err == nil {
			continue
		}
		if !failure.IsRefusal(err) {
			return err
		}
		p.note("line %d was not sent: %s", line.number, failure.Text(err, time.Now()))
		refused = reportedError{err}
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return refused
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

// readLines returns the lines of an input, as they come, until ctx ends. A read can't be
// interrupted: the goroutine may outlast ctx until the input ends.
func readLines(ctx context.Context, in io.Reader) <-chan line {
	read := make(chan line)
	go func() {
		defer close(read)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxLine)
		give := func(l line) bool {
			select {
			case read <- l:
				return true
			case <-ctx.Done():
				return false
			}
		}
		number := 1
		for ; scanner.Scan(); number++ {
			if !give(line{number: number, text: scanner.Text()}) {
				return
			}
		}
		if err := scanner.Err(); err != nil {
			give(line{err: fmt.Errorf("line %d: %w", number, err)})
		}
	}()
	return read
}

// note prints what is not output.
func (p *pipes) note(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stderr, "chat: "+format+"\n", args...)
}
