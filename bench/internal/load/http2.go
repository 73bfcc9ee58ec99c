package load

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	frameHeader = 9
	// maxFrame is what a peer may send when nothing else was said.
	maxFrame = 16 << 10
	// receiveWindow is how much a peer may send before it is told to go on.
	receiveWindow = 16 << 20
	// theStream is the id of the only stream of a connection.
	theStream = 1
)

// h2 reads the frames of a connection with one stream. What it answers is
// appended to out.
type h2 struct {
	assembler
	out      *[]byte
	body     layer
	begun    func()                                 // called when the response's head has come
	grant    func(stream, bytes uint32)             // called for window updates; may be nil
	settings func(id http2.SettingID, value uint32) // may be nil
	started  bool                                   // the response's head has come
	taken    uint32                                 // bytes received since the last window update
}

func newH2(out *[]byte, body layer, begun func()) *h2 {
	h := &h2{out: out, body: body, begun: begun}
	h.consume = h.frames
	return h
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
		return h.data(flags, p)
	case http2.FrameHeaders:
		return h.headers(flags, p)
	case http2.FramePing:
		if flags&http2.FlagPingAck == 0 && len(p) == 8 {
			h.write(http2.FramePing, http2.FlagPingAck, 0, p)
		}
	case http2.FrameSettings:
		if flags&http2.FlagSettingsAck == 0 {
			h.write(http2.FrameSettings, http2.FlagSettingsAck, 0, nil)
		}
		for ; h.settings != nil && len(p) >= 6; p = p[6:] {
			h.settings(http2.SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:]))
		}
	case http2.FrameWindowUpdate:
		if h.grant != nil && len(p) == 4 {
			h.grant(stream, binary.BigEndian.Uint32(p))
		}
	case http2.FrameRSTStream, http2.FrameGoAway:
		return fmt.Errorf("received a %s frame: %q", kind, p)
	}
	return nil
}

func (h *h2) data(flags http2.Flags, p []byte) error {
	h.taken += uint32(len(p))
	if h.taken >= receiveWindow/2 {
		step := binary.BigEndian.AppendUint32(nil, h.taken)
		h.write(http2.FrameWindowUpdate, 0, 0, step)
		h.write(http2.FrameWindowUpdate, 0, theStream, step)
		h.taken = 0
	}
	if flags&http2.FlagDataPadded != 0 {
		if len(p) == 0 || int(p[0]) >= len(p) {
			return fmt.Errorf("a frame with more padding than bytes")
		}
		p = p[1 : len(p)-int(p[0])]
	}
	if err := h.body.feed(p); err != nil {
		return err
	}
	if flags&http2.FlagDataEndStream != 0 {
		return fmt.Errorf("the stream ended")
	}
	return nil
}

// headers reads the response's head. There are no other headers than trailers,
// and they end the stream.
func (h *h2) headers(flags http2.Flags, p []byte) error {
	if flags&(http2.FlagHeadersPadded|http2.FlagHeadersPriority) != 0 || flags&http2.FlagHeadersEndHeaders == 0 {
		return fmt.Errorf("headers with flags %#x", flags)
	}
	// The table is empty: this side announced a size of 0.
	fields, err := hpack.NewDecoder(0, nil).DecodeFull(p)
	if err != nil {
		return err
	}
	ok := !h.started && flags&http2.FlagHeadersEndStream == 0
	for _, f := range fields {
		ok = ok && (f.Name != ":status" || f.Value == "200")
	}
	if !ok {
		return fmt.Errorf("the stream ended: %v", fields)
	}
	h.started = true
	h.begun()
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

// openH2 returns the first bytes of a connection: the preface, settings with
// large windows, and the head of the only request.
func openH2(authority, path string, fields ...hpack.HeaderField) []byte {
	var out, block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":authority", Value: authority},
		{Name: ":path", Value: path},
	}, fields...) {
		_ = encoder.WriteField(f) // a bytes.Buffer takes everything
	}
	out.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&out, nil)
	_ = framer.WriteSettings(
		http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0},
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: receiveWindow},
	)
	_ = framer.WriteWindowUpdate(0, receiveWindow-65535)
	_ = framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: theStream, BlockFragment: block.Bytes(), EndHeaders: true,
	})
	return out.Bytes()
}
