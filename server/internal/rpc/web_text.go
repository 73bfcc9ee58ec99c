package rpc

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"chatroom/server/internal/detach"
)

// gRPC-Web has a text mode, "application/grpc-web-text", in which bodies are base64: the
// official client uses it for streams, since XMLHttpRequest gives it no bytes before the
// end. Requests become ones of the binary mode here, and what is sent is encoded. Each part
// that is sent ends with its own padding, which that client expects.

const (
	webText   = "application/grpc-web-text"
	webBinary = "application/grpc-web"
)

// decodeWebText makes a request of the text mode one of the binary mode, and reports whether
// it was one. The content type must be a media type.
func decodeWebText(r *http.Request) bool {
	kind := r.Header.Get("Content-Type")
	encoding, isText := strings.CutPrefix(kind, webText)
	if !isText || encoding != "" && encoding[0] != '+' {
		return false
	}
	r.Header.Set("Content-Type", webBinary+encoding)
	r.Body = &textReader{ReadCloser: r.Body}
	if r.ContentLength > 0 {
		r.ContentLength = -1 // it is that of the text
	}
	return true
}

// textReader decodes a body that is made of parts in base64, each with its padding.
type textReader struct {
	io.ReadCloser
	text    [1024]byte
	pending int    // bytes of text that are no whole group of four yet
	decoded []byte // not read yet
	err     error  // after decoded; sticky
}

var errNotBase64 = fieldError(connect.CodeInvalidArgument, "", "request.base64", "the request must be base64, as "+webText+" says")

// Read implements io.Reader.
func (t *textReader) Read(p []byte) (int, error) {
	for len(t.decoded) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		t.fill()
	}
	n := copy(p, t.decoded)
	t.decoded = t.decoded[n:]
	return n, nil
}

func (t *textReader) fill() {
	n, err := t.ReadCloser.Read(t.text[t.pending:])
	n += t.pending
	whole := n - n%4
	t.decoded = t.decoded[:0]
	for at := 0; at < whole; at += 4 {
		var group [3]byte
		k, decodeErr := base64.StdEncoding.Decode(group[:], t.text[at:at+4])
		if decodeErr != nil {
			t.err = errNotBase64
			return
		}
		t.decoded = append(t.decoded, group[:k]...)
	}
	t.pending = copy(t.text[:], t.text[whole:n])
	if err != nil {
		t.err = err
		if errors.Is(err, io.EOF) && t.pending > 0 {
			t.err = errNotBase64
		}
	}
}

// textStream encodes what is appended to a stream.
type textStream struct{ detach.Stream }

// Append implements detach.Stream.
func (t textStream) Append(p []byte) bool { return t.Stream.Append(encodeText(p)) }

// Finish implements detach.Stream.
func (t textStream) Finish(p []byte, trailers http.Header) bool {
	return t.Stream.Finish(encodeText(p), trailers)
}

func encodeText(p []byte) []byte {
	return base64.StdEncoding.AppendEncode(make([]byte, 0, base64.StdEncoding.EncodedLen(len(p))), p)
}
