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
	// maxRead bounds what is read of a request, in bytes. A request between the two
	// bounds is refused after it is read to its end, so that its stream continues.
	maxRead = 4 * maxRequest

	ruleSize  = "request.size"
	boundSize = "the request must be at most 65536 bytes"
)

// Connect checks sizes and envelopes, too, but its errors have no details, and the code of
// a malformed envelope is internal. It returns the errors of the body's reader unchanged,
// so the readers here check first.

func errTooLarge() *connect.Error {
	return fieldError(connect.CodeResourceExhausted, "", ruleSize, boundSize)
}

func errEnvelope(problem string) error {
	return fieldError(connect.CodeInvalidArgument, "", "request.envelope",
		"the request must be in envelopes, with a byte of flags and four of length before each message: "+problem)
}

// limitRequests returns the body of a request, whose reader returns an error for a message
// of more than maxRead bytes and for a malformed envelope.
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

// bodyLimit bounds a body that is one message, without an envelope.
type bodyLimit struct {
	io.ReadCloser
	left int // bytes
}

// Read implements io.Reader.
func (l *bodyLimit) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left+1)])
	if l.left -= n; l.left < 0 {
		return 0, errTooLarge()
	}
	return n, err
}

// envelopes checks the envelopes of a body as it is read, and bounds the messages in them.
type envelopes struct {
	io.ReadCloser
	compressed bool // whether messages may be compressed

	prefix [5]byte // flags and length of the current envelope
	filled int     // bytes of prefix that have been read
	left   uint32  // bytes of the current message that have not been read
	err    error   // the first malformed envelope; sticky
}

// Read implements io.Reader. What precedes a malformed envelope is returned before the
// error.
func (e *envelopes) Read(p []byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	n, err := e.ReadCloser.Read(p)
	valid := 0 // bytes that precede a malformed envelope
	for rest := p[:n]; len(rest) > 0 && e.err == nil; {
		if e.left > 0 {
			k := min(len(rest), int(e.left))
			e.left -= uint32(k)
			rest = rest[k:]
			valid = n - len(rest)
			continue
		}
		k := copy(e.prefix[e.filled:], rest)
		e.filled += k
		rest = rest[k:]
		if e.filled == len(e.prefix) {
			e.filled = 0
			e.left = binary.BigEndian.Uint32(e.prefix[1:])
			if e.err = e.check(e.prefix[0]); e.err == nil {
				valid = n - len(rest)
			}
		}
	}
	if errors.Is(err, io.EOF) && e.err == nil && (e.filled > 0 || e.left > 0) {
		e.err = errEnvelope("the last one is incomplete")
	}
	switch {
	case e.err == nil:
		return n, err
	case valid > 0:
		return valid, nil
	default:
		return 0, e.err
	}
}

// check returns an error for invalid flags and for a message that is too large.
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

// gunzip decompresses requests, up to maxRead bytes each.
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

// Read implements io.Reader.
func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p[:min(len(p), g.left+1)])
	if g.left -= n; g.left < 0 {
		return 0, errTooLarge()
	}
	return n, err
}

// withGzip replaces connect's gzip, whose decompressor is not bounded.
func withGzip() connect.HandlerOption {
	return connect.WithCompression("gzip",
		func() connect.Decompressor { return new(gunzip) },
		func() connect.Compressor { return gzip.NewWriter(io.Discard) },
	)
}
