// Package cli is the command chat: it turns flags into a client of the service, and runs
// the screen or the pipes.
package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"

	"chatroom/client"
	"chatroom/client/chat/internal/failure"
)

// The exit codes, which -h documents.
const (
	exitOK          = 0
	exitRefused     = 1
	exitUnreachable = 2
	exitSignal      = 128 // plus the number of the signal
)

// unreachableError is that the server did not answer in time.
type unreachableError struct {
	after time.Duration
	last  error // of the last attempt, may be nil
}

func (e *unreachableError) Error() string {
	text := fmt.Sprintf("the server can't be reached within %v", e.after)
	if e.last != nil {
		text += ": " + failure.Text(e.last, time.Now())
	}
	return text
}

// reportedError is an error whose text was printed.
type reportedError struct{ error }

// signalError is the signal that ends the program.
type signalError struct{ signal syscall.Signal }

func (e signalError) Error() string { return e.signal.String() }

// Main runs the command, and returns its exit code.
func Main() int {
	o, err := parse(os.Args[1:], os.Getenv, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitRefused
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	signal.Ignore(syscall.SIGPIPE) // writing returns an error
	go func() {
		received := (<-signals).(syscall.Signal)
		cancel(signalError{received})
		<-signals // the second one does not wait
		os.Exit(exitSignal + int(received))
	}()
	return exitCode(run(ctx, o, os.Stdin, os.Stdout, os.Stderr), os.Stderr)
}

// run runs the command.
func run(ctx context.Context, o *options, stdin, stdout *os.File, stderr io.Writer) error {
	m := o.mode(term.IsTerminal(stdin.Fd()), term.IsTerminal(stdout.Fd()))
	config := client.Config{URL: o.server, Token: o.tokens(stderr)}
	if o.since != "" && !m.screen {
		cursors, err := client.OpenFileCursors(o.since)
		if err != nil {
			return fmt.Errorf("-since: %w", err)
		}
		config.Cursors = cursors
	}
	c, err := client.New(config)
	if err != nil {
		return err
	}
	if m.screen {
		return runScreen(ctx, c, o)
	}
	err = (&pipes{client: c, options: o, stderr: stderr}).run(ctx, m, stdin, stdout)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.Close(ended) // nothing is left in the outbox: each send was waited for
	return err
}

// tokens returns the source of the caller's credential.
func (o *options) tokens(stderr io.Writer) client.TokenSource {
	if o.token != "" {
		return client.StaticToken(o.token)
	}
	dir, err := os.UserConfigDir()
	if err == nil {
		dir = filepath.Join(dir, "chatroom")
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "chat: the identity of the guest is not kept: %v\n", err)
		return client.NewGuest(o.name, "")
	}
	// Names and addresses may have characters that files can't have in theirs.
	sum := sha256.Sum256([]byte(strings.TrimRight(o.server, "/") + "\n" + o.name))
	return client.NewGuest(o.name, filepath.Join(dir, fmt.Sprintf("guest-%x.json", sum[:8])))
}

// exitCode prints why the command has ended, and returns the code for that.
func exitCode(err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return exitOK
	}
	if s, ok := errors.AsType[signalError](err); ok {
		return exitSignal + int(s.signal)
	}
	if _, reported := errors.AsType[reportedError](err); !reported {
		_, _ = fmt.Fprintf(stderr, "chat: %s\n", failure.Text(err, time.Now()))
	}
	if _, ok := errors.AsType[*unreachableError](err); ok {
		return exitUnreachable
	}
	return exitRefused
}
