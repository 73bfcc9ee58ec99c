package load

import (
	"encoding/binary"
	"fmt"
)

// maxMessage bounds what a peer may announce.
const maxMessage = 1 << 20

// Flags of an envelope.
const (
	flagCompressed = 0x01
	flagConnectEnd = 0x02
	flagTrailers   = 0x80
)

// newEnvelopes takes the messages of a stream of Connect, gRPC or gRPC-Web: a
// byte of flags and four of length before each.
func newEnvelopes(message func([]byte) error) *assembler {
	return &assembler{consume: func(p []byte) (int, error) {
		n := 0
		for len(p)-n >= 5 {
			flags, size := p[n], int(binary.BigEndian.Uint32(p[n+1:]))
			switch {
			case size > maxMessage || flags&flagCompressed != 0:
				return n, fmt.Errorf("an envelope with flags %#x and %d bytes", flags, size)
			case len(p)-n-5 < size:
				return n, nil
			}
			body := p[n+5 : n+5+size]
			if flags&(flagConnectEnd|flagTrailers) != 0 {
				return n, fmt.Errorf("the stream ended: %q", body)
			}
			if err := message(body); err != nil {
				return n, err
			}
			n += 5 + size
		}
		return n, nil
	}}
}

// appendEnvelope appends an envelope around message.
func appendEnvelope(dst, message []byte) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, 0), uint32(len(message)))
	return append(dst, message...)
}
