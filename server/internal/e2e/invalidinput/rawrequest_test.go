package invalidinput

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"chatroom/server/internal/e2e/harness"
)

// rawRequest is an encoded request, which may be malformed.
type rawRequest []byte

// rawCodec sends what it is given, and decodes answers for real.
type rawCodec struct{ name string }

func (c rawCodec) Name() string { return c.name }

// Marshal copies, because connect pools what a codec returns.
func (c rawCodec) Marshal(message any) ([]byte, error) {
	return slices.Clone(*message.(*rawRequest)), nil
}

func (c rawCodec) Unmarshal(data []byte, message any) error {
	if c.name == "json" {
		return protojson.Unmarshal(data, message.(proto.Message))
	}
	return proto.Unmarshal(data, message.(proto.Message))
}

// rawProtocol is one way to call the service.
type rawProtocol struct {
	name    string
	codec   rawCodec
	http    *http.Client
	bidi    bool
	options []connect.ClientOption
}

// rawProtocols are all protocols on all versions of HTTP that carry them.
func rawProtocols(t *testing.T) []rawProtocol {
	http1, h2c := harness.HTTP1Client(t), harness.H2CClient(t)
	protocols := []rawProtocol{
		{name: "Connect JSON", codec: rawCodec{"json"}},
		{name: "Connect proto", codec: rawCodec{"proto"}},
		{name: "gRPC-Web", codec: rawCodec{"proto"}, options: []connect.ClientOption{connect.WithGRPCWeb()}},
		{name: "gRPC", codec: rawCodec{"proto"}, options: []connect.ClientOption{connect.WithGRPC()}},
	}
	var all []rawProtocol
	for _, d := range protocols {
		d.options = append(d.options, connect.WithCodec(d.codec))
		over1, over2 := d, d
		over1.name, over1.http = d.name+" on HTTP 1.1", http1
		over2.name, over2.http, over2.bidi = d.name+" on h2c", h2c, true
		all = append(all, over2)
		if d.name != "gRPC" {
			all = append(all, over1)
		}
	}
	return all
}

// newRawClient calls one method with requests as they are.
func newRawClient[Res any](s *harness.Service, d rawProtocol, procedure string, more ...connect.ClientOption) *connect.Client[rawRequest, Res] {
	return connect.NewClient[rawRequest, Res](d.http, s.URL+procedure, slices.Concat(d.options, more)...)
}

// requestBody is a request in both encodings, nil where it can't be encoded.
type requestBody struct{ json, proto []byte }

func (b requestBody) in(c rawCodec) []byte {
	if c.name == "json" {
		return b.json
	}
	return b.proto
}

func encode(m proto.Message) requestBody {
	inJSON, err := protojson.Marshal(m)
	if err != nil {
		panic(err) // what the tables hold can be encoded
	}
	inProto, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return requestBody{json: inJSON, proto: nonNil(inProto)}
}

func nonNil(b []byte) []byte { return append([]byte{}, b...) }

// placeholder stands for invalid UTF-8 of the same length, which the
// encoders refuse to encode.
const (
	placeholder = "~~~~"
	invalidUTF8 = "\xff\xfe\xf8\xc0"
)

// notUTF8 returns the request with its placeholders made invalid.
func (b requestBody) notUTF8() requestBody {
	return requestBody{
		json:  bytes.ReplaceAll(b.json, []byte(placeholder), []byte(invalidUTF8)),
		proto: bytes.ReplaceAll(b.proto, []byte(placeholder), []byte(invalidUTF8)),
	}
}

var blank = []byte(" ")

// padded returns the request, made size bytes long by blanks that the receiver
// skips.
func (b requestBody) padded(size int) requestBody {
	const number = 1000 // no field of the contract
	tag := protowire.AppendTag(slices.Clone(b.proto), number, protowire.BytesType)
	filler := size - len(tag)
	for protowire.SizeBytes(filler)+len(tag) > size {
		filler--
	}
	inProto := protowire.AppendBytes(tag, bytes.Repeat(blank, filler))
	inJSON := slices.Concat(b.json, bytes.Repeat(blank, size-len(b.json)))
	return requestBody{json: inJSON, proto: inProto}
}

// asSend returns a SendRequest as the ChatRequest that holds it.
func (b requestBody) asSend() requestBody {
	const send = 3
	var wrapped requestBody
	if b.json != nil {
		wrapped.json = slices.Concat([]byte(`{"send":`), b.json, []byte(`}`))
	}
	if b.proto != nil {
		wrapped.proto = protowire.AppendBytes(protowire.AppendTag(nil, send, protowire.BytesType), b.proto)
	}
	return wrapped
}

// bomb returns the request, padded and compressed.
func (b requestBody) bomb(size int) requestBody {
	large := b.padded(size)
	return requestBody{json: compress(large.json), proto: compress(large.proto)}
}

// compress compresses a megabyte of blanks once for all requests: what
// is compressed in parts reads as one.
func compress(data []byte) []byte {
	blanks := (len(data) - len(bytes.TrimRight(data, " "))) >> 20
	head := gzipped(data[:len(data)-blanks<<20])
	return append(head, bytes.Repeat(compressedMegabyte(), blanks)...)
}

var compressedMegabyte = sync.OnceValue(func() []byte { return gzipped(bytes.Repeat(blank, 1<<20)) })

func gzipped(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(data) // to memory
	_ = w.Close()
	return out.Bytes()
}

// alreadyCompressed declares requests as compressed without compressing them: the caller
// has done so, once for all calls.
func alreadyCompressed() []connect.ClientOption {
	return []connect.ClientOption{
		connect.WithAcceptCompression("gzip",
			func() connect.Decompressor { return new(gzip.Reader) },
			func() connect.Compressor { return new(noCompressor) }),
		connect.WithSendCompression("gzip"),
	}
}

type noCompressor struct{ io.Writer }

func (c *noCompressor) Reset(w io.Writer) { c.Writer = w }

func (c *noCompressor) Close() error { return nil }
