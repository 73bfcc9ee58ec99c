package load

import (
	"bytes"
	"fmt"
	"strconv"
)

// newNATS takes what a NATS server sends to a client. Pings are answered on out;
// ready is called for the answer to the client's own, and acknowledged for +OK.
func newNATS(out *[]byte, ready, acknowledged func(), message func([]byte) error) *assembler {
	return &assembler{consume: func(p []byte) (int, error) {
		n := 0
		for n < len(p) {
			end := bytes.IndexByte(p[n:], '\n')
			if end < 0 && len(p)-n > maxHead {
				return n, fmt.Errorf("no end of line in %d bytes", len(p)-n)
			}
			if end < 0 {
				break
			}
			line := bytes.TrimSuffix(p[n:n+end], []byte("\r"))
			rest := p[n+end+1:]
			if bytes.HasPrefix(line, []byte("MSG ")) {
				size, err := natsSize(line)
				if err != nil {
					return n, err
				}
				if len(rest) < size+2 {
					break
				}
				if err := message(rest[:size]); err != nil {
					return n, err
				}
				n += end + 1 + size + 2
				continue
			}
			switch {
			case bytes.Equal(line, []byte("PING")):
				*out = append(*out, "PONG\r\n"...)
			case bytes.Equal(line, []byte("PONG")):
				ready()
			case bytes.Equal(line, []byte("+OK")):
				acknowledged()
			case bytes.HasPrefix(line, []byte("INFO ")):
			default:
				return n, fmt.Errorf("the server said %q", line)
			}
			n += end + 1
		}
		return n, nil
	}}
}

// natsSize reads the size at the end of "MSG subject sid size".
func natsSize(line []byte) (int, error) {
	size, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, ' ')+1:]))
	if err != nil || size < 0 || size > maxMessage {
		return 0, fmt.Errorf("the server said %q", line)
	}
	return size, nil
}

// natsConnect returns what a client says first. A verbose one gets +OK for all that
// it sends.
func natsConnect(verbose bool) []byte {
	return fmt.Appendf(nil, `CONNECT {"verbose":%t,"pedantic":false,"lang":"bench","version":"1","protocol":1}`+"\r\n", verbose)
}

func appendNATS(dst []byte, subject string, text []byte) []byte {
	dst = append(append(dst, "PUB "...), subject...)
	dst = strconv.AppendInt(append(dst, ' '), int64(len(text)), 10)
	return append(append(append(dst, '\r', '\n'), text...), '\r', '\n')
}
