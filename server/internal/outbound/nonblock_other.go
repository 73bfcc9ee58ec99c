//go:build !unix

package outbound

import (
	"net"
	"syscall"
)

// rawConn returns nil: sockets of this system are written by goroutines.
func rawConn(net.Conn) syscall.RawConn { return nil }

func (w *Writer) writeOnce() (int, error) { panic("outbound: no non-blocking writes on this system") }

func (w *Writer) tryWrite(uintptr) bool { return true }
