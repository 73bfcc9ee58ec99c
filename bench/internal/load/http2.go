package load

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	frameHeader = 9
	// maxFrame is the largest frame that a peer may send by default.
	maxFrame = 16 << 10
	// receiveWindow is how much a peer may send before it needs a window update.
	receiveWindow = 16 << 20
	// firstStream is the id of the first stream of a connection. Each later one is
	// higher by two.
	firstStream = 1
)

// h2Stream is one stream of a connection.
type h2Stream struct {
	body           layer
	onHeaders      func() // called when the response's head has come
	started        bool   // the response's head has come
	unacknowledged uint32 // bytes received since the stream's last window update
}

// h2 reads the frames of a connection. What it answers is appended to out.
type h2 struct {
	assembler
	out            *[]byte
	streams        []h2Stream                             // the one with the id 2i+1 is the i-th
	maxStreams     uint32                                 // that the server allows
	unacknowledged uint32                                 // bytes received since the connection's last window update
	onWindowUpdate func(stream, bytes uint32)             // called for window updates; may be nil
	settings       func(id http2.SettingID, value uint32) // may be nil
}

// newH2 returns a reader for a connection whose first stream is first.
func newH2(out *[]byte, first h2Stream) *h2 {
	h := &h2{out: out, streams: []h2Stream{first}, maxStreams: math.MaxUint32}
	h.consume = h.frames
	return h
}

// add adds a stream and returns its id.
func (h *h2) add(s h2Stream) (id uint32, err error) {
	if len(h.streams) >= int(h.maxStreams) {
		return 0, fmt.Errorf("the server allows %d streams on a connection", h.maxStreams)
	}
	h.streams = append(h.streams, s)
	return firstStream + 2*uint32(len(h.streams)-1), nil
}

// stream returns the stream with an id.
func (h *h2) stream(id uint32) (*h2Stream, error) {
	if i := int(id / 2); id%2 == 1 && i < len(h.streams) {
		return &h.streams[i], nil
	}
	return nil, fmt.Errorf("received a frame for the stream %d of %d", id, len(h.streams))
}

func (h *h2) frames(p []byte) (int, error) {
	n := 0
	for len(p)-n >= frameHeader {
		size := int(p[n])<<16 | int(p[n+1])<<8 | int(p[n+2])
		if size > maxFrame {
			return n, fmt.Errorf("a frame of %d bytes", size)
		}
		if len(p)-n-frameHeader < size {
			break
		}
		kind, flags := http2.FrameType(p[n+3]), http2.Flags(p[n+4])
		stream := binary.BigEndian.Uint32(p[n+5:]) &^ (1 << 31)
		n += frameHeader
		if err := h.frame(kind, flags, stream, p[n:n+size]); err != nil {
			return n, err
		}
		n += size
	}
	return n, nil
}

func (h *h2) frame(kind http2.FrameType, flags http2.Flags, stream uint32, p []byte) error {
	switch kind {
	case http2.FrameData:
		return h.data(flags, stream, p)
	case http2.FrameHeaders:
		return h.headers(flags, stream, p)
	case http2.FramePing:
		if flags&http2.FlagPingAck == 0 && len(p) == 8 {
			h.write(http2.FramePing, http2.FlagPingAck, 0, p)
		}
	case http2.FrameSettings:
		if flags&http2.FlagSettingsAck == 0 {
			h.write(http2.FrameSettings, http2.FlagSettingsAck, 0, nil)
		}
		for ; len(p) >= 6; p = p[6:] {
			h.setting(http2.SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:]))
		}
	case http2.FrameWindowUpdate:
		if h.onWindowUpdate != nil && len(p) == 4 {
			h.onWindowUpdate(stream, binary.BigEndian.Uint32(p))
		}
	case http2.FrameRSTStream, http2.FrameGoAway:
		return fmt.Errorf("received a %s frame: %q", kind, p)
	}
	return nil
}

func (h *h2) setting(id http2.SettingID, value uint32) {
	if id == http2.SettingMaxConcurrentStreams {
		h.maxStreams = value
	}
	if h.settings != nil {
		h.settings(id, value)
	}
}

func (h *h2) data(flags http2.Flags, id uint32, p []byte) error {
	s, err := h.stream(id)
	if err != nil {
		return err
	}
	h.take(&h.unacknowledged, 0, len(p))
	h.take(&s.unacknowledged, id, len(p))
	if flags&http2.FlagDataPadded != 0 {
		if len(p) == 0 || int(p[0]) >= len(p) {
			return fmt.Errorf("a frame with more padding than bytes")
		}
		p = p[1 : len(p)-int(p[0])]
	}
	if err := s.body.feed(p); err != nil {
		return err
	}
	if flags&http2.FlagDataEndStream != 0 {
		return fmt.Errorf("the stream ended")
	}
	return nil
}

// take counts bytes received on a stream, or with the id 0 on the connection, and sends a
// window update when they are half of the window.
func (h *h2) take(unacknowledged *uint32, id uint32, bytes int) {
	if *unacknowledged += uint32(bytes); *unacknowledged >= receiveWindow/2 {
		h.write(http2.FrameWindowUpdate, 0, id, binary.BigEndian.AppendUint32(nil, *unacknowledged))
		*unacknowledged = 0
	}
}

// headers reads a response's head. There are no other headers than trailers,
// and they end the stream.
func (h *h2) headers(flags http2.Flags, id uint32, p []byte) error {
	s, err := h.stream(id)
	if err != nil {
		return err
	}
	if flags&(http2.FlagHeadersPadded|http2.FlagHeadersPriority) != 0 || flags&http2.FlagHeadersEndHeaders == 0 {
		return fmt.Errorf("headers with flags %#x", flags)
	}
	// The table is empty: this side announced a size of 0.
	fields, err := hpack.NewDecoder(0, nil).DecodeFull(p)
	if err != nil {
		return err
	}
	ok := !s.started && flags&http2.FlagHeadersEndStream == 0
	for _, f := range fields {
		ok = ok && (f.Name != ":status" || f.Value == "200")
	}
	if !ok {
		return fmt.Errorf("the stream ended: %v", fields)
	}
	s.started = true
	s.onHeaders()
	return nil
}

func (h *h2) write(kind http2.FrameType, flags http2.Flags, stream uint32, p []byte) {
	*h.out = appendFrame(*h.out, kind, flags, stream, p)
}

// appendFrame appends a frame around p.
func appendFrame(dst []byte, kind http2.FrameType, flags http2.Flags, stream uint32, p []byte) []byte {
	dst = append(dst, byte(len(p)>>16), byte(len(p)>>8), byte(len(p)), byte(kind), byte(flags))
	dst = binary.BigEndian.AppendUint32(dst, stream)
	return append(dst, p...)
}

// openH2 returns the first bytes of a connection: the preface, and settings with
// large windows.
func openH2() []byte {
	var out bytes.Buffer
	out.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&out, nil)
	_ = framer.WriteSettings( // a bytes.Buffer takes everything
		http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0},
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: receiveWindow},
	)
	_ = framer.WriteWindowUpdate(0, receiveWindow-65535)
	return out.Bytes()
}

// appendHead appends the head of a request. It leaves the server's table of
// headers empty, so that no request depends on another.
func appendHead(dst []byte, id uint32, authority, path string, fields ...hpack.HeaderField) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	encoder.SetMaxDynamicTableSize(0)
	for _, f := range append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":authority", Value: authority},
		{Name: ":path", Value: path},
	}, fields...) {
		_ = encoder.WriteField(f) // a bytes.Buffer takes everything
	}
	return appendFrame(dst, http2.FrameHeaders, http2.FlagHeadersEndHeaders, id, block.Bytes())
}
