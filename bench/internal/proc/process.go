// Package proc runs the servers that are measured, each in a process of its own,
// and reads from /proc what they cost.
package proc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 20 * time.Second
	// tick is the unit of the times in /proc/PID/stat. It is 1/100 s on every
	// architecture that Go runs on, whatever the kernel's own.
	tick = 10 * time.Millisecond
)

// where finds the address in what a server prints first.
var where = regexp.MustCompile(`(127\.0\.0\.1:\d+)`)

// Process is a running server.
type Process struct {
	// Address is where it listens: 127.0.0.1:PORT.
	Address string

	command *exec.Cmd
	said    *tail
	reading sync.WaitGroup
	ended   chan struct{} // closed when the process has ended
	err     error         // what it ended with, after ended
}

// Start runs a program that prints a line with the address it listens on, and
// runs until its standard input ends or it gets SIGTERM. Stop must be called.
func Start(ctx context.Context, program string, args ...string) (*Process, error) {
	p := &Process{command: exec.Command(program, args...), said: new(tail), ended: make(chan struct{})}
	p.command.Stderr = p.said
	// It does not outlive this process. The kernel looks at the thread that
	// started it; the runtime ends no thread that it did not lend out.
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := p.command.StdinPipe() // stays open for as long as this process lives
	if err != nil {
		return nil, err
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	lines := make(chan string, 1)
	p.reading.Go(func() {
		output := bufio.NewReader(stdout)
		line, _ := output.ReadString('\n')
		lines <- line
		_, _ = io.Copy(io.Discard, output)
	})
	go func() {
		p.reading.Wait()
		p.err = p.command.Wait()
		_ = stdin.Close()
		close(p.ended)
	}()
	select {
	case line := <-lines:
		if p.Address = where.FindString(line); p.Address != "" {
			return p, nil
		}
		err = fmt.Errorf("%s printed %q, not where it listens", program, line)
	case <-time.After(startTimeout):
		err = fmt.Errorf("%s is not ready after %v", program, startTimeout)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, errors.Join(err, p.Stop())
}

// Kill ends the process with SIGKILL and waits for it.
func (p *Process) Kill() error {
	err := p.command.Process.Kill()
	<-p.ended
	return err
}

// Stop ends the process and waits for it. The error holds what it logged.
func (p *Process) Stop() error {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.command.Process.Kill()
		<-p.ended
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", p.command.Path, p.err, p.said)
	}
	return nil
}

// CPU returns the processor time that the process has used, in user and kernel
// mode, to 10 ms.
func (p *Process) CPU() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	return parseCPU(stat)
}

// RSS returns how many bytes of memory the process has resident.
func (p *Process) RSS() (int64, error) { return p.memory("VmRSS") }

// PeakRSS returns the most bytes of memory that the process has had resident.
func (p *Process) PeakRSS() (int64, error) { return p.memory("VmHWM") }

func (p *Process) memory(field string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	return parseMemory(status, field)
}

// OwnCPU returns the processor time that this process has used.
func OwnCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// parseCPU reads utime and stime, the 14th and 15th field. The second field is
// the program's name in parentheses, which may hold spaces.
func parseCPU(stat []byte) (time.Duration, error) {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat holds %q", stat)
	}
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	system, errSystem := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick, errors.Join(errUser, errSystem)
}

// parseMemory reads a line such as "VmRSS:  1234 kB", whose unit is 1,024 bytes.
func parseMemory(status []byte, field string) (int64, error) {
	for line := range bytes.Lines(status) {
		if parts := strings.Fields(string(line)); len(parts) == 3 && parts[0] == field+":" {
			kib, err := strconv.ParseInt(parts[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no %s in %q", field, status)
}

// tail keeps the last of what is written to it.
type tail struct {
	mu   sync.Mutex // guards last
	last []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	t.last = t.last[max(0, len(t.last)-4<<10):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last)
}
