package protocols

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// webCall is a call by the official grpc-web client, in Node.js.
type webCall struct {
	t     *testing.T
	lines *bufio.Scanner
}

// webResult is what the client has printed.
type webResult struct {
	Message []byte
	Code    codes.Code
	Error   string
	End     bool
}

func callWeb(t *testing.T, format, kind, url string, request proto.Message) *webCall {
	t.Helper()
	data, err := proto.Marshal(request)
	harness.Must(t, err)
	command := exec.CommandContext(harness.Context(t), harness.RequireTool(t, "node"),
		"testdata/grpcweb/call.mjs", format, kind, url, base64.StdEncoding.EncodeToString(data))
	var stderr harness.Buffer
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	harness.Must(t, err)
	harness.Must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() && stderr.String() != "" {
			t.Logf("node printed:\n%s", stderr.String())
		}
	})
	return &webCall{t, bufio.NewScanner(stdout)}
}

func (c *webCall) next() (r webResult) {
	c.t.Helper()
	if !c.lines.Scan() {
		c.t.Fatalf("the client has ended, want more: %v", c.lines.Err())
	}
	if err := json.Unmarshal(c.lines.Bytes(), &r); err != nil {
		c.t.Fatalf("the client printed %q: %v", c.lines.Text(), err)
	}
	return r
}

var webFormats = []string{"text", "binary"}

// The official grpc-web client calls unary methods in both of its modes, and is shown errors
// with their codes, of methods that there are not, too.
func TestGRPCWebClientUnary(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory)
	for i, format := range webFormats {
		text := fmt.Sprintf("%s ✓ %s", format, strings.Repeat("x", 1000+i)) // paddings of all lengths
		sent := callWeb(t, format, "unary", s.URL+chatv1connect.ChatRoomSendProcedure, harness.MessageRequest("lobby", format, &chatv1.Message{Text: text})).next()
		var receipt chatv1.SendResponse
		if err := proto.Unmarshal(sent.Message, &receipt); sent.Error != "" || err != nil || receipt.GetSequence() == 0 {
			t.Errorf("Send as %s = %+v, %v, want a receipt", format, sent, err)
		}
		list := callWeb(t, format, "unary", s.URL+chatv1connect.ChatRoomListEventsProcedure, &chatv1.ListEventsRequest{Room: "lobby"}).next()
		var page chatv1.ListEventsResponse
		if err := proto.Unmarshal(list.Message, &page); err != nil || len(page.GetEvents()) != i+1 || page.GetEvents()[i].GetMessage().GetText() != text {
			t.Errorf("ListEvents as %s = %v, %v, want the text", format, &page, err)
		}
		refused := callWeb(t, format, "unary", s.URL+chatv1connect.ChatRoomListEventsProcedure, &chatv1.ListEventsRequest{Room: "no-such-room"}).next()
		if refused.Code != codes.NotFound || !strings.Contains(refused.Error, "room") {
			t.Errorf("ListEvents of an unknown room as %s = %+v, want NOT_FOUND", format, refused)
		}
		for _, path := range []string{"/chat.v1.ChatRoom/Nothing", "/other.Service/Nothing"} {
			unknown := callWeb(t, format, "unary", s.URL+path, &chatv1.ListEventsRequest{}).next()
			if unknown.Code != codes.Unimplemented || !strings.Contains(unknown.Error, "method") {
				t.Errorf("%s as %s = %+v, want UNIMPLEMENTED", path, format, unknown)
			}
		}
	}
}

// The official client streams in its text mode: messages come one by one, and the end has a
// status.
func TestGRPCWebClientStreams(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory, func(c *service.Config) { c.Drain = time.Second })
	call := callWeb(t, "text", "stream", s.URL+chatv1connect.ChatRoomSubscribeProcedure, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	frame := func() *chatv1.Frame {
		t.Helper()
		for {
			r := call.next()
			if r.Message == nil {
				t.Fatalf("the stream has %+v, want a message", r)
			}
			var m chatv1.SubscribeResponse
			harness.Must(t, proto.Unmarshal(r.Message, &m))
			if !harness.IsEphemeral(m.GetFrame()) {
				return m.GetFrame()
			}
		}
	}
	if f := frame(); f.GetJoined() == nil {
		t.Fatalf("the first frame is %v, want Joined", f)
	}
	if f := frame(); f.GetCaughtUp() == nil {
		t.Fatalf("the second frame is %v, want CaughtUp", f)
	}
	client := harness.ConnectOver(harness.H2CClient)(t, s, "")
	for i := range 20 {
		text := strings.Repeat("ä", i) + "."
		_, err := client.Send(harness.Context(t), harness.MessageRequest("lobby", fmt.Sprint(i), &chatv1.Message{Text: text}))
		harness.Must(t, err)
		if f := frame(); f.GetEvent().GetMessage().GetText() != text {
			t.Errorf("message %d = %v, want %q", i, f, text)
		}
	}
	s.BeginStop()
	if f := frame(); f.GetDraining() == nil {
		t.Errorf("the frame at the stop is %v, want Draining", f)
	}
	if end := call.next(); end.Code != codes.Unavailable {
		t.Errorf("the stream ends with %+v, want UNAVAILABLE", end)
	}
}
