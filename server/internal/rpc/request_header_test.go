package rpc

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
)

// refusalOf returns what a response by hand says: the code, the message, and how many
// details there are, in any of the protocols.
func refusalOf(t *testing.T, response *http.Response) (code connect.Code, message string, details int) {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	type jsonError struct {
		Code    connect.Code
		Message string
		Details []any
	}
	switch kind := response.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/grpc"):
		fields := response.Header
		if fields.Get("Grpc-Status") == "" {
			fields = response.Trailer
		}
		encoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(fields.Get("Grpc-Status-Details-Bin"), "="))
		if err != nil {
			t.Fatal(err)
		}
		var s status.Status
		if err := proto.Unmarshal(encoded, &s); err != nil {
			t.Fatal(err)
		}
		return connect.Code(s.GetCode()), s.GetMessage(), len(s.GetDetails())
	case strings.HasPrefix(kind, "application/connect+"):
		var end struct{ Error jsonError }
		if len(body) < 5 || json.Unmarshal(body[5:], &end) != nil {
			t.Fatalf("body = %q, want the end of a stream", body)
		}
		return end.Error.Code, end.Error.Message, len(end.Error.Details)
	default:
		var e jsonError
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatalf("body = %q, want an error in JSON: %v", body, err)
		}
		return e.Code, e.Message, len(e.Details)
	}
}

const (
	unaryPath  = "/chat.v1.ChatRoom/ListRooms"
	streamPath = "/chat.v1.ChatRoom/Subscribe"
)

// Headers of the protocols that are wrong are refused with details, in the protocol of the
// request. No header of the response is empty.
func TestHeadersAreChecked(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		for _, tt := range []struct {
			path, contentType, header, value string
			code                             connect.Code // 0 if it is accepted
			known                            string       // the header that says which compressions are known
		}{
			{unaryPath, "application/json", "Content-Encoding", "zstd", connect.CodeUnimplemented, "Accept-Encoding"},
			{streamPath, "application/connect+json", "Connect-Content-Encoding", "zstd", connect.CodeUnimplemented, "Connect-Accept-Encoding"},
			{unaryPath, "application/grpc+json", "Grpc-Encoding", "zstd", connect.CodeUnimplemented, "Grpc-Accept-Encoding"},
			{unaryPath, "application/grpc-web+json", "Grpc-Encoding", "zstd", connect.CodeUnimplemented, "Grpc-Accept-Encoding"},
			{streamPath, "application/grpc+json", "Grpc-Encoding", "br", connect.CodeUnimplemented, "Grpc-Accept-Encoding"},
			{unaryPath, "application/grpc+json", "Grpc-Encoding", "identity", 0, ""},
			{unaryPath, "application/json", "Content-Encoding", "identity", 0, ""},

			{unaryPath, "application/json", "Connect-Timeout-Ms", "soon", connect.CodeInvalidArgument, ""},
			{unaryPath, "application/json", "Connect-Timeout-Ms", "12345678901", connect.CodeInvalidArgument, ""},
			{unaryPath, "application/json", "Connect-Timeout-Ms", "-1", connect.CodeInvalidArgument, ""},
			{unaryPath, "application/json", "Connect-Timeout-Ms", "5000", 0, ""},
			{streamPath, "application/connect+json", "Connect-Timeout-Ms", "x", connect.CodeInvalidArgument, ""},
			{unaryPath, "application/grpc+json", "Grpc-Timeout", "5", connect.CodeInvalidArgument, ""},
			{unaryPath, "application/grpc+json", "Grpc-Timeout", "123456789S", connect.CodeInvalidArgument, ""},
			{unaryPath, "application/grpc+json", "Grpc-Timeout", "5S", 0, ""},
			{unaryPath, "application/grpc-web+json", "Grpc-Timeout", "x", connect.CodeInvalidArgument, ""},

			{unaryPath, "application/json", "Connect-Protocol-Version", "2", connect.CodeInvalidArgument, ""},
			{streamPath, "application/connect+json", "Connect-Protocol-Version", "2", connect.CodeInvalidArgument, ""},
			{unaryPath, "application/json", "Connect-Protocol-Version", "1", 0, ""},
			{unaryPath, "application/grpc+json", "Connect-Protocol-Version", "2", 0, ""}, // means nothing there
		} {
			body := "{}"
			if tt.contentType != "application/json" {
				body = envelope(body)
			}
			response := w.postRaw(t, tt.path, tt.contentType, body, tt.header, tt.value)
			if tt.code == 0 {
				if _, err := io.Copy(io.Discard, response.Body); err != nil {
					t.Error(err)
				}
				if s := response.Header.Get("Grpc-Status") + response.Trailer.Get("Grpc-Status"); response.StatusCode != http.StatusOK || s != "" && s != "0" {
					t.Errorf("%s: %s with %s = %d, status %q, want success", tt.header, tt.value, tt.contentType, response.StatusCode, s)
				}
				continue
			}
			code, message, details := refusalOf(t, response)
			if code != tt.code || details != 1 || !strings.HasPrefix(message, strings.ToLower(tt.header)+": must be ") {
				t.Errorf("%s: %s with %s = %v, %q, %d details, want %v, the header, and one", tt.header, tt.value, tt.contentType, code, message, details, tt.code)
			}
			if tt.known != "" && response.Header.Get(tt.known) != "gzip" {
				t.Errorf("%s: %s with %s has %s %q, want gzip", tt.header, tt.value, tt.contentType, tt.known, response.Header.Get(tt.known))
			}
			for name, values := range response.Header {
				if strings.Join(values, "") == "" {
					t.Errorf("%s: %s with %s has the empty header %s", tt.header, tt.value, tt.contentType, name)
				}
			}
		}
	})
}

// Methods and services that there are not are answered in the protocol of the call.
func TestUnknownMethods(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		mux := w.handler.(*http.ServeMux)
		mux.Handle("/", w.api.Unknown())
		for path, want := range map[string]string{
			"/chat.v1.ChatRoom/Nothing":                         "must be a method of chat.v1.ChatRoom",
			"/hello.ChatRoom/Nothing":                           "must be a method of hello.ChatRoom",
			"/grpc.reflection.v1.ServerReflection/Nothing":      "must be a method of grpc.reflection.v1.ServerReflection",
			"/chat.v9.ChatRoom/Send":                            "must be a method of one of the services chat.v1.ChatRoom, hello.ChatRoom",
			"/chat.v1.ChatRoom/":                                "must be a method of chat.v1.ChatRoom",
			"/chat.v1.ChatRoom/ListRooms/":                      "must be a method of chat.v1.ChatRoom",
			"/grpc.reflection.v1alpha.ServerReflection/Nothing": "must be a method of grpc.reflection.v1alpha.ServerReflection",
		} {
			for contentType, status := range map[string]int{
				"application/grpc": 200, "application/grpc+json": 200, "application/grpc-web+proto": 200, "application/grpc-web-text": 200,
				"application/connect+json": 200, "application/json": 404, "application/proto": 404, "application/json; charset=utf-8": 404, "text/plain": 404, "": 404,
			} {
				response := w.postRaw(t, path, contentType, "")
				code, message, details := refusalOf(t, response)
				if response.StatusCode != status || code != connect.CodeUnimplemented || details != 1 || !strings.Contains(message, want) {
					t.Errorf("%s with %q = %d, %v, %q, %d details, want %d, unimplemented, %q and one", path, contentType, response.StatusCode, code, message, details, status, want)
				}
			}
		}
	})
}
