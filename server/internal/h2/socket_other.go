//go:build !unix

package h2

import (
	"errors"
	"net"
)

// socket does not exist on this system: connections are read through buffers
// and written by goroutines.
type socket struct{}

func newSocket(net.Conn) *socket { return nil }

func (*socket) read() (*buffer, error)      { return nil, errors.ErrUnsupported }
func (*socket) write(p []byte) (int, error) { return 0, errors.ErrUnsupported }
