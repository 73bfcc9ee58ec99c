package main

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
)

// badinputRaw is a request as it goes over the wire, well-formed or not.
type badinputRaw []byte

// badinputCodec sends what it is given, and decodes answers for real.
type badinputCodec struct{ name string }

func (c badinputCodec) Name() string { return c.name }

// Marshal copies, because connect pools what a codec returns.
func (c badinputCodec) Marshal(message any) ([]byte, error) {
	return slices.Clone(*message.(*badinputRaw)), nil
}

func (c badinputCodec) Unmarshal(data []byte, message any) error {
	if c.name == "json" {
		return protojson.Unmarshal(data, message.(proto.Message))
	}
	return proto.Unmarshal(data, message.(proto.Message))
}

// badinputDoor is one way to call the service.
type badinputDoor struct {
	name    string
	codec   badinputCodec
	http    *http.Client
	bidi    bool
	options []connect.ClientOption
}

// badinputDoors are all protocols on all versions of HTTP that carry them.
func badinputDoors(t *testing.T) []badinputDoor {
	http1, h2c := http1Client(t), h2cClient(t)
	doors := []badinputDoor{
		{name: "Connect JSON", codec: badinputCodec{"json"}},
		{name: "Connect proto", codec: badinputCodec{"proto"}},
		{name: "gRPC-Web", codec: badinputCodec{"proto"}, options: []connect.ClientOption{connect.WithGRPCWeb()}},
		{name: "gRPC", codec: badinputCodec{"proto"}, options: []connect.ClientOption{connect.WithGRPC()}},
	}
	var all []badinputDoor
	for _, d := range doors {
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

// badinputClient calls one method with requests as they are.
func badinputClient[Res any](s *testService, d badinputDoor, procedure string, more ...connect.ClientOption) *connect.Client[badinputRaw, Res] {
	return connect.NewClient[badinputRaw, Res](d.http, s.URL+procedure, slices.Concat(d.options, more)...)
}

// badinputBody is a request in both encodings, nil where it can't be said.
type badinputBody struct{ json, proto []byte }

func (b badinputBody) in(c badinputCodec) []byte {
	if c.name == "json" {
		return b.json
	}
	return b.proto
}

func badinputEncode(m proto.Message) badinputBody {
	inJSON, err := protojson.Marshal(m)
	if err != nil {
		panic(err) // what the tables hold can be encoded
	}
	inProto, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return badinputBody{json: inJSON, proto: nonNil(inProto)}
}

func nonNil(b []byte) []byte { return append([]byte{}, b...) }

// badinputPlaceholder stands for invalid UTF-8 of the same length, which the
// encoders refuse to encode.
const (
	badinputPlaceholder = "~~~~"
	badinputNotUTF8     = "\xff\xfe\xf8\xc0"
)

// notUTF8 returns the request with its placeholders made invalid.
func (b badinputBody) notUTF8() badinputBody {
	return badinputBody{
		json:  bytes.ReplaceAll(b.json, []byte(badinputPlaceholder), []byte(badinputNotUTF8)),
		proto: bytes.ReplaceAll(b.proto, []byte(badinputPlaceholder), []byte(badinputNotUTF8)),
	}
}

var badinputBlank = []byte(" ")

// padded returns the request, made size bytes long by blanks that the receiver
// skips.
func (b badinputBody) padded(size int) badinputBody {
	const number = 1000 // no field of the contract
	tag := protowire.AppendTag(slices.Clone(b.proto), number, protowire.BytesType)
	filler := size - len(tag)
	for protowire.SizeBytes(filler)+len(tag) > size {
		filler--
	}
	inProto := protowire.AppendBytes(tag, bytes.Repeat(badinputBlank, filler))
	inJSON := slices.Concat(b.json, bytes.Repeat(badinputBlank, size-len(b.json)))
	return badinputBody{json: inJSON, proto: inProto}
}

// asSend returns a SendRequest as the ChatRequest that holds it.
func (b badinputBody) asSend() badinputBody {
	const send = 3
	var wrapped badinputBody
	if b.json != nil {
		wrapped.json = slices.Concat([]byte(`{"send":`), b.json, []byte(`}`))
	}
	if b.proto != nil {
		wrapped.proto = protowire.AppendBytes(protowire.AppendTag(nil, send, protowire.BytesType), b.proto)
	}
	return wrapped
}

// bomb returns the request, padded and compressed.
func (b badinputBody) bomb(size int) badinputBody {
	large := b.padded(size)
	return badinputBody{json: badinputCompress(large.json), proto: badinputCompress(large.proto)}
}

// badinputCompress compresses a megabyte of blanks once for all requests: what
// is compressed in parts reads as one.
func badinputCompress(data []byte) []byte {
	blanks := (len(data) - len(bytes.TrimRight(data, " "))) >> 20
	head := badinputGzip(data[:len(data)-blanks<<20])
	return append(head, bytes.Repeat(badinputMegabyte(), blanks)...)
}

var badinputMegabyte = sync.OnceValue(func() []byte { return badinputGzip(bytes.Repeat(badinputBlank, 1<<20)) })

func badinputGzip(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(data) // to memory
	_ = w.Close()
	return out.Bytes()
}

// badinputCompressed says that requests are compressed, and leaves them as they are:
// the caller did it, once for all calls.
func badinputCompressed() []connect.ClientOption {
	return []connect.ClientOption{
		connect.WithAcceptCompression("gzip",
			func() connect.Decompressor { return new(gzip.Reader) },
			func() connect.Compressor { return new(badinputCompressor) }),
		connect.WithSendCompression("gzip"),
	}
}

type badinputCompressor struct{ io.Writer }

func (c *badinputCompressor) Reset(w io.Writer) { c.Writer = w }
func (c *badinputCompressor) Close() error      { return nil }
