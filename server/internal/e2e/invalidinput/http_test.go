package invalidinput

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/gen/hello/helloconnect"
	"chatroom/server/internal/e2e/harness"
)

// httpAnswer is what came back to a request made by hand.
type httpAnswer struct {
	status int
	header http.Header
	body   []byte
	// trailer is empty unless the answer has one.
	trailer http.Header
}

// postRaw sends a body as it is. A body of unknown length is chunked, and
// headers without a value are left out.
func postRaw(t *testing.T, client *http.Client, url string, body io.Reader, headers ...string) httpAnswer {
	t.Helper()
	return doRaw(t, client, http.MethodPost, url, body, headers...)
}

func doRaw(t *testing.T, client *http.Client, method, url string, body io.Reader, headers ...string) httpAnswer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			continue
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer response.Body.Close()
	answer := httpAnswer{status: response.StatusCode, header: response.Header}
	if answer.body, err = io.ReadAll(response.Body); err != nil {
		t.Fatalf("%s %s: body: %v", method, url, err)
	}
	answer.trailer = response.Trailer
	return answer
}

// wireError is an error as the Connect protocol writes it.
type wireError struct {
	Code    connect.Code `json:"code"`
	Message string       `json:"message"`
	Details []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"details"`
}

func checkWireError(t *testing.T, w harness.WantError, e wireError) {
	t.Helper()
	var details []proto.Message
	for _, d := range e.Details {
		value, err := base64.RawStdEncoding.DecodeString(d.Value)
		if err != nil {
			t.Errorf("detail %s: %v", d.Type, err)
			continue
		}
		detail, err := (&anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: value}).UnmarshalNew()
		if err != nil {
			t.Errorf("detail %s: %v", d.Type, err)
			continue
		}
		details = append(details, detail)
	}
	w.CheckParts(t, e.Code, e.Message, details)
}

// checkUnaryError checks an answer whose body is the error.
func checkUnaryError(t *testing.T, w harness.WantError, a httpAnswer) {
	t.Helper()
	var e wireError
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Errorf("status %d with %q, want an error in JSON: %v", a.status, a.body, err)
		return
	}
	checkWireError(t, w, e)
}

// checkEndStreamError checks an answer that ends with the error, in an envelope.
func checkEndStreamError(t *testing.T, w harness.WantError, a httpAnswer) {
	t.Helper()
	const endStream = 2
	for rest := a.body; len(rest) >= 5; {
		size := binary.BigEndian.Uint32(rest[1:5])
		if rest[0] != endStream || int(size) > len(rest)-5 {
			rest = rest[min(len(rest), 5+int(size)):]
			continue
		}
		var end struct {
			Error wireError `json:"error"`
		}
		if err := json.Unmarshal(rest[5:5+size], &end); err != nil {
			t.Errorf("the stream ends with %q: %v", rest[5:5+size], err)
			return
		}
		checkWireError(t, w, end.Error)
		return
	}
	t.Errorf("status %d with %q, want a stream that ends with an error", a.status, a.body)
}

// Requests that no generated client makes.
func TestMalformedHTTPRequests(t *testing.T) {
	b := newFixture(t)
	send := `{"room":"lobby","id":"x","message":{"text":"never sent"}}`
	history := func(query ...string) string {
		values := make(url.Values)
		for i := 0; i < len(query); i += 2 {
			values.Set(query[i], query[i+1])
		}
		return chatv1connect.ChatRoomListEventsProcedure + "?" + values.Encode()
	}
	clients := map[string]*http.Client{"HTTP 1.1": harness.HTTP1Client(t), "h2c": harness.H2CClient(t)}
	contentType := harness.InvalidArgument("content-type", "application/json")
	method := harness.WantError{Code: connect.CodeUnimplemented, Field: "method", Bound: "must be POST"}
	encoding := harness.InvalidArgument("encoding", `"json" or "proto"`)
	for _, c := range []struct {
		name         string
		method, path string
		contentType  string
		body         string
		status       int
		want         harness.WantError
	}{
		{"no content type", "POST", chatv1connect.ChatRoomSendProcedure, "", send, 415, contentType},
		{"a content type of forms", "POST", chatv1connect.ChatRoomSendProcedure, "application/x-www-form-urlencoded", "room=lobby", 415, contentType},
		{"a content type of text", "POST", chatv1connect.ChatRoomSendProcedure, "text/plain", send, 415, contentType},
		{"a content type of nothing known", "POST", chatv1connect.ChatRoomSendProcedure, "application/xml", "<room/>", 415, contentType},
		{"a stream's content type for Send", "POST", chatv1connect.ChatRoomSendProcedure, "application/connect+json", send, 415, contentType},
		{"a unary content type for Subscribe", "POST", chatv1connect.ChatRoomSubscribeProcedure, "application/json", "{}", 415, harness.InvalidArgument("content-type", "application/connect+json")},
		{"GET for Send", "GET", chatv1connect.ChatRoomSendProcedure + "?encoding=json&message=" + url.QueryEscape(send), "", "", 405, method},
		{"GET for SignIn", "GET", chatv1connect.ChatRoomSignInProcedure + `?encoding=json&message={"name":"x"}`, "", "", 405, method},
		{"GET for Subscribe", "GET", chatv1connect.ChatRoomSubscribeProcedure + "?encoding=json&message={}", "", "", 405, method},
		{"PUT for Send", "PUT", chatv1connect.ChatRoomSendProcedure, "application/json", send, 405, method},
		{"DELETE for ListEvents", "DELETE", history(), "application/json", "{}", 405, harness.WantError{Code: connect.CodeUnimplemented, Field: "method", Bound: "must be GET or POST"}},
		{"GET without anything", "GET", history(), "", "", 415, encoding},
		{"GET without an encoding", "GET", history("message", "{}"), "", "", 415, encoding},
		{"GET in an unknown encoding", "GET", history("message", "{}", "encoding", "xml"), "", "", 415, encoding},
		{"GET with a body", "GET", history("message", "{}", "encoding", "json"), "application/json", "{}", 415, encoding},
		{"GET without a message", "GET", history("encoding", "json"), "", "", 400, harness.InvalidArgument("message", "message")},
		{"GET with a message that is not base64", "GET", history("message", "!!!", "encoding", "json", "base64", "1"), "", "", 400, harness.InvalidArgument("message", "base64")},
		{"GET with a bad limit", "GET", history("message", `{"room":"lobby","limit":501}`, "encoding", "json"), "", "", 400, harness.InvalidArgument("limit", "500")},
		{"GET of an unknown room", "GET", history("message", `{"room":"nowhere"}`, "encoding", "json"), "", "", 404, harness.WantError{Code: connect.CodeNotFound, Field: "room", Bound: "an event, a member or a profile"}},
		{"an empty body", "POST", chatv1connect.ChatRoomSendProcedure, "application/json", "", 400, harness.InvalidArgument("", "must be a chat.v1.SendRequest")},
		{"a body of null", "POST", chatv1connect.ChatRoomSendProcedure, "application/json", "null", 400, harness.InvalidArgument("", "must be a chat.v1.SendRequest")},
		{"a method that does not exist", "POST", "/chat.v1.ChatRoom/Dance", "application/json", "{}", 404, harness.WantError{Code: connect.CodeUnimplemented, Field: "path", Bound: "must be a method of chat.v1.ChatRoom"}},
		{"a service that does not exist", "POST", "/chat.v2.ChatRoom/Send", "application/json", "{}", 404, harness.WantError{Code: connect.CodeUnimplemented, Field: "path", Bound: "must be a method of one of the services chat.v1.ChatRoom, "}},
	} {
		for version, client := range clients {
			t.Run(c.name+"/"+version, func(t *testing.T) {
				b.betweenValidMessages(t, func() {
					answer := doRaw(t, client, c.method, b.s.URL+c.path, strings.NewReader(c.body), "Content-Type", c.contentType)
					if answer.status != c.status {
						t.Errorf("status = %d, want %d", answer.status, c.status)
					}
					if c.want != (harness.WantError{}) {
						checkUnaryError(t, c.want, answer)
					}
				})
			})
		}
	}
}

// A method that does not exist is unimplemented, on every protocol.
func TestUnknownMethod(t *testing.T) {
	b := newFixture(t)
	for _, d := range b.protocols {
		for _, procedure := range []string{"/chat.v1.ChatRoom/Dance", "/chat.v2.ChatRoom/Send", "/hello.ChatRoom/Dance"} {
			t.Run(d.name+procedure, func(t *testing.T) {
				b.betweenValidMessages(t, func() {
					ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
					defer cancel()
					request := rawRequest(encode(messageInRoom("x", "never sent")).in(d.codec))
					_, err := newRawClient[chatv1.SendResponse](b.s, d, procedure).CallUnary(ctx, connect.NewRequest(&request))
					if got := connect.CodeOf(err); got != connect.CodeUnimplemented {
						t.Errorf("error = %v, want code unimplemented", err)
					}
				})
			})
		}
	}
}

// Chat over HTTP/1.1 is refused with an error that names HTTP/2, as the error of a stream:
// clients show no body of another status than 200.
func TestChatOverHTTP1IsRefused(t *testing.T) {
	b := newFixture(t)
	client := harness.HTTP1Client(t)
	for _, path := range []string{chatv1connect.ChatRoomChatProcedure, helloconnect.ChatRoomChatProcedure} {
		for contentType, read := range map[string]func(httpAnswer) (string, string){
			"application/connect+json":       connectStreamError,
			"application/connect+proto":      connectStreamError,
			"application/grpc":               grpcError,
			"application/grpc-web+proto":     grpcError,
			"application/grpc-web-text":      grpcError,
			"application/grpc-web+proto;x=y": grpcError,
		} {
			t.Run(path[1:]+"/"+contentType, func(t *testing.T) {
				b.betweenValidMessages(t, func() {
					answer := postRaw(t, client, b.s.URL+path, strings.NewReader(""), "Content-Type", contentType)
					code, message := read(answer)
					if answer.status != http.StatusOK || code != "unimplemented" && code != "12" || !strings.Contains(message, "must be HTTP/2") {
						t.Errorf("answer = %d %v %q, want status 200 and an error that names HTTP/2", answer.status, answer.header, answer.body)
					}
				})
			})
		}
	}
}

// connectStreamError returns the code and the message of a stream that is only its end.
func connectStreamError(a httpAnswer) (code, message string) {
	var end struct {
		Error struct{ Code, Message string }
	}
	if len(a.body) < 5 || a.body[0]&2 == 0 || json.Unmarshal(a.body[5:], &end) != nil {
		return "", ""
	}
	return end.Error.Code, end.Error.Message
}

// grpcError returns the code and the message of an answer that is only headers, or trailers.
func grpcError(a httpAnswer) (code, message string) {
	if code = a.header.Get("Grpc-Status"); code == "" {
		return a.trailer.Get("Grpc-Status"), a.trailer.Get("Grpc-Message")
	}
	return code, a.header.Get("Grpc-Message")
}
