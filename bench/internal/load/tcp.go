package load

import (
	"encoding/binary"
	"fmt"
)

// newFrames takes messages with four bytes of length before each: what the peer
// on raw TCP speaks. An empty message says that the subscriber is ready.
func newFrames(ready func(), message func([]byte) error) *assembler {
	return &assembler{consume: func(p []byte) (int, error) {
		n := 0
		for len(p)-n >= 4 {
			size := int(binary.BigEndian.Uint32(p[n:]))
			if size > maxMessage {
				return n, fmt.Errorf("a message of %d bytes", size)
			}
			if len(p)-n-4 < size {
				break
			}
			if size == 0 {
				ready()
			} else if err := message(p[n+4 : n+4+size]); err != nil {
				return n, err
			}
			n += 4 + size
		}
		return n, nil
	}}
}

func appendLength(dst, text []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(text))), text...)
}
