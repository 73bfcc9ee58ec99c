package rpc

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"
)

const (
	// maxRequest bounds a request, in bytes, decompressed.
	maxRequest = 64 << 10
	// maxRead is where reading stops. Requests between the two bounds are read
	// to the end, so that a stream can go on after one.
	maxRead = 4 * maxRequest

	ruleSize  = "request.size"
	boundSize = "the request must be at most 65536 bytes"
)

// Connect checks all this too, but its errors carry no details, and take what a
// client does wrong for an internal error. It passes the errors of a reader on.

func errTooLarge() *connect.Error {
	return fieldError(connect.CodeResourceExhausted, "", ruleSize, boundSize)
}

func errEnvelope(problem string) error {
	return fieldError(connect.CodeInvalidArgument, "", "request.envelope",
		"the request must be in envelopes, with a byte of flags and four of length before each message: "+problem)
}

// limitRequests returns the body of a request, with each message in it bounded
// by maxRead.
func limitRequests(r *http.Request) io.ReadCloser {
	kind := r.Header.Get("Content-Type")
	switch {
	case strings.HasPrefix(kind, "application/connect+"):
		return &envelopes{ReadCloser: r.Body, compressed: compresses(r.Header.Get("Connect-Content-Encoding"))}
	case strings.HasPrefix(kind, "application/grpc"):
		return &envelopes{ReadCloser: r.Body, compressed: compresses(r.Header.Get("Grpc-Encoding"))}
	default:
		return &bodyLimit{ReadCloser: r.Body, left: maxRead}
	}
}

func compresses(encoding string) bool { return encoding != "" && encoding != "identity" }

// bodyLimit bounds a body that is one message.
type bodyLimit struct {
	io.ReadCloser
	left int // bytes
}

func (l *bodyLimit) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left+1)])
	if l.left -= n; l.left < 0 {
		return 0, errTooLarge()
	}
	return n, err
}

// envelopes checks the envelopes of a body as it is read, and bounds the messages
// in them.
type envelopes struct {
	io.ReadCloser
	compressed bool // messages may be

	head   [5]byte
	filled int    // bytes of head
	left   uint32 // bytes of the message
	err    error  // once something was wrong
}

func (e *envelopes) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	n, err := e.ReadCloser.Read(p)
	good := 0 // bytes before the envelope at hand
	for rest := p[:n]; len(rest) > 0 && e.err == nil; {
		if e.left > 0 {
			k := min(len(rest), int(e.left))
			e.left -= uint32(k)
			rest = rest[k:]
			good = n - len(rest)
			continue
		}
		k := copy(e.head[e.filled:], rest)
		e.filled += k
		rest = rest[k:]
		if e.filled == len(e.head) {
			e.filled = 0
			e.left = binary.BigEndian.Uint32(e.head[1:])
			if e.err = e.check(e.head[0]); e.err == nil {
				good = n - len(rest)
			}
		}
	}
	if errors.Is(err, io.EOF) && e.err == nil && (e.filled > 0 || e.left > 0) {
		e.err = errEnvelope("the last one is incomplete")
	}
	switch {
	case e.err == nil:
		return n, err
	case good > 0:
		return good, nil // what came before it counts
	default:
		return 0, e.err
	}
}

// check looks at an envelope's flags and length.
func (e *envelopes) check(flags byte) error {
	const compressed = 1
	switch {
	case flags&^compressed != 0:
		return errEnvelope(fmt.Sprintf("the flags are %#02x", flags))
	case flags&compressed != 0 && !e.compressed:
		return errEnvelope("one is marked as compressed, and no header says how")
	case e.left > maxRead:
		return errTooLarge()
	default:
		return nil
	}
}

// gunzip decompresses requests up to maxRead, whatever they hold.
type gunzip struct {
	gzip.Reader
	left int // bytes
}

var _ connect.Decompressor = (*gunzip)(nil)

// Reset implements connect.Decompressor.
func (g *gunzip) Reset(r io.Reader) error {
	g.left = maxRead
	return g.Reader.Reset(r)
}

func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p[:min(len(p), g.left+1)])
	if g.left -= n; g.left < 0 {
		return 0, errTooLarge()
	}
	return n, err
}

func withGzip() connect.HandlerOption {
	return connect.WithCompression("gzip",
		func() connect.Decompressor { return new(gunzip) },
		func() connect.Compressor { return gzip.NewWriter(io.Discard) },
	)
}
