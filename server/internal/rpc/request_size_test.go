package rpc

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"connectrpc.com/connect"
	"pgregory.net/rapid"
)

// limited reads the body of a request of a content type. It returns the bytes that precede
// the error.
func limited(kind, encoding string, body io.Reader) (string, error) {
	r := &http.Request{Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(body)}
	if encoding != "" {
		r.Header.Set("Connect-Content-Encoding", encoding)
		r.Header.Set("Grpc-Encoding", encoding)
	}
	got, err := io.ReadAll(limitRequests(r))
	return string(got), err
}

func envelopeOf(flags byte, size uint32, message string) string {
	return string(binary.BigEndian.AppendUint32([]byte{flags}, size)) + message
}

func TestLimitRequests(t *testing.T) {
	small, large := strings.Repeat("a", 100), strings.Repeat("a", maxRead)
	for _, tt := range []struct {
		name, kind, encoding, body string
		rule                       string // empty if the whole body is read
	}{
		{"unary", "application/json", "", small, ""},
		{"unary, nothing", "application/json", "", "", ""},
		{"unary, the largest", "application/proto", "", large, ""},
		{"unary, too large", "application/proto", "", large + "a", ruleSize},
		{"stream, nothing", "application/connect+json", "", "", ""},
		{"stream", "application/connect+json", "", envelope(small) + envelope("") + envelope(small), ""},
		{"stream, more than a message may have", "application/grpc", "", envelope(large) + envelope(large), ""},
		{"stream, too large", "application/grpc-web+proto", "", envelope(large + "a"), ruleSize},
		{"stream, far too large", "application/grpc", "", envelopeOf(0, 1<<32-1, small), ruleSize},
		{"stream, compressed", "application/grpc+proto", "gzip", envelopeOf(1, 100, small), ""},
		{"stream, compressed by nothing", "application/grpc+proto", "identity", envelopeOf(1, 100, small), "request.envelope"},
		{"stream, compressed unannounced", "application/connect+proto", "", envelopeOf(1, 100, small), "request.envelope"},
		{"stream, unknown flags", "application/connect+proto", "gzip", envelopeOf(4, 100, small), "request.envelope"},
		{"stream, an end of stream from the client", "application/connect+proto", "gzip", envelopeOf(2, 2, "{}"), "request.envelope"},
		{"stream, text", "application/connect+json", "", `{"rooms":[]}`, "request.envelope"},
		{"stream, half a prefix", "application/connect+json", "", "\x00\x00", "request.envelope"},
		{"stream, half a message", "application/connect+json", "", envelopeOf(0, 101, small), "request.envelope"},
		{"stream, a prefix without its message", "application/connect+json", "", envelopeOf(0, 1, ""), "request.envelope"},
	} {
		for how, body := range map[string]io.Reader{
			"at once":        strings.NewReader(tt.body),
			"byte by byte":   iotest.OneByteReader(strings.NewReader(tt.body)),
			"with its error": iotest.DataErrReader(strings.NewReader(tt.body)),
		} {
			got, err := limited(tt.kind, tt.encoding, body)
			if tt.rule == "" {
				if got != tt.body || err != nil {
					t.Errorf("%s, %s: read %d bytes, %v, want all %d", tt.name, how, len(got), err, len(tt.body))
				}
				continue
			}
			refusal, ok := errors.AsType[*connect.Error](err)
			if !ok {
				t.Errorf("%s, %s: read = %v, want it refused", tt.name, how, err)
				continue
			}
			expectViolation(t, refusal, "", tt.rule)
		}
	}
	broken := errors.New("broken")
	for _, kind := range []string{"application/json", "application/grpc"} {
		if _, err := limited(kind, "", iotest.ErrReader(broken)); !errors.Is(err, broken) {
			t.Errorf("%s from a broken client = %v, want %v", kind, err, broken)
		}
	}
}

// A stream of valid messages is read unchanged, in reads of any size.
func TestLimitRequestsInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var whole strings.Builder
		for _, size := range rapid.SliceOfN(rapid.IntRange(0, 40), 0, 8).Draw(t, "sizes") {
			whole.WriteString(envelope(strings.Repeat("m", size)))
		}
		var pieces []io.Reader
		for rest := whole.String(); rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			pieces = append(pieces, strings.NewReader(rest[:n]))
			rest = rest[n:]
		}
		got, err := limited("application/grpc", "", io.MultiReader(pieces...))
		if got != whole.String() || err != nil {
			t.Fatalf("read %q, %v, want %q", got, err, whole.String())
		}
	})
}

// A decompressor is reused for the next message, which has a bound of its own.
func TestGunzipIsBounded(t *testing.T) {
	zip := func(size int) io.Reader {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := io.Copy(w, strings.NewReader(strings.Repeat("a", size))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return &out
	}
	g := new(gunzip)
	for _, size := range []int{0, 1, maxRead, maxRead + 1, 100 * maxRead, maxRead, 7} {
		if err := g.Reset(zip(size)); err != nil {
			t.Fatalf("Reset = %v, want nil", err)
		}
		got, err := io.ReadAll(g)
		if size <= maxRead && (len(got) != size || err != nil) {
			t.Errorf("gunzip of %d bytes = %d bytes, %v, want all", size, len(got), err)
		}
		if size > maxRead && (len(got) > maxRead || connect.CodeOf(err) != connect.CodeResourceExhausted) {
			t.Errorf("gunzip of %d bytes = %d bytes, %v, want it to stop at %d", size, len(got), err, maxRead)
		}
	}
	if err := g.Reset(strings.NewReader("not gzip at all")); err == nil {
		t.Error("Reset with what is not gzip = nil, want an error")
	}
}
