//go:build unix

package outbound

import (
	"errors"
	"net"
	"syscall"
)

// rawConn returns access to a connection's file descriptor, which package net has
// made non-blocking, or nil if it has none of its own.
func rawConn(conn net.Conn) syscall.RawConn {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// writeOnce tries to write head, and returns how much the socket took.
func (w *Writer) writeOnce() (int, error) {
	w.wrote, w.errno = -1, nil
	if err := w.raw.Write(w.try); err != nil {
		return 0, err // the connection was closed, or its deadline has passed
	}
	switch {
	case w.errno == nil:
		return w.wrote, nil
	case errors.Is(w.errno, syscall.EAGAIN):
		return 0, nil
	default:
		return 0, w.errno
	}
}

func (w *Writer) tryWrite(fd uintptr) bool {
	for {
		w.wrote, w.errno = syscall.Write(int(fd), *w.head)
		if w.errno != syscall.EINTR {
			return true
		}
	}
}
