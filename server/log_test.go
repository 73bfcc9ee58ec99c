package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/requestid"
)

// opened returns the log of flags, and what is written to it.
func opened(t *testing.T, args ...string) (*slog.Logger, *bytes.Buffer) {
	t.Helper()
	_, s, err := parseSettings(args, environment(nil), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	return s.logs.open(&out), &out
}

func TestLogFormat(t *testing.T) {
	log, out := opened(t, "-log-format", "json")
	log.InfoContext(requestid.NewContext(t.Context(), "id-1"), "hello", "n", 1, "took", 1500*time.Millisecond)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["msg"] != "hello" || line["n"] != 1.0 || line["request"] != "id-1" || line["took"] != "1.5s" {
		t.Errorf("the log is %q, %v, want the line in JSON", out, err)
	}
	log, out = opened(t)
	if log.Info("hello", "n", 1, "took", 1500*time.Millisecond); !strings.HasSuffix(out.String(), " level=INFO msg=hello n=1 took=1.5s\n") {
		t.Errorf("the log is %q, want the line as text", out)
	}
}

func TestLogLevel(t *testing.T) {
	for level, want := range map[string]string{"debug": "diwe", "info": "iwe", "warn": "we", "error": "e", "": "iwe"} {
		args := []string{"-log-level", level}
		if level == "" {
			args = nil
		}
		log, out := opened(t, args...)
		log.Debug("d")
		log.Info("i")
		log.Warn("w")
		log.Error("e")
		got := ""
		for line := range strings.Lines(out.String()) {
			_, message, _ := strings.Cut(strings.TrimSpace(line), "msg=")
			got += message
		}
		if got != want {
			t.Errorf("-log-level %q logs %q, want %q", level, got, want)
		}
	}
}

// Debug lines are those of the room or the peer; all others are those of the level.
func TestLogFollow(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-log-follow room=lobby", "room lobby,with lobby,info,warn"},
		{"-log-follow room=lobby -log-level warn", "room lobby,with lobby,warn"},
		{"-log-follow peer=192.0.2.1", "peer,info,warn"},
	} {
		log, out := opened(t, strings.Fields(tt.args)...)
		log.Debug("nothing")
		log.Debug("room lobby", "a", 1, "room", "lobby")
		log.Debug("room other", "room", "other")
		log.With("room", "lobby").Debug("with lobby")
		log.Debug("peer", "peer", netip.MustParseAddr("192.0.2.1"))
		log.Info("info")
		log.Warn("warn", "room", "other")
		var got []string
		for line := range strings.Lines(out.String()) {
			_, message, _ := strings.Cut(line, "msg=")
			message = strings.TrimPrefix(message, `"`)
			for _, known := range []string{"room lobby", "room other", "with lobby", "nothing", "peer", "info", "warn"} {
				if strings.HasPrefix(message, known) {
					got = append(got, known)
				}
			}
		}
		if strings.Join(got, ",") != tt.want {
			t.Errorf("%s logs %q, want %s", tt.args, got, tt.want)
		}
	}
}

func TestLogSettingsAreChecked(t *testing.T) {
	for arg, want := range map[string]string{
		"-log-format=xml":   `-log-format: "xml": must be "text" or "json"`,
		"-log-follow=lobby": `-log-follow: "lobby": must be room=NAME or peer=ADDRESS`,
		"-log-follow=room=": `-log-follow: "room=": must be room=NAME or peer=ADDRESS`,
		"-log-level=loud":   `-log-level: "loud": must be debug, info, warn or error`,
	} {
		if _, err := parse([]string{arg}, environment(nil), io.Discard); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("parse(%s) = %v, want %s", arg, err, want)
		}
	}
}

// sendOnChat sends to two rooms on a Chat stream, and a reply to what is not there. It returns
// once all are answered, with a function that ends the stream.
func sendOnChat(t *testing.T, p *program) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(harness.Context(t))
	client := chatv1connect.NewChatRoomClient(harness.H2CClient(t), strings.TrimSuffix(p.url, "/"))
	stream, err := client.Chat(ctx)
	harness.Must(t, err)
	for _, request := range []*chatv1.ChatRequest{
		harness.JoinAction(&chatv1.Subscription{Room: "lobby"}),
		harness.SendAction(harness.MessageRequest("elsewhere", "on-chat-elsewhere", &chatv1.Message{Text: "hush"})),
		harness.SendAction(harness.MessageRequest("lobby", "on-chat", &chatv1.Message{Text: "hush"})),
		harness.SendAction(harness.MessageRequest("lobby", "no-target", &chatv1.Message{Text: "hush", ReplyTo: 77})),
	} {
		harness.Must(t, stream.Send(request))
	}
	for {
		response, err := stream.Receive()
		harness.Must(t, err)
		if response.GetFrame().GetRejected() != nil {
			return cancel
		}
	}
}

// A call, a stream and a send on a stream in the room that is followed are in the log, with the
// id that the client has sent, and those in other rooms are not.
func TestFollowedCalls(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "-log-follow", "room=lobby")
	stay(t, p)
	client := chatv1connect.NewChatRoomClient(harness.HTTP1Client(t), strings.TrimSuffix(p.url, "/"))
	ctx := harness.Context(t)
	for _, room := range []string{"elsewhere", "lobby"} {
		_, err := client.Send(ctx, harness.MessageRequest(room, "1", &chatv1.Message{Text: "hush"}))
		harness.Must(t, err)
	}
	p.awaitLog(t, "method=chat.v1.ChatRoom/Send code=ok")
	chatted := sendOnChat(t, p)
	p.awaitLog(t, "id=on-chat code=ok")
	p.awaitLog(t, "id=no-target code=not_found")
	chatted()
	log := p.stderr.String()
	for _, want := range []string{`msg="a stream has joined" peer=127.0.0.1`, "level=DEBUG", " request="} {
		if !strings.Contains(log, want) {
			t.Errorf("the log is %q, want %q in it", log, want)
		}
	}
	for _, wrong := range []string{"elsewhere", "hush"} {
		if strings.Contains(log, wrong) {
			t.Errorf("the log is %q, with %q in it", log, wrong)
		}
	}
}
