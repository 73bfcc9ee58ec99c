//go:build !unix

package h2

import (
	"errors"
	"net"

	"chatroom/server/internal/outbound"
)

// socketReader does not exist on this system: connections are read through buffers.
type socketReader struct{}

func newSocketReader(net.Conn) *socketReader { return nil }

func (*socketReader) read() (*outbound.Buffer, error) { return nil, errors.ErrUnsupported }
