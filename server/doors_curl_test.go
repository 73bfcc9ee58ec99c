package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// curl calls the service with the program of that name.
type curl struct {
	path  string
	s     *testService
	token string
}

func newCurl(t *testing.T, s *testService, token string) curl {
	t.Helper()
	return curl{requireTool(t, "curl"), s, token}
}

func (c curl) command(ctx context.Context, args ...string) *exec.Cmd {
	if c.token != "" {
		args = append(args, "-H", "Authorization: Bearer "+c.token)
	}
	return exec.CommandContext(ctx, c.path, append([]string{"-sS", "-N", "--max-time", "30"}, args...)...)
}

func (c curl) method(name string) string {
	return c.s.URL + "/" + chatv1connect.ChatRoomName + "/" + name
}

// call posts a request as JSON.
func (c curl) call(ctx context.Context, method string, request, response proto.Message) error {
	body, err := protojson.Marshal(request)
	if err != nil {
		return err
	}
	return c.answer(c.command(ctx, "-f", c.method(method), "-H", "Content-Type: application/json", "-d", string(body)), response)
}

// get asks with a GET, which the methods without side effects allow.
func (c curl) get(ctx context.Context, method string, request, response proto.Message) error {
	body, err := protojson.Marshal(request)
	if err != nil {
		return err
	}
	return c.answer(c.command(ctx, "-f", "-G", c.method(method),
		"-d", "connect=v1", "-d", "encoding=json", "--data-urlencode", "message="+string(body)), response)
}

func (c curl) answer(command *exec.Cmd, response proto.Message) error {
	out, err := command.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return fmt.Errorf("%v: %w: %s", command, err, exit.Stderr)
		}
		return fmt.Errorf("%v: %w", command, err)
	}
	return protojson.Unmarshal(out, response)
}

// subscribe starts a curl that reads a stream until the test ends.
func (c curl) subscribe(t *testing.T, request string) frames {
	t.Helper()
	ctx, hangUp := context.WithTimeout(context.Background(), time.Minute)
	command := c.command(ctx, c.method("Subscribe"), "-H", "Content-Type: application/connect+json", "--data-binary", "@-")
	envelope := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(request)))
	command.Stdin = bytes.NewReader(append(envelope, request...))
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		hangUp()
		t.Fatalf("%v: %v", command, err)
	}
	t.Cleanup(func() {
		hangUp()
		_ = command.Wait()
	})
	answers := bufio.NewReader(stdout)
	return func() (*chatv1.Frame, error) { return readFrame(answers) }
}

// readFrame reads an envelope of Connect's streams: a byte of flags, four of
// length, and JSON.
func readFrame(r io.Reader) (*chatv1.Frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[1:]))
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	if head[0] != 0 {
		return nil, fmt.Errorf("envelope with flags %d: %s", head[0], body)
	}
	response := new(chatv1.SubscribeResponse)
	err := protojson.Unmarshal(body, response)
	return response.GetFrame(), err
}

// With nothing but curl one can do everything except Chat.
func TestCurl(t *testing.T) {
	t.Parallel()
	s, ctx := serve(t), bounded(t)
	c := newCurl(t, s, "")
	receive := c.subscribe(t, `{"rooms":[{"room":"lobby","recent":10}]}`)
	receive.joined(t)
	identity := new(chatv1.SignInResponse)
	must(t, c.call(ctx, "SignIn", &chatv1.SignInRequest{Name: "gopher"}, identity))
	c.token = identity.GetToken()

	first, again := new(chatv1.SendResponse), new(chatv1.SendResponse)
	must(t, c.call(ctx, "Send", saying("lobby", "one"), first))
	must(t, c.call(ctx, "Send", saying("lobby", "one"), again))
	want := proto.CloneOf(first)
	want.Duplicate = true
	if !proto.Equal(again, want) || first.GetDuplicate() {
		t.Errorf("sent twice: %v, then %v, want the same and duplicate", first, again)
	}
	event := receive.events(t, 0, 1)[0]
	if !proto.Equal(event.GetSender(), identity.GetMember()) || event.GetSequence() != first.GetSequence() {
		t.Errorf("event = %v, want sequence %d of %v", event, first.GetSequence(), identity.GetMember())
	}

	query := &chatv1.ListEventsRequest{Room: "lobby"}
	posted, got := new(chatv1.ListEventsResponse), new(chatv1.ListEventsResponse)
	must(t, c.call(ctx, "ListEvents", query, posted))
	must(t, c.get(ctx, "ListEvents", query, got))
	if !proto.Equal(posted, got) || len(got.GetEvents()) != 1 || !proto.Equal(got.GetEvents()[0], event) {
		t.Errorf("ListEvents by POST = %v, by GET = %v, want both with %v", posted, got, event)
	}

	rooms := new(chatv1.ListRoomsResponse)
	must(t, c.get(ctx, "ListRooms", new(chatv1.ListRoomsRequest), rooms))
	lobby := &chatv1.Room{Name: "lobby", Head: event.GetSequence(), Members: 1, Messages: 1}
	if !slices.ContainsFunc(rooms.GetRooms(), func(r *chatv1.Room) bool {
		lobby.LastActivity = r.GetLastActivity() // close to the event's time
		return proto.Equal(r, lobby)
	}) {
		t.Errorf("ListRooms = %v, want %v in it", rooms, lobby)
	}
	c.testLongPoll(ctx, t, got.GetNext())
}

// testLongPoll asks for what comes after the last event, and lets somebody speak
// when curl has said on standard error that its request is out.
func (c curl) testLongPoll(ctx context.Context, t *testing.T, next *chatv1.Cursor) {
	t.Helper()
	cursor, err := json.Marshal(map[string]any{"epoch": next.GetEpoch(), "sequence": next.GetSequence()})
	must(t, err)
	poll := c.command(ctx, "-v", c.method("ListEvents"), "-H", "Content-Type: application/json",
		"-d", `{"room":"lobby","after":`+string(cursor)+`,"wait":"20s"}`)
	var answer bytes.Buffer
	poll.Stdout = &answer
	stderr, err := poll.StderrPipe()
	must(t, errors.Join(err, poll.Start()))
	progress := bufio.NewScanner(stderr)
	for progress.Scan() && progress.Text() != "> Content-Type: application/json" {
	}
	must(t, c.call(ctx, "Send", saying("lobby", "awaited"), new(chatv1.SendResponse)))
	for progress.Scan() {
	}
	must(t, poll.Wait())
	page := new(chatv1.ListEventsResponse)
	must(t, protojson.Unmarshal(answer.Bytes(), page))
	if got := ids(page.GetEvents()); !slices.Equal(got, []string{"awaited"}) {
		t.Errorf("long poll answered %q, want what was said meanwhile", got)
	}
}

// An error is a status and JSON that says what to do.
func TestCurlError(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := newCurl(t, s, "not a token")
	out, err := c.command(bounded(t), "-G", c.method("ListRooms"), "-d", "connect=v1", "-d", "encoding=json",
		"--data-urlencode", "message={}", "-w", `%{http_code}`).Output()
	must(t, err)
	if got := string(out); !strings.HasSuffix(got, "}401") || !strings.Contains(got, `"unauthenticated"`) {
		t.Errorf("with a forged token %s was answered, want unauthenticated and 401", got)
	}
	escaped := url.QueryEscape(`{"room":"lobby"}`)
	out, err = c.command(bounded(t), "-o", "/dev/null", c.method("Send")+"?connect=v1&encoding=json&message="+escaped, "-w", `%{http_code}`).Output()
	must(t, err)
	if string(out) != "405" {
		t.Errorf("GET of a method with side effects was answered %s, want 405", out)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
