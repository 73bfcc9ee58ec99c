package load

import (
	"encoding/binary"
	"fmt"
)

// Opcodes of WebSocket frames, with the bit that says that the frame is whole.
const (
	wsText  = 0x81
	wsClose = 0x88
	wsPing  = 0x89
	wsPong  = 0x8a
)

// newWebSocket takes the frames that a server sends, unmasked and each a whole
// message. Pings are answered on out.
func newWebSocket(out *[]byte, message func([]byte) error) *assembler {
	return &assembler{consume: func(p []byte) (int, error) {
		n := 0
		for len(p)-n >= 2 {
			head, size := 2, int(p[n+1])
			switch {
			case size == 126 && len(p)-n < 4, size == 127 && len(p)-n < 10:
				return n, nil
			case size == 126:
				head, size = 4, int(binary.BigEndian.Uint16(p[n+2:]))
			case size == 127:
				head, size = 10, int(min(binary.BigEndian.Uint64(p[n+2:]), maxMessage+1))
			}
			if p[n+1] > 127 || size > maxMessage {
				return n, fmt.Errorf("a frame that begins with %q", p[n:n+head])
			}
			if len(p)-n-head < size {
				return n, nil
			}
			body := p[n+head : n+head+size]
			switch p[n] {
			case wsText:
				if err := message(body); err != nil {
					return n, err
				}
			case wsPing:
				*out = appendMasked(*out, wsPong, body)
			case wsPong:
			default:
				return n, fmt.Errorf("a frame that begins with %#x: %q", p[n], body)
			}
			n += head + size
		}
		return n, nil
	}}
}

// appendMasked appends a client's frame of at most 64 KiB. The mask is zero, so
// the bytes are as they were.
func appendMasked(dst []byte, opcode byte, p []byte) []byte {
	const masked = 0x80
	if dst = append(dst, opcode); len(p) < 126 {
		dst = append(dst, masked|byte(len(p)))
	} else {
		dst = binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(len(p)))
	}
	return append(append(dst, 0, 0, 0, 0), p...)
}
