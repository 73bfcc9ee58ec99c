package rpc

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// Bodies in base64 are decoded however they are split into parts, each with its padding, and
// into reads.
func TestTextReader(t *testing.T) {
	for _, parts := range [][]string{{}, {""}, {"a"}, {"ab"}, {"abc"}, {"a", "bc", "def", "ghij"}, {strings.Repeat("x", 5000), "y", strings.Repeat("z", 3001)}} {
		text, want := "", strings.Join(parts, "")
		for _, part := range parts {
			text += base64.StdEncoding.EncodeToString([]byte(part))
		}
		for name, split := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "error with data": iotest.DataErrReader,
		} {
			r := &textReader{ReadCloser: io.NopCloser(split(strings.NewReader(text)))}
			if got, err := io.ReadAll(r); string(got) != want || err != nil {
				t.Errorf("%q in %s = %q, %v, want %q", text, name, got, err, want)
			}
		}
	}
}

func TestTextReaderRefuses(t *testing.T) {
	for _, text := range []string{"a", "abc", "YWJj!", "YWJjYQ", "====", "YW=j", "YWJj\nYWJj", strings.Repeat("YWJj", 600) + "_-_-"} {
		r := &textReader{ReadCloser: io.NopCloser(strings.NewReader(text))}
		if _, err := io.ReadAll(r); !errors.Is(err, errNotBase64) {
			t.Errorf("%.20q = %v, want %v", text, err, errNotBase64)
		}
	}
	broken := errors.New("broken")
	r := &textReader{ReadCloser: io.NopCloser(iotest.ErrReader(broken))}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, broken) {
		t.Errorf("Read = %v, want %v", err, broken)
	}
}

func FuzzTextReader(f *testing.F) {
	f.Add([]byte("YWJjYQ==YWI=YWJj"), 3)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		size = max(1, min(size, 4096))
		r := &textReader{ReadCloser: io.NopCloser(bytes.NewReader(text))}
		got, buf := []byte(nil), make([]byte, size)
		for {
			n, err := r.Read(buf)
			got = append(got, buf[:n]...)
			if err == nil {
				continue
			}
			if whole, wholeErr := base64.StdEncoding.DecodeString(string(text)); wholeErr == nil && !bytes.ContainsAny(text, "\r\n") && (!errors.Is(err, io.EOF) || !bytes.Equal(got, whole)) {
				t.Errorf("%q = %q, %v, want %q", text, got, err, whole)
			}
			return
		}
	})
}

// Requests and responses of the text mode are those of the binary mode in base64.
func TestWebText(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		const list = "/chat.v1.ChatRoom/ListRooms"
		for _, tt := range []struct {
			contentType, body, wantType, want string
		}{
			{"application/grpc-web-text", envelope(""), "application/grpc-web-text", "lobby"},
			{"application/grpc-web-text+proto", envelope(""), "application/grpc-web-text+proto", "lobby"},
			{"Application/gRPC-Web-Text; charset=utf-8", envelope(""), "application/grpc-web-text", "lobby"},
			{"application/grpc-web-text+json", envelope("{}"), "application/grpc-web-text+json", `"lobby"`},
			{"application/grpc-web-text", "no envelope", "application/grpc-web-text", ""},
		} {
			response := w.postRaw(t, list, tt.contentType, base64.StdEncoding.EncodeToString([]byte(tt.body)))
			body, err := io.ReadAll(&textReader{ReadCloser: response.Body})
			if got := response.Header.Get("Content-Type"); err != nil || response.StatusCode != http.StatusOK || got != tt.wantType || !strings.Contains(string(body), tt.want) {
				t.Errorf("%s = %d, %s, %q, %v, want 200, %s, … %s …", tt.contentType, response.StatusCode, got, body, err, tt.wantType, tt.want)
			}
			if status := response.Header.Get("Grpc-Status"); tt.want == "" && status != "3" {
				t.Errorf("%s has status %q, want invalid_argument", tt.contentType, status)
			}
		}
		response := w.postRaw(t, list, "application/grpc-web-text", "not base64")
		if status, message := response.Header.Get("Grpc-Status"), response.Header.Get("Grpc-Message"); status != "3" || !strings.Contains(message, "base64") {
			t.Errorf("a body that is not base64 = %q, %q, want invalid_argument", status, message)
		}
		for _, other := range []string{"application/grpc-web-textual", "application/grpc-web-text-x"} {
			if response := w.postRaw(t, list, other, ""); response.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("%s = %d, want 415", other, response.StatusCode)
			}
		}
	})
}

// postRaw sends a request of a content type.
func (w *world) postRaw(t *testing.T, path, contentType, body string, headers ...string) *http.Response {
	t.Helper()
	return w.post(t, path, body, append([]string{"Content-Type", contentType}, headers...)...)
}
