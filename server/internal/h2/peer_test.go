package h2

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// peer is a client that sends frames one by one, valid or not. A goroutine reads
// what the server sends, so that the server is never blocked by the test; peers
// that must not read have none.
type peer struct {
	t      testing.TB
	nc     net.Conn
	framer *http2.Framer
	enc    *hpack.Encoder
	encBuf bytes.Buffer
	dec    *hpack.Decoder
}

// frame is a copy of a frame that the server sent.
type frame struct {
	http2.FrameHeader
	data     []byte            // of DATA and PING, and debug data of GOAWAY
	fields   map[string]string // of HEADERS
	settings []http2.Setting
	code     http2.ErrCode
	last     uint32
	incr     uint32
}

// dial connects a peer that has sent its preface and settings.
func dial(t testing.TB, addr string, settings ...http2.Setting) *peer {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return newPeer(t, nc, settings...)
}

// dial connects a peer to the server.
func (f *front) dial(t testing.TB, settings ...http2.Setting) *peer {
	t.Helper()
	if !f.tls {
		return dial(t, f.addr, settings...)
	}
	nc, err := tls.Dial("tcp", f.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.NetConn().Close() }) // the server may not read an alert
	return newPeer(t, nc, settings...)
}

func newPeer(t testing.TB, nc net.Conn, settings ...http2.Setting) *peer {
	t.Helper()
	p := &peer{t: t, nc: nc, framer: http2.NewFramer(nc, nc), dec: hpack.NewDecoder(4096, nil)}
	p.enc = newPeerEncoder(p)
	p.framer.AllowIllegalWrites = true
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(nc, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	p.must(p.framer.WriteSettings(settings...))
	return p
}

func newPeerEncoder(p *peer) *hpack.Encoder { return hpack.NewEncoder(&p.encBuf) }

var noDeadline time.Time

func (p *peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("writing a frame: %v", err)
	}
}

// block encodes headers, given as names and values.
func (p *peer) block(headers ...string) []byte {
	p.encBuf.Reset()
	for i := 0; i < len(headers); i += 2 {
		_ = p.enc.WriteField(hpack.HeaderField{Name: headers[i], Value: headers[i+1]})
	}
	return bytes.Clone(p.encBuf.Bytes())
}

// get begins a stream with a GET.
func (p *peer) get(id uint32, path string, headers ...string) {
	p.t.Helper()
	p.request(id, true, append([]string{":method", "GET", ":scheme", "http", ":path", path, ":authority", "test"}, headers...)...)
}

// post begins a stream with a POST whose body follows.
func (p *peer) post(id uint32, path string, headers ...string) {
	p.t.Helper()
	p.request(id, false, append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "test"}, headers...)...)
}

func (p *peer) request(id uint32, end bool, headers ...string) {
	p.t.Helper()
	p.must(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(headers...), EndStream: end, EndHeaders: true}))
}

// read returns the next frame, or the error that ended the connection.
func (p *peer) read() (frame, error) {
	f, err := p.framer.ReadFrame()
	if err != nil {
		return frame{}, err
	}
	out := frame{FrameHeader: f.Header()}
	switch f := f.(type) {
	case *http2.DataFrame:
		out.data = bytes.Clone(f.Data())
	case *http2.PingFrame:
		out.data = bytes.Clone(f.Data[:])
	case *http2.HeadersFrame:
		out.fields, err = p.decode(f.HeaderBlockFragment(), f.HeadersEnded())
	case *http2.RSTStreamFrame:
		out.code = f.ErrCode
	case *http2.GoAwayFrame:
		out.code, out.last, out.data = f.ErrCode, f.LastStreamID, bytes.Clone(f.DebugData())
	case *http2.WindowUpdateFrame:
		out.incr = f.Increment
	case *http2.SettingsFrame:
		_ = f.ForeachSetting(func(s http2.Setting) error { out.settings = append(out.settings, s); return nil })
	}
	return out, err
}

func (p *peer) decode(fragment []byte, last bool) (map[string]string, error) {
	block := bytes.Clone(fragment)
	for !last {
		f, err := p.framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		c, ok := f.(*http2.ContinuationFrame)
		if !ok {
			return nil, errors.New("a header block was interrupted")
		}
		block = append(block, c.HeaderBlockFragment()...)
		last = c.HeadersEnded()
	}
	list, err := p.dec.DecodeFull(block)
	fields := make(map[string]string)
	for _, f := range list {
		fields[f.Name] = f.Value
	}
	return fields, err
}

// next returns the next frame of one of the types; others are skipped.
func (p *peer) next(types ...http2.FrameType) frame {
	p.t.Helper()
	for {
		f, err := p.read()
		if err != nil {
			p.t.Fatalf("the connection ended with %v, want one of %v", err, types)
		}
		if slices.Contains(types, f.Type) {
			return f
		}
	}
}

// nextOf returns the next frame of a stream.
func (p *peer) nextOf(id uint32) frame {
	p.t.Helper()
	for {
		f, err := p.read()
		if err != nil {
			p.t.Fatalf("the connection ended with %v, want a frame of stream %d", err, id)
		}
		if f.StreamID == id && f.Type != http2.FrameWindowUpdate {
			return f
		}
	}
}

// barrier returns once the server has handled what was sent before.
func (p *peer) barrier() []frame {
	p.t.Helper()
	data := [8]byte{'b', 'a', 'r', 'r', 'i', 'e', 'r'}
	p.must(p.framer.WritePing(false, data))
	var before []frame
	for {
		f, err := p.read()
		if err != nil {
			p.t.Fatalf("the connection ended with %v, want an answer to a PING", err)
		}
		if f.Type == http2.FramePing && f.Flags.Has(http2.FlagPingAck) && string(f.data) == string(data[:]) {
			return before
		}
		before = append(before, f)
	}
}

// goAway reads until the connection ends, and returns the code of its GOAWAY.
func (p *peer) goAway() (code http2.ErrCode, ok bool) {
	for {
		f, err := p.read()
		if err != nil {
			return code, ok
		}
		if f.Type == http2.FrameGoAway {
			code, ok = f.code, true
		}
	}
}
