//go:build !unix

package outbound

import (
	"errors"
	"net"
	"syscall"
)

// Raw returns nil: on this system, sockets are read through buffers and written by
// goroutines.
func Raw(net.Conn) syscall.RawConn { return nil }

// socket does not exist on this system.
type socket struct{}

func newSocket(syscall.RawConn) *socket { return nil }

func (*socket) write([]byte) (int, error) { return 0, errors.ErrUnsupported }
