package h2

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2/hpack"
)

// tableSize is the dynamic table of requests' headers, the protocol's default.
const tableSize = 4096

// headerEncoder encodes header blocks that do not use the dynamic table, so that
// it has no state between blocks and serves all connections.
type headerEncoder struct {
	buf bytes.Buffer
	enc *hpack.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := new(headerEncoder)
	e.enc = hpack.NewEncoder(&e.buf)
	e.enc.SetMaxDynamicTableSizeLimit(0)
	e.field("", "") // begins with the change of the table's size, which is the connection's to announce
	e.buf.Reset()
	return e
}}

func newEncoder() *headerEncoder { return encoders.Get().(*headerEncoder) }

// take returns a copy of the block and returns the encoder to its pool.
func (e *headerEncoder) take() []byte {
	block := bytes.Clone(e.buf.Bytes())
	e.buf.Reset()
	encoders.Put(e)
	return block
}

func (e *headerEncoder) field(name, value string) {
	_ = e.enc.WriteField(hpack.HeaderField{Name: name, Value: value}) // into a bytes.Buffer
}

func (e *headerEncoder) status(code int) { e.field(":status", strconv.Itoa(code)) }

// header encodes a header, unless HTTP/2 forbids it or its name or value is
// invalid.
func (e *headerEncoder) header(name string, values []string) {
	lower := lowerName(name)
	if !validName(lower) {
		return
	}
	for _, v := range values {
		if httpguts.ValidHeaderFieldValue(v) && !connectionSpecific(hpack.HeaderField{Name: lower, Value: v}) {
			e.field(lower, v)
		}
	}
}

var continueBlock = func() []byte {
	e := newEncoder()
	e.status(http.StatusContinue)
	return e.take()
}()

func encodeTrailers(trailers http.Header) []byte {
	e := newEncoder()
	for name, values := range trailers {
		e.header(name, values)
	}
	return e.take()
}

// lowerName returns the name in lower case.
func lowerName(name string) string {
	if lower, ok := lowerNames[name]; ok {
		return lower
	}
	return strings.ToLower(name)
}

// lowerNames saves an allocation for each header that most responses have.
var lowerNames = func() map[string]string {
	m := make(map[string]string)
	for _, name := range []string{
		"Accept-Encoding", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Cache-Control",
		"Connect-Accept-Encoding", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Etag",
		"Grpc-Accept-Encoding", "Grpc-Encoding", "Grpc-Message", "Grpc-Status", "Grpc-Status-Details-Bin",
		"Last-Modified", "Trailer", "Vary", "X-Accel-Buffering", "X-Content-Type-Options",
	} {
		m[name] = strings.ToLower(name)
	}
	return m
}()
