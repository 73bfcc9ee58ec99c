package load

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream is a protocol, and how a server encodes messages in it.
type stream struct {
	name string
	// encode returns what a server sends for these messages.
	encode func(messages [][]byte) []byte
	// layer takes that.
	layer func(out *[]byte, ready func(), message func([]byte) error) layer
}

func streams() []stream {
	return []stream{
		{"HTTP/2", encodeH2, func(out *[]byte, ready func(), message func([]byte) error) layer {
			return newH2(out, h2Stream{body: newEnvelopes(message), onHeaders: ready})
		}},
		{"HTTP/1.1", encodeHTTP1, func(_ *[]byte, ready func(), message func([]byte) error) layer {
			return newHTTP1("200", true, newEnvelopes(message), ready)
		}},
		{"WebSocket", encodeWebSocket, func(out *[]byte, ready func(), message func([]byte) error) layer {
			return newHTTP1("101", false, newWebSocket(out, message), ready)
		}},
		{"NATS", encodeNATS, func(out *[]byte, ready func(), message func([]byte) error) layer {
			return newNATS(out, ready, func() {}, message)
		}},
		{"TCP", encodeTCP, func(_ *[]byte, ready func(), message func([]byte) error) layer {
			return newFrames(ready, message)
		}},
	}
}

// encodeH2 lets x/net's framer write, with frames that cut envelopes in two, and
// frames of other kinds between them.
func encodeH2(messages [][]byte) []byte {
	var out, block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	encoder.SetMaxDynamicTableSize(0) // as a server does that was told so
	_ = encoder.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	_ = encoder.WriteField(hpack.HeaderField{Name: "content-type", Value: "application/connect+proto"})
	framer := http2.NewFramer(&out, nil)
	_ = framer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 100})
	_ = framer.WriteSettingsAck()
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
	var body []byte
	for _, m := range messages {
		body = appendEnvelope(body, m)
	}
	for i, piece := 0, 1; i < len(body); i, piece = i+piece, piece*3%1009 {
		piece = min(piece, len(body)-i)
		switch i % 3 {
		case 0:
			_ = framer.WriteDataPadded(1, false, body[i:i+piece], make([]byte, i%5))
		case 1:
			_ = framer.WriteWindowUpdate(0, 7)
			_ = framer.WriteData(1, false, body[i:i+piece])
		default:
			_ = framer.WritePing(false, [8]byte{1, 2, 3})
			_ = framer.WriteData(1, false, body[i:i+piece])
		}
	}
	return out.Bytes()
}

// encodeHTTP1 has two messages in two chunks, and cuts the first one.
func encodeHTTP1(messages [][]byte) []byte {
	var out bytes.Buffer
	out.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/connect+proto\r\nTransfer-Encoding: chunked\r\n\r\n")
	for pair := range slices.Chunk(messages, 2) {
		var body []byte
		for _, m := range pair {
			body = appendEnvelope(body, m)
		}
		if len(body) > 3 { // an envelope in two chunks
			appendChunk(&out, body[:3])
			body = body[3:]
		}
		appendChunk(&out, body)
	}
	return out.Bytes()
}

func appendChunk(dst *bytes.Buffer, p []byte) { fmt.Fprintf(dst, "%x\r\n%s\r\n", len(p), p) }

func encodeWebSocket(messages [][]byte) []byte {
	out := []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	for _, m := range messages {
		out = append(out, wsPing, 2, 'h', 'i', wsText)
		if len(m) < 126 {
			out = append(out, byte(len(m)))
		} else {
			out = append(out, 126, byte(len(m)>>8), byte(len(m)))
		}
		out = append(out, m...)
	}
	return out
}

func encodeNATS(messages [][]byte) []byte {
	var out bytes.Buffer
	out.WriteString("INFO {\"server_id\":\"x\"}\r\nPING\r\nPONG\r\n")
	for _, m := range messages {
		fmt.Fprintf(&out, "MSG bench 1 %d\r\n%s\r\nPING\r\n", len(m), m)
	}
	return out.Bytes()
}

func encodeTCP(messages [][]byte) []byte {
	out := appendLength(nil, nil)
	for _, m := range messages {
		out = appendLength(out, m)
	}
	return out
}

// pieces feeds p to l in pieces whose lengths size returns.
func pieces(l layer, p []byte, size func() int) error {
	for len(p) > 0 {
		n := min(max(size(), 1), len(p))
		if err := l.feed(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// messagesOf returns a few messages of different lengths, none empty.
func messagesOf(random *rand.Rand) [][]byte {
	var messages [][]byte
	for i := range 1 + random.IntN(12) {
		messages = append(messages, fmt.Appendf(nil, "%d%s", i, strings.Repeat("\r\n", random.IntN(400))))
	}
	return messages
}

func checkStream(t *testing.T, s stream, messages [][]byte, size func() int) {
	t.Helper()
	var got [][]byte
	var out []byte
	ready := 0
	l := s.layer(&out, func() { ready++ }, func(p []byte) error {
		got = append(got, bytes.Clone(p))
		return nil
	})
	if err := pieces(l, s.encode(messages), size); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	if !slices.EqualFunc(got, messages, bytes.Equal) {
		t.Errorf("%s: received %q, want %q", s.name, got, messages)
	}
	if ready != 1 {
		t.Errorf("%s: %d times ready, want once", s.name, ready)
	}
}

func TestStreams(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, s := range streams() {
		for range 50 {
			messages := messagesOf(random)
			checkStream(t, s, messages, func() int { return 1 })
			checkStream(t, s, messages, func() int { return 1 << 20 })
			checkStream(t, s, messages, func() int { return random.IntN(300) })
		}
	}
}

// FuzzStreams cuts what a server sends at arbitrary points.
func FuzzStreams(f *testing.F) {
	f.Add(uint64(1), []byte{1, 2, 3})
	f.Add(uint64(2), []byte{255, 0, 9, 9, 9})
	f.Fuzz(func(t *testing.T, seed uint64, cuts []byte) {
		for _, s := range streams() {
			rest := cuts
			checkStream(t, s, messagesOf(rand.New(rand.NewPCG(seed, 0))), func() int {
				if len(rest) == 0 {
					return 1 << 20
				}
				n := int(rest[0])
				rest = rest[1:]
				return n
			})
		}
	})
}

// FuzzGarbage feeds bytes that no server sends: an error is fine, a panic or a
// hoard of memory is not.
func FuzzGarbage(f *testing.F) {
	for _, s := range streams() {
		f.Add(s.encode([][]byte{[]byte("hi"), bytes.Repeat([]byte("x"), 200)}))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var out []byte
		for _, s := range streams() {
			l := s.layer(&out, func() {}, func([]byte) error { return nil })
			_ = pieces(l, p, func() int { return 7 })
		}
		sub := &subscriber{tally: &tally{window: newWindow()}}
		_ = sub.receiveFrame(p)
		_ = sub.receiveString(p)
	})
}

func TestStreamsThatEnd(t *testing.T) {
	tests := map[string]struct{ stream, sent string }{
		"a refused request":     {"HTTP/1.1", "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"},
		"no chunks":             {"HTTP/1.1", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"},
		"the last chunk":        {"HTTP/1.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		"an end of Connect":     {"HTTP/1.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n\x02\x00\x00\x00\x02{}\r\n"},
		"trailers of gRPC-Web":  {"HTTP/1.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n\x80\x00\x00\x00\x02\r\n\r\n"},
		"a compressed message":  {"HTTP/1.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n\x01\x00\x00\x00\x02hi\r\n"},
		"a size of no chunk":    {"HTTP/1.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n"},
		"a reset stream":        {"HTTP/2", string(appendFrame(nil, http2.FrameRSTStream, 0, 1, []byte{0, 0, 0, 8}))},
		"a connection going":    {"HTTP/2", string(appendFrame(nil, http2.FrameGoAway, 0, 0, make([]byte, 8)))},
		"a frame of a megabyte": {"HTTP/2", "\x10\x00\x00\x00\x00\x00\x00\x00\x01"},
		"data that end":         {"HTTP/2", string(appendFrame(nil, http2.FrameData, http2.FlagDataEndStream, 1, nil))},
		"a refused upgrade":     {"WebSocket", "HTTP/1.1 403 Forbidden\r\n\r\n"},
		"a close":               {"WebSocket", "HTTP/1.1 101 Switching Protocols\r\n\r\n\x88\x00"},
		"a masked frame":        {"WebSocket", "HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x81\x00\x00\x00\x00x"},
		"an error of NATS":      {"NATS", "-ERR 'Slow Consumer'\r\n"},
		"a huge message":        {"TCP", "\x7f\xff\xff\xff"},
	}
	for name, test := range tests {
		for _, s := range streams() {
			if s.name != test.stream {
				continue
			}
			var out []byte
			if err := s.layer(&out, func() {}, func([]byte) error { return nil }).feed([]byte(test.sent)); err == nil {
				t.Errorf("%s, on %s: no error", name, s.name)
			}
		}
	}
}

// TestPingsAreAnswered also covers settings and window updates.
func TestPingsAreAnswered(t *testing.T) {
	var out []byte
	h := newH2(&out, h2Stream{body: newEnvelopes(func([]byte) error { return nil }), onHeaders: func() {}})
	if err := h.feed(encodeH2(slices.Repeat([][]byte{make([]byte, 1000)}, 20))); err != nil {
		t.Fatal(err)
	}
	pings := 0
	framer := http2.NewFramer(nil, bytes.NewReader(out))
	settled := false
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			break
		}
		switch f := frame.(type) {
		case *http2.PingFrame:
			if !f.IsAck() || f.Data != [8]byte{1, 2, 3} {
				t.Errorf("answered a ping with %v, want an acknowledgement of the same bytes", f)
			}
			pings++
		case *http2.SettingsFrame:
			settled = f.IsAck()
		}
	}
	if pings == 0 || !settled {
		t.Errorf("%d pings are answered, and settings: %t; want both", pings, settled)
	}
}

// TestWindowUpdates receives more than the window without ever filling it.
func TestWindowUpdates(t *testing.T) {
	var out []byte
	h := newH2(&out, h2Stream{body: newEnvelopes(func([]byte) error { return nil }), onHeaders: func() {}})
	h.streams[0].started = true
	frame := appendFrame(nil, http2.FrameData, 0, 1, appendEnvelope(nil, make([]byte, maxFrame-5)))
	open := receiveWindow
	for range 3 * receiveWindow / maxFrame {
		if open -= maxFrame; open < 0 {
			t.Fatal("the server would have to stop")
		}
		if err := h.feed(frame); err != nil {
			t.Fatal(err)
		}
		framer := http2.NewFramer(nil, bytes.NewReader(out))
		for {
			f, err := framer.ReadFrame()
			if err != nil {
				break
			}
			if update, ok := f.(*http2.WindowUpdateFrame); ok && update.StreamID == 1 {
				open += int(update.Increment)
			}
		}
		out = out[:0]
	}
}

// TestHTTP1AgainstNetHTTP reads what a real server sends.
func TestHTTP1AgainstNetHTTP(t *testing.T) {
	var want [][]byte
	for i := range 100 {
		want = append(want, bytes.Repeat([]byte{byte(i)}, 1+i*37))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i, m := range want {
			_, _ = w.Write(appendEnvelope(nil, m))
			if i%3 == 0 {
				w.(http.Flusher).Flush()
			}
		}
	}))
	defer server.Close()
	var got [][]byte
	l := newHTTP1("200", true, newEnvelopes(func(p []byte) error {
		got = append(got, bytes.Clone(p))
		return nil
	}), func() {})
	fd, err := dial(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(fd)
	if err := writeAll(fd, ConnectHTTP1.request("127.0.0.1", Subscription{Room: "x"})); err != nil {
		t.Fatal(err)
	}
	if err := feedFrom(fd, l); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("the stream ends with %v, want that it ended", err)
	}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("received %d messages, want the %d that were sent", len(got), len(want))
	}
}
