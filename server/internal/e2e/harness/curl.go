package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// Curl calls the service with the program of that name.
type Curl struct {
	Path    string
	Service *Service
	Token   string
}

func NewCurl(t *testing.T, s *Service, token string) Curl {
	t.Helper()
	return Curl{RequireTool(t, "curl"), s, token}
}

func (c Curl) Command(ctx context.Context, args ...string) *exec.Cmd {
	if c.Token != "" {
		args = append(args, "-H", "Authorization: Bearer "+c.Token)
	}
	return exec.CommandContext(ctx, c.Path, append([]string{"-sS", "-N", "--max-time", "30"}, args...)...)
}

func (c Curl) MethodURL(name string) string {
	return c.Service.URL + "/" + chatv1connect.ChatRoomName + "/" + name
}

// Call posts a request as JSON.
func (c Curl) Call(ctx context.Context, method string, request, response proto.Message) error {
	body, err := protojson.Marshal(request)
	if err != nil {
		return err
	}
	return c.answer(c.Command(ctx, "-f", c.MethodURL(method), "-H", "Content-Type: application/json", "-d", string(body)), response)
}

// Get asks with a GET, which the methods without side effects allow.
func (c Curl) Get(ctx context.Context, method string, request, response proto.Message) error {
	body, err := protojson.Marshal(request)
	if err != nil {
		return err
	}
	return c.answer(c.Command(ctx, "-f", "-G", c.MethodURL(method),
		"-d", "connect=v1", "-d", "encoding=json", "--data-urlencode", "message="+string(body)), response)
}

func (c Curl) answer(command *exec.Cmd, response proto.Message) error {
	out, err := command.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return fmt.Errorf("%v: %w: %s", command, err, exit.Stderr)
		}
		return fmt.Errorf("%v: %w", command, err)
	}
	return protojson.Unmarshal(out, response)
}

// Subscribe starts a curl that reads a stream until the test ends.
func (c Curl) Subscribe(t *testing.T, request string) Frames {
	t.Helper()
	ctx, hangUp := context.WithTimeout(context.Background(), time.Minute)
	command := c.Command(ctx, c.MethodURL("Subscribe"), "-H", "Content-Type: application/connect+json", "--data-binary", "@-")
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
