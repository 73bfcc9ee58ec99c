package outbound

import "sync"

const (
	// BufferBytes is the capacity of a new buffer.
	BufferBytes = 4 << 10
	// maxPooledBytes is the capacity up to which buffers are reused; larger ones are
	// left to the garbage collector.
	maxPooledBytes = 64 << 10
)

// Buffer holds bytes between two uses of a pool that all connections share, so that
// an idle connection has none.
type Buffer struct{ B []byte }

var buffers = sync.Pool{New: func() any { return &Buffer{B: make([]byte, 0, BufferBytes)} }}

// NewBuffer returns an empty buffer.
func NewBuffer() *Buffer { return buffers.Get().(*Buffer) }

// Free returns the buffer to the pool. The caller must not use it afterwards.
func (b *Buffer) Free() {
	if cap(b.B) <= maxPooledBytes {
		b.B = b.B[:0]
		buffers.Put(b)
	}
}
