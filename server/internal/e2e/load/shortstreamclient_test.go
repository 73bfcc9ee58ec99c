package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/gen/hello/helloconnect"
	"chatroom/server/internal/e2e/harness"
)

func openChat(ctx context.Context, client chatv1connect.ChatRoomClient, room string) harness.Stream {
	stream, err := client.Chat(ctx)
	if err != nil {
		return harness.FailedStream(err)
	}
	_ = stream.Send(joinAction(room)) // what it fails with is received
	return harness.Stream{Receive: func() (*chatv1.Frame, error) {
		response, err := stream.Receive()
		return response.GetFrame(), err
	}, Close: func() { closeChat(stream) }}
}

// closeChat ends both sides of a Chat stream whose context has ended: without
// it, the client's connection would wait for more to send.
func closeChat(stream interface {
	CloseRequest() error
	CloseResponse() error
}) {
	_ = stream.CloseRequest()
	_ = stream.CloseResponse()
}

func joinAction(room string) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Join{Join: &chatv1.Subscription{Room: room}}}
}

// noiseRoom is a room that short streams send to.
const noiseRoom = "noise"

// shortStreamClient opens streams on connections of its own, and does not keep them.
type shortStreamClient struct {
	s     *harness.Service
	chats []chatv1connect.ChatRoomClient // one per protocol, on h2c
	plain chatv1connect.ChatRoomClient   // on HTTP/1.1
	hello helloconnect.ChatRoomClient
}

func newShortStreamClient(s *harness.Service, h2c, http1 *http.Client) *shortStreamClient {
	v := &shortStreamClient{
		s:     s,
		plain: chatv1connect.NewChatRoomClient(http1, s.URL),
		hello: helloconnect.NewChatRoomClient(h2c, s.URL, connect.WithGRPC()),
	}
	for _, protocol := range []connect.ClientOption{connect.WithGRPC(), connect.WithGRPCWeb(), connect.WithProtoJSON()} {
		v.chats = append(v.chats, chatv1connect.NewChatRoomClient(h2c, s.URL, protocol))
	}
	return v
}

// openAndLeave opens one stream and leaves it, in some way.
func (v *shortStreamClient) openAndLeave(ctx context.Context) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	room := fmt.Sprint("short-", rand.Uint64())
	if i := rand.IntN(len(busyRooms) + 1); i < len(busyRooms) {
		room = busyRooms[i]
	}
	client := v.chats[rand.IntN(len(v.chats))]
	open := []func() harness.Stream{
		func() harness.Stream { return harness.OpenSubscribe(ctx, v.plain, room) },
		func() harness.Stream { return harness.OpenSubscribe(ctx, client, room) },
		func() harness.Stream { return openChat(ctx, client, room) },
	}[rand.IntN(3)]
	switch rand.IntN(6) {
	case 0: // cancelled at some moment, maybe before it was answered
		time.AfterFunc(rand.N(3*time.Millisecond), leave)
		stream := open()
		_, _ = stream.Receive()
		stream.Close()
		return nil
	case 1: // with a deadline, which is sent to the server
		ctx, leave = context.WithTimeout(ctx, rand.N(3*time.Millisecond))
		defer leave()
		stream := open()
		_, _ = stream.Receive()
		stream.Close()
		return nil
	case 2: // left when it runs
		stream := open()
		err := stream.Joined()
		leave()
		stream.Close()
		return err
	case 3:
		return v.chatAndLeave(ctx, leave, client, room)
	case 4:
		return v.helloAndLeave(ctx, leave)
	default:
		return v.breakConnection(ctx, room)
	}
}

// chatAndLeave opens Chat and leaves: before or after the join, in the middle of a send,
// after leaving the room, or after half-closing.
func (v *shortStreamClient) chatAndLeave(ctx context.Context, leave func(), client chatv1connect.ChatRoomClient, room string) error {
	stream, err := client.Chat(ctx)
	if err != nil {
		return err
	}
	defer closeChat(stream)
	defer leave()
	then := rand.IntN(5)
	if then == 0 {
		return nil
	}
	if err := stream.Send(joinAction(room)); err != nil || then == 1 {
		return err
	}
	if response, err := stream.Receive(); err != nil || response.GetFrame().GetJoined() == nil {
		return fmt.Errorf("first frame %v, %w, want Joined", response, err)
	}
	switch then {
	case 2:
		send := harness.TextRequest(noiseRoom, fmt.Sprint(rand.Uint64()))
		return stream.Send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: send}})
	case 3:
		return stream.Send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_Leave{Leave: &chatv1.Leave{Room: room}}})
	default:
		if err := stream.CloseRequest(); err != nil {
			return err
		}
		_, err := stream.Receive() // the server still sends
		return err
	}
}

// helloAndLeave calls the 2019 contract.
func (v *shortStreamClient) helloAndLeave(ctx context.Context, leave func()) error {
	stream, err := v.hello.Chat(ctx)
	if err != nil {
		return err
	}
	defer closeChat(stream)
	defer leave()
	if rand.IntN(2) == 0 {
		if err := stream.CloseRequest(); err != nil {
			return err
		}
	}
	time.AfterFunc(rand.N(3*time.Millisecond), leave)
	_, _ = stream.Receive()
	return nil
}

// breakConnection opens a stream, and cuts its connection as a crashed client's is cut.
func (v *shortStreamClient) breakConnection(ctx context.Context, room string) error {
	opened := make(chan net.Conn, 1)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(rand.IntN(2) == 0)
	protocols.SetHTTP1(!protocols.UnencryptedHTTP2())
	transport := &http.Transport{Protocols: protocols, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			opened <- conn
		}
		return conn, err
	}}
	defer transport.CloseIdleConnections()
	stream := harness.OpenSubscribe(ctx, chatv1connect.NewChatRoomClient(&http.Client{Transport: transport}, v.s.URL), room)
	defer stream.Close()
	var err error
	if rand.IntN(2) == 0 {
		err = stream.Joined()
	}
	select {
	case conn := <-opened:
		return errors.Join(err, conn.(*net.TCPConn).SetLinger(0), conn.Close())
	case <-ctx.Done():
		return ctx.Err()
	}
}
