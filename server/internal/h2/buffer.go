package h2

import (
	"encoding/binary"
	"sync"

	"golang.org/x/net/http2"
)

const (
	bufferBytes    = 4 << 10  // of a new buffer
	maxPooledBytes = 64 << 10 // larger buffers are left to the garbage collector

	frameHeaderLen = 9
)

// buffer holds bytes between two uses of the pool.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, bufferBytes)} }}

func newBuffer() *buffer { return buffers.Get().(*buffer) }

// free gives the buffer back. The caller must not use it any more.
func (b *buffer) free() {
	if cap(b.b) <= maxPooledBytes {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

// frame appends the header of a frame; the payload of n bytes follows.
func (b *buffer) frame(t http2.FrameType, flags http2.Flags, id uint32, n int) {
	b.b = append(b.b, byte(n>>16), byte(n>>8), byte(n), byte(t), byte(flags))
	b.b = binary.BigEndian.AppendUint32(b.b, id)
}

func (b *buffer) uint32(v uint32) { b.b = binary.BigEndian.AppendUint32(b.b, v) }
