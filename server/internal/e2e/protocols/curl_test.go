package protocols

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// With nothing but curl one can do everything except Chat.
func TestCurlCallsEveryMethodButChat(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t), harness.Context(t)
	c := harness.NewCurl(t, s, "")
	receive := c.Subscribe(t, `{"rooms":[{"room":"lobby","recent":10}]}`)
	receive.Joined(t)
	identity := new(chatv1.SignInResponse)
	harness.Must(t, c.Call(ctx, "SignIn", &chatv1.SignInRequest{Name: "gopher"}, identity))
	c.Token = identity.GetToken()

	first, again := new(chatv1.SendResponse), new(chatv1.SendResponse)
	harness.Must(t, c.Call(ctx, "Send", harness.TextRequest("lobby", "one"), first))
	harness.Must(t, c.Call(ctx, "Send", harness.TextRequest("lobby", "one"), again))
	want := proto.CloneOf(first)
	want.Duplicate = true
	if !proto.Equal(again, want) || first.GetDuplicate() {
		t.Errorf("sent twice: %v, then %v, want the same and duplicate", first, again)
	}
	event := receive.Events(t, 0, 1)[0]
	if !proto.Equal(event.GetSender(), identity.GetMember()) || event.GetSequence() != first.GetSequence() {
		t.Errorf("event = %v, want sequence %d of %v", event, first.GetSequence(), identity.GetMember())
	}

	query := &chatv1.ListEventsRequest{Room: "lobby"}
	posted, got := new(chatv1.ListEventsResponse), new(chatv1.ListEventsResponse)
	harness.Must(t, c.Call(ctx, "ListEvents", query, posted))
	harness.Must(t, c.Get(ctx, "ListEvents", query, got))
	if !proto.Equal(posted, got) || len(got.GetEvents()) != 1 || !proto.Equal(got.GetEvents()[0], event) {
		t.Errorf("ListEvents by POST = %v, by GET = %v, want both with %v", posted, got, event)
	}

	rooms := new(chatv1.ListRoomsResponse)
	harness.Must(t, c.Get(ctx, "ListRooms", new(chatv1.ListRoomsRequest), rooms))
	lobby := &chatv1.Room{Name: "lobby", Head: event.GetSequence(), Members: 1, Messages: 1}
	if !slices.ContainsFunc(rooms.GetRooms(), func(r *chatv1.Room) bool {
		lobby.LastActivity, lobby.Rights = r.GetLastActivity(), r.GetRights() // close to the event's time
		return proto.Equal(r, lobby)
	}) {
		t.Errorf("ListRooms = %v, want %v in it", rooms, lobby)
	}
	checkLongPoll(ctx, t, c, got.GetNext())
}

// checkLongPoll waits for the event after the last one, which is sent once curl reports
// that its request is out.
func checkLongPoll(ctx context.Context, t *testing.T, c harness.Curl, next *chatv1.Cursor) {
	t.Helper()
	cursor, err := json.Marshal(map[string]any{"epoch": next.GetEpoch(), "sequence": next.GetSequence()})
	harness.Must(t, err)
	poll := c.Command(ctx, "-v", c.MethodURL("ListEvents"), "-H", "Content-Type: application/json",
		"-d", `{"room":"lobby","after":`+string(cursor)+`,"wait":"20s"}`)
	var answer bytes.Buffer
	poll.Stdout = &answer
	stderr, err := poll.StderrPipe()
	harness.Must(t, errors.Join(err, poll.Start()))
	progress := bufio.NewScanner(stderr)
	for progress.Scan() && progress.Text() != "> Content-Type: application/json" {
	}
	harness.Must(t, c.Call(ctx, "Send", harness.TextRequest("lobby", "awaited"), new(chatv1.SendResponse)))
	for progress.Scan() {
	}
	harness.Must(t, poll.Wait())
	page := new(chatv1.ListEventsResponse)
	harness.Must(t, protojson.Unmarshal(answer.Bytes(), page))
	if got := harness.EventIDs(page.GetEvents()); !slices.Equal(got, []string{"awaited"}) {
		t.Errorf("long poll answered %q, want what was sent meanwhile", got)
	}
}

// An error is a status and JSON with what to do.
func TestCurlIsToldErrors(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := harness.NewCurl(t, s, "not a token")
	out, err := c.Command(harness.Context(t), "-G", c.MethodURL("ListRooms"), "-d", "connect=v1", "-d", "encoding=json",
		"--data-urlencode", "message={}", "-w", `%{http_code}`).Output()
	harness.Must(t, err)
	if got := string(out); !strings.HasSuffix(got, "}401") || !strings.Contains(got, `"unauthenticated"`) {
		t.Errorf("with a forged token %s was answered, want unauthenticated and 401", got)
	}
	escaped := url.QueryEscape(`{"room":"lobby"}`)
	out, err = c.Command(harness.Context(t), "-o", "/dev/null", c.MethodURL("Send")+"?connect=v1&encoding=json&message="+escaped, "-w", `%{http_code}`).Output()
	harness.Must(t, err)
	if string(out) != "405" {
		t.Errorf("GET of a method with side effects was answered %s, want 405", out)
	}
}
