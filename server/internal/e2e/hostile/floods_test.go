package hostile

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// flooder is an HTTP/2 client that breaks the rules, or uses them to the limit.
type flooder struct {
	*frameClient
	t *testing.T
	s *harness.Service

	block   bytes.Buffer
	encoder *hpack.Encoder
}

func newFlooder(t *testing.T, s *harness.Service) *flooder {
	t.Helper()
	f := &flooder{frameClient: newFrameClient(t, s), t: t, s: s}
	harness.Must(t, f.conn.(*net.TCPConn).SetReadBuffer(1<<20)) // so that GOAWAY is read
	f.encoder = hpack.NewEncoder(&f.block)
	f.framer.AllowIllegalWrites = true
	harness.Must(t, f.conn.SetDeadline(time.Now().Add(waitLimit)))
	return f
}

// encode returns the block of headers, given as names and values.
func (f *flooder) encode(headers ...string) []byte {
	f.block.Reset()
	for i := 0; i < len(headers); i += 2 {
		harness.Must(f.t, f.encoder.WriteField(hpack.HeaderField{Name: headers[i], Value: headers[i+1]}))
	}
	return bytes.Clone(f.block.Bytes())
}

// call opens the i-th stream with headers of a call of Subscribe, and more.
func (f *flooder) call(i uint32, more ...string) error {
	headers := append([]string{
		":method", "POST", ":scheme", "http", ":authority", f.s.Addr, ":path", chatv1connect.ChatRoomSubscribeProcedure,
		"content-type", "application/grpc",
	}, more...)
	return f.headers(2*i+1, true, f.encode(headers...))
}

// headers begins a stream whose body follows. Unless end is set, CONTINUATION follows.
func (f *flooder) headers(stream uint32, end bool, block []byte) error {
	return f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: end})
}

// subscribe calls Subscribe on the i-th stream.
func (f *flooder) subscribe(i uint32) error {
	if err := f.call(i); err != nil {
		return err
	}
	return f.framer.WriteData(2*i+1, true, subscribeBody(f.t))
}

// goAway reads until the connection ends, and returns the code of its GOAWAY.
func (f *flooder) goAway() (code http2.ErrCode, told bool) {
	for {
		switch frame, err := f.framer.ReadFrame(); frame := frame.(type) {
		case *http2.GoAwayFrame:
			code, told = frame.ErrCode, true
		default:
			if err != nil {
				return code, told
			}
		}
	}
}

// floods send one kind of frame as fast as they can. begin, if it is set, is called
// before, and next sends the i-th.
var floods = map[string]struct {
	begin func(*flooder) error
	next  func(f *flooder, i uint32) error
}{
	"rapid reset": {nil, func(f *flooder, i uint32) error {
		if err := f.subscribe(i); err != nil {
			return err
		}
		return f.framer.WriteRSTStream(2*i+1, http2.ErrCodeCancel)
	}},
	"reset by a broken protocol": {nil, func(f *flooder, i uint32) error {
		if err := f.call(i); err != nil {
			return err
		}
		return f.framer.WriteWindowUpdate(2*i+1, 0)
	}},
	"malformed requests": {nil, func(f *flooder, i uint32) error {
		return f.headers(2*i+1, true, f.encode(":method", "GET"))
	}},
	"refused streams": {nil, func(f *flooder, i uint32) error { return f.call(i) }},
	"headers over the limit": {nil, func(f *flooder, i uint32) error {
		// All but the first are a byte, which refers to the first.
		return f.call(i, slices.Repeat([]string{"x-large", strings.Repeat("x", 3_000)}, 10)...)
	}},
	"PING": {nil, func(f *flooder, i uint32) error {
		return f.framer.WritePing(false, [8]byte{1})
	}},
	"PING acknowledgements": {nil, func(f *flooder, i uint32) error {
		return f.framer.WritePing(true, [8]byte{1})
	}},
	"SETTINGS": {nil, func(f *flooder, i uint32) error {
		return f.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: i % 100})
	}},
	"SETTINGS acknowledgements": {nil, func(f *flooder, i uint32) error {
		return f.framer.WriteSettingsAck()
	}},
	"empty DATA": {func(f *flooder) error { return f.call(0) }, func(f *flooder, i uint32) error {
		return f.framer.WriteData(1, false, nil)
	}},
	"DATA of a byte on an open Chat": {beginChat, func(f *flooder, i uint32) error {
		return f.framer.WriteData(1, false, []byte{0})
	}},
	"empty CONTINUATION": {beginHeaderBlock, func(f *flooder, i uint32) error {
		return f.framer.WriteContinuation(1, false, nil)
	}},
	"large CONTINUATION": {beginHeaderBlock, func(f *flooder, i uint32) error {
		return f.framer.WriteContinuation(1, false, f.encode("x-large", strings.Repeat("x", 10_000)))
	}},
	"WINDOW_UPDATE": {nil, func(f *flooder, i uint32) error {
		return f.framer.WriteWindowUpdate(0, 1)
	}},
	"WINDOW_UPDATE of a live stream": {func(f *flooder) error { return f.subscribe(0) }, func(f *flooder, i uint32) error {
		return f.framer.WriteWindowUpdate(1, 1)
	}},
	"PRIORITY": {nil, func(f *flooder, i uint32) error {
		return f.framer.WritePriority(2*i+1, http2.PriorityParam{Weight: 1})
	}},
	"PRIORITY_UPDATE": {nil, func(f *flooder, i uint32) error {
		return f.framer.WritePriorityUpdate(2*i+1, "u=1")
	}},
	"frames of an unknown type": {nil, func(f *flooder, i uint32) error {
		return f.framer.WriteRawFrame(0x77, 0, 0, []byte("x"))
	}},
	"RST_STREAM of an ended stream": {resetStream, func(f *flooder, i uint32) error {
		return f.framer.WriteRSTStream(1, http2.ErrCodeCancel)
	}},
}

// beginChat opens a Chat, and begins a request of 64 KiB.
func beginChat(f *flooder) error {
	block := f.encode(":method", "POST", ":scheme", "http", ":authority", f.s.Addr, ":path", chatv1connect.ChatRoomChatProcedure,
		"content-type", "application/grpc")
	if err := f.headers(1, true, block); err != nil {
		return err
	}
	return f.framer.WriteData(1, false, []byte{0, 0, 1, 0, 0})
}

// beginHeaderBlock begins a header block that does not end.
func beginHeaderBlock(f *flooder) error { return f.headers(1, false, f.encode(":method", "GET")) }

// resetStream subscribes, and resets the stream.
func resetStream(f *flooder) error {
	if err := f.subscribe(0); err != nil {
		return err
	}
	return f.framer.WriteRSTStream(1, http2.ErrCodeCancel)
}

// A client that floods its connection is disconnected with ENHANCE_YOUR_CALM. Bystanders
// receive everything in order meanwhile. Each flood has a service of its own, which
// refuses an address after a few.
func TestHTTP2FloodsAreCutOff(t *testing.T) {
	t.Parallel()
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, harness.InMemory)
			rest := newBystanders(t, s)
			f := newFlooder(t, s)
			if flood.begin != nil {
				harness.Must(t, flood.begin(f))
			}
			var exchanging sync.WaitGroup
			exchanging.Go(func() { rest.exchange(t, 100, harness.LongText) })
			f.checkCutOff(flood.next)
			exchanging.Wait()
			rest.awaitMembers(t, 0)
			rest.exchange(t, 1, "")
		})
	}
}

// checkCutOff sends frames until the connection ends, and checks why it did.
func (f *flooder) checkCutOff(next func(f *flooder, i uint32) error) {
	f.t.Helper()
	var flooding sync.WaitGroup
	flooding.Go(func() {
		for i := uint32(0); next(f, i) == nil; i++ {
		}
	})
	code, told := f.goAway()
	_ = f.conn.Close()
	flooding.Wait()
	if !told || code != http2.ErrCodeEnhanceYourCalm {
		f.t.Errorf("GOAWAY %v, %t, want ENHANCE_YOUR_CALM", code, told)
	}
}

// floodLimit is more floods than any address is allowed within a minute.
const floodLimit = 10

// A client that floods one connection after another is refused for a time, which is
// logged once. Bystanders that are connected receive everything in order meanwhile.
func TestReconnectingFloodsAreRefused(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory)
	rest := newBystanders(t, s)
	var exchanging sync.WaitGroup
	exchanging.Go(func() { rest.exchange(t, 100, harness.LongText) })
	for floods := 0; !refused(t, s); floods++ {
		if floods == floodLimit {
			t.Fatalf("connections are accepted after %d floods", floods)
		}
		newFlooder(t, s).checkCutOff(func(f *flooder, i uint32) error {
			return f.framer.WritePing(false, [8]byte{byte(i)})
		})
	}
	exchanging.Wait()
	if n := strings.Count(s.Log.String(), "new connections of an address are refused"); n != 1 {
		t.Errorf("the refusal was logged %d times, want once:\n%s", n, s.Log.String())
	}
	rest.exchange(t, 10, "")
}

// refused reports whether a new connection is closed before the SETTINGS of the server.
func refused(t *testing.T, s *harness.Service) bool {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		return true
	}
	defer conn.Close()
	harness.Must(t, conn.SetDeadline(time.Now().Add(waitLimit)))
	_, _ = io.WriteString(conn, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	_, err = conn.Read(make([]byte, 1))
	return err != nil
}
