package rpc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	hellopb "chatroom/gen/hello"
	"chatroom/gen/hello/helloconnect"
)

// unaryMethods are the methods that FuzzUnary calls.
var unaryMethods = []string{"Send", "SendBatch", "ListEvents", "ListRooms", "ListMembers", "SetRoom", "SignIn", "SignOut", "RenewStream", "RevokeTokens"}

// internals are words that no error to a client has.
var internals = []string{"goroutine ", ".go:", "panic", "runtime error", "internal error", "sqlite", "chatroom/server"}

// FuzzUnary makes arbitrary calls: headers that are decoded, such as timeouts and encodings,
// and bodies. Each is answered at once, without internals, and nothing is logged as an error.
func FuzzUnary(f *testing.F) {
	for i, body := range []string{
		`{"room":"lobby","id":"1","message":{"text":"hi"}}`, `{"sends":[{"room":"lobby"}]}`, `{"room":"lobby","from":{"epoch":"e","sequence":"18446744073709551615"}}`,
		`{"pageToken":"1/lobby","order":"ROOM_ORDER_ACTIVITY","seen":[{"room":"lobby","cursor":{"sequence":"1"}}]}`, `{"room":"lobby","pageToken":"x"}`,
		`{"room":"lobby","displayName":"a"}`, `{"name":"x"}`, `{}`, `{"streamId":"x"}`, `{"member":{"memberId":"x"}}`,
	} {
		f.Add(uint8(i), "application/json", "1000", "", "", []byte(body))
	}
	f.Add(uint8(0), "application/proto", "-1", "Bearer x", "gzip", []byte{0x1f, 0x8b})
	f.Add(uint8(0), "application/grpc", "99999999H", "Basic x", "", []byte("\x00\x00\x00\x00\x00"))
	f.Add(uint8(0), "application/grpc-web+json", "1n", "Bearer ", "br", []byte("\x01\xff\xff\xff\xff"))
	f.Add(uint8(3), "application/grpc-web-text", "1S", "bearer ..", "identity", []byte("AAAAAAA="))
	w := newWorld(f, Config{})
	f.Fuzz(func(t *testing.T, method uint8, contentType, timeout, authorization, encoding string, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/chat.v1.ChatRoom/"+unaryMethods[int(method)%len(unaryMethods)], bytes.NewReader(body))
		for name, value := range map[string]string{
			"Content-Type": contentType, "Grpc-Timeout": timeout, "Connect-Timeout-Ms": timeout, "Authorization": authorization,
			"Grpc-Encoding": encoding, "Content-Encoding": encoding,
		} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		text := answer.Body.String()
		if message, err := url.PathUnescape(answer.Result().Trailer.Get("Grpc-Message")); err == nil {
			text += message
		}
		if answer.Code >= http.StatusInternalServerError && answer.Code != http.StatusServiceUnavailable && answer.Code != http.StatusGatewayTimeout && answer.Code != http.StatusNotImplemented {
			t.Errorf("the status is %d: %s", answer.Code, text)
		}
		if answer.Code == http.StatusOK && strings.Contains(contentType, "grpc") {
			return // it can have the text of messages
		}
		if answer.Code != http.StatusOK {
			checkError(t, text)
		}
		if log := w.log.String(); strings.Contains(log, "level=ERROR") {
			t.Fatalf("the server logged an error:\n%s", log)
		}
	})
}

// checkError checks the text of an error, but for what it may quote of the request.
func checkError(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) || len(text) > 64<<10 {
		t.Errorf("the error has %d bytes, valid UTF-8 = %t", len(text), utf8.ValidString(text))
	}
	for _, word := range internals {
		if strings.Contains(text, word) {
			t.Errorf("the error is %q, want nothing internal such as %q", text, word)
		}
	}
}

// FuzzHello sends arbitrary bytes to the Chat of 2019. The stream ends, and what is received
// is whole messages.
func FuzzHello(f *testing.F) {
	hi, err := proto.Marshal(&hellopb.ChatRequest{Message: "hi"})
	if err != nil {
		f.Fatal(err)
	}
	envelope := func(flags byte, p []byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(p))), p...)
	}
	f.Add(envelope(0, hi))
	f.Add(append(envelope(0, hi), envelope(0, nil)...))
	f.Add(envelope(1, hi))
	f.Add(envelope(0, []byte("\x0a\x02\xff\xfe")))
	f.Add(envelope(2, nil))
	f.Add([]byte("\x00\x00\x01\x00\x01"))
	f.Add([]byte("\x00\xff\xff\xff\xff"))
	w := newWorld(f, Config{})
	f.Fuzz(func(t *testing.T, body []byte) {
		// What follows ends the stream unless it completes a message: such a stream stays
		// open, as it should, until the client is gone.
		body = append(bytes.Clone(body), envelope(1, nil)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, testOrigin+helloconnect.ChatRoomChatProcedure, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/grpc")
		response, err := w.http.Do(r)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			t.Fatalf("the call = %v, want a response", err)
		}
		defer response.Body.Close()
		for {
			var head [5]byte
			_, err := io.ReadFull(response.Body, head[:])
			if errors.Is(err, io.EOF) {
				break
			}
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Fatalf("the stream ended with %v, want a status", err)
			}
			data := make([]byte, binary.BigEndian.Uint32(head[1:]))
			if _, err := io.ReadFull(response.Body, data); err != nil {
				t.Fatal(err)
			}
			if err := proto.Unmarshal(data, new(hellopb.ChatResponse)); err != nil || head[0] != 0 {
				t.Fatalf("received flags %d and %q, %v, want a message", head[0], data, err)
			}
		}
		switch status := response.Trailer.Get("Grpc-Status"); status {
		case "": // of trailers alone
			status = response.Header.Get("Grpc-Status")
			fallthrough
		default:
			if status == "" || status == "2" || status == "13" {
				t.Errorf("the status of %q is %q: %s", body, status, response.Trailer.Get("Grpc-Message"))
			}
		}
		checkError(t, response.Trailer.Get("Grpc-Message"))
	})
}
