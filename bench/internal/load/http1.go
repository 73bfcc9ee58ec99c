package load

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
)

// maxHead bounds a response's head, and a chunk's.
const maxHead = 16 << 10

// http1 reads one response of HTTP/1.1: its head, and then its body into next.
type http1 struct {
	assembler
	status    string // the status that is expected, such as "200"
	chunked   bool
	started   bool
	left      int  // of the chunk, 0 between chunks
	inBody    bool // of a chunk, or its end
	next      layer
	onHeaders func() // called after the head
}

func newHTTP1(status string, chunked bool, next layer, onHeaders func()) *http1 {
	h := &http1{status: status, chunked: chunked, next: next, onHeaders: onHeaders}
	h.consume = h.units
	return h
}

func (h *http1) units(p []byte) (int, error) {
	n := 0
	if !h.started {
		end := bytes.Index(p, []byte("\r\n\r\n"))
		if end < 0 {
			return 0, h.bounded(p)
		}
		if err := h.head(p[:end]); err != nil {
			return 0, err
		}
		h.started = true
		n = end + 4
		h.onHeaders()
	}
	if !h.chunked {
		return len(p), h.next.feed(p[n:])
	}
	return h.chunks(p, n)
}

func (h *http1) bounded(p []byte) error {
	if len(p) > maxHead {
		return fmt.Errorf("no end of line in %d bytes", len(p))
	}
	return nil
}

func (h *http1) head(p []byte) error {
	line, _, _ := bytes.Cut(p, []byte("\r\n"))
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 "+h.status)) {
		return fmt.Errorf("answered with %q, want %s", p, h.status)
	}
	chunked := bytes.Contains(bytes.ToLower(p), []byte("transfer-encoding: chunked"))
	if chunked != h.chunked {
		return fmt.Errorf("a head with chunked = %t, want %t: %q", chunked, h.chunked, p)
	}
	return nil
}

// chunks takes what there is of the chunks in p after its first n bytes.
func (h *http1) chunks(p []byte, n int) (int, error) {
	for n < len(p) {
		if !h.inBody {
			end := bytes.IndexByte(p[n:], '\n')
			if end < 0 {
				return n, h.bounded(p[n:])
			}
			size, err := chunkSize(p[n : n+end])
			if err != nil {
				return n, err
			}
			if size == 0 {
				return n, fmt.Errorf("the stream ended")
			}
			h.left, h.inBody = size, true
			n += end + 1
			continue
		}
		if have := min(h.left, len(p)-n); have > 0 {
			if err := h.next.feed(p[n : n+have]); err != nil {
				return n, err
			}
			h.left -= have
			n += have
			continue
		}
		if len(p)-n < 2 {
			return n, nil
		}
		if p[n] != '\r' || p[n+1] != '\n' {
			return n, fmt.Errorf("a chunk that ends in %q", p[n:n+2])
		}
		h.inBody = false
		n += 2
	}
	return n, nil
}

// chunkSize reads the line before a chunk.
func chunkSize(line []byte) (int, error) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	line, _, _ = bytes.Cut(line, []byte(";"))
	size := 0
	for _, c := range bytes.ToLower(line) {
		if values[c] > 0xf || size > maxMessage {
			return 0, fmt.Errorf("a chunk of size %q", line)
		}
		size = size<<4 | int(values[c])
	}
	if len(line) == 0 {
		return 0, fmt.Errorf("a chunk without a size")
	}
	return size, nil
}

// readHead reads the head of a response whose body has a known length. net/http's
// reader would cost the generator half as much as the call costs the server.
func readHead(r *bufio.Reader) (status string, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", 0, err
	}
	const version = "HTTP/1.1 "
	if !bytes.HasPrefix(line, []byte(version)) || len(line) < len(version)+3 {
		return "", 0, fmt.Errorf("answered with %q", line)
	}
	status = string(line[len(version) : len(version)+3])
	length = -1
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return "", 0, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return "", 0, fmt.Errorf("a head with %q", line)
			}
		}
	}
	if length < 0 || length > maxMessage {
		return "", 0, fmt.Errorf("an answer of status %s with a body of %d bytes", status, length)
	}
	return status, length, nil
}
