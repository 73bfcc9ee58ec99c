package kit

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Client is a client under test: a function that starts a driver of it.
type Client func() (*Process, error)

// Process is a running driver.
type Process struct {
	input  io.WriteCloser
	output io.Reader
	kill   func()
	wait   func() error // returns when the driver has ended; called once
	errors *tail
}

// Command returns the client whose driver is a program.
func Command(name string, arguments ...string) Client {
	return func() (*Process, error) {
		command := exec.Command(name, arguments...)
		input, err := command.StdinPipe()
		if err != nil {
			return nil, err
		}
		output, err := command.StdoutPipe()
		if err != nil {
			return nil, err
		}
		command.WaitDelay = time.Second
		p := &Process{input: input, output: output, wait: command.Wait, errors: new(tail)}
		command.Stderr = p.errors
		if err := command.Start(); err != nil {
			return nil, err
		}
		p.kill = func() {
			_ = command.Process.Kill() // it may have ended
			_ = output.Close()         // a program that it has started may hold the other end
		}
		return p, nil
	}
}

// Func returns the client whose driver is a function. Its context ends when the driver is
// killed: it must then return, and do nothing that would outlive a process that is killed.
func Func(run func(ctx context.Context, in io.Reader, out io.Writer) error) Client {
	return func() (*Process, error) {
		ctx, cancel := context.WithCancel(context.Background())
		commands, input := io.Pipe()
		output, reports := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			err := run(ctx, commands, reports)
			_ = reports.Close()
			_ = commands.CloseWithError(io.ErrClosedPipe)
			cancel()
			ended <- err
		}()
		return &Process{
			input:  input,
			output: output,
			kill: func() {
				cancel()
				_ = input.CloseWithError(context.Canceled)
				_ = output.CloseWithError(io.ErrClosedPipe)
			},
			wait: func() error {
				if err := <-ended; !errors.Is(err, context.Canceled) {
					return err
				}
				return nil
			},
			errors: new(tail),
		}, nil
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 2000

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-maxTail):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
