package crash

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// readyTimeout bounds how long a server may take to start. It reads its whole
// log, on a machine that may be busy with other tests.
const readyTimeout = 60 * time.Second

// stopTimeout bounds how long a server may take to stop, draining included.
const stopTimeout = 30 * time.Second

// Build builds the server into dir, and returns the path of the program. It
// needs the module's source and a Go toolchain.
func Build(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "chatroom-server")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "chatroom/server")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", build, err, out)
	}
	return program, nil
}

// server is the server's process, one after the other, with the same flags and so
// at one address and with one directory.
type server struct {
	program string
	args    []string
	socket  *os.File // of the listener that it inherits, nil if it opens its port itself
	log     serverLog

	command *exec.Cmd
	ready   chan struct{} // closed when the process serves
	ended   chan struct{} // closed when it has closed its output: it is gone
}

// start starts the process. It returns at once: wait for ready.
func (s *server) start() error {
	s.command = exec.Command(s.program, s.args...)
	if s.socket != nil {
		// As systemd passes it: the process that executes the server knows its id.
		s.command = exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh", s.program}, s.args...)...)
		s.command.ExtraFiles = []*os.File{s.socket}
		s.command.Env = append(os.Environ(), "LISTEN_FDS=1")
	}
	s.command.Stderr = &s.log
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.command.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	s.ready, s.ended = ready, ended
	go func() {
		defer close(ended)
		if lines := bufio.NewScanner(stdout); lines.Scan() && strings.HasPrefix(lines.Text(), "chatroom: open ") {
			close(ready)
		}
		_, _ = io.Copy(io.Discard, stdout)
	}()
	return nil
}

// waitReady waits until the process serves.
func (s *server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	select {
	case <-s.ready:
		return nil
	case <-s.ended:
		return fmt.Errorf("the server ended before it served:\n%s", s.log.text())
	case <-ctx.Done():
		return fmt.Errorf("the server does not come up: %w\n%s", context.Cause(ctx), s.log.text())
	}
}

// kill ends the process with SIGKILL, and waits until it is gone. It fails if
// the process had ended by itself.
func (s *server) kill() error {
	select {
	case <-s.ended:
		return fmt.Errorf("the server ended by itself: %w\n%s", s.command.Wait(), s.log.text())
	default:
	}
	if err := s.command.Process.Kill(); err != nil {
		return fmt.Errorf("kill the server: %w", err)
	}
	<-s.ended
	_ = s.command.Wait() // the error is that it was killed
	return nil
}

// stop ends the process with SIGTERM, upon which it drains. It fails if the
// process does not end, or not well.
func (s *server) stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	timeout := time.NewTimer(stopTimeout)
	defer timeout.Stop()
	select {
	case <-s.ended:
	case <-timeout.C:
		return errors.Join(fmt.Errorf("the server does not stop:\n%s", s.log.text()), s.kill())
	}
	if err := s.command.Wait(); err != nil {
		return fmt.Errorf("stop the server: %w\n%s", err, s.log.text())
	}
	return nil
}

// freeAddress returns a loopback address that is free. Its port is outside the range
// that the system gives to outgoing connections: while the server is down, one of those
// could take its port, or even connect to itself.
func freeAddress(random *rand.Rand) (string, error) {
	var err error
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+random.IntN(12_000)))
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", fmt.Errorf("find a free port: %w", err)
}

// serverLog keeps the last lines of the servers' logs, and every error.
type serverLog struct {
	mu      sync.Mutex // guards below
	partial []byte
	end     []string
	errors  []string
}

const logEnd = 50 // lines

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, p...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.addLocked(string(line))
		l.partial = rest
	}
}

func (l *serverLog) addLocked(line string) {
	if strings.Contains(line, "level=ERROR") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
		l.errors = append(l.errors, line)
	}
	l.end = append(l.end, line)
	if len(l.end) > logEnd {
		l.end = l.end[1:]
	}
}

func (l *serverLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.end, "\n") + "\n" + string(l.partial)
}

func (l *serverLog) errorLines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.errors...)
}
