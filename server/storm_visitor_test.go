package main

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
)

// stormStream is a stream that somebody opened, or failed to.
type stormStream struct {
	receive func() (*chatv1.Frame, error)
	close   func() // after its context has ended
}

func stormFailed(err error) stormStream {
	return stormStream{func() (*chatv1.Frame, error) { return nil, err }, func() {}}
}

func stormSubscribe(ctx context.Context, client chatv1connect.ChatRoomClient, room string) stormStream {
	stream, err := client.Subscribe(ctx, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: room}}})
	if err != nil {
		return stormFailed(err)
	}
	return stormStream{func() (*chatv1.Frame, error) {
		if !stream.Receive() {
			return nil, stream.Err()
		}
		return stream.Msg().GetFrame(), nil
	}, func() { _ = stream.Close() }}
}

func stormChat(ctx context.Context, client chatv1connect.ChatRoomClient, room string) stormStream {
	stream, err := client.Chat(ctx)
	if err != nil {
		return stormFailed(err)
	}
	_ = stream.Send(stormJoin(room)) // what it fails with is received
	return stormStream{func() (*chatv1.Frame, error) {
		response, err := stream.Receive()
		return response.GetFrame(), err
	}, func() { stormClose(stream) }}
}

// joined checks that the stream begins as it should.
func (s stormStream) joined() error {
	f, err := s.receive()
	if err == nil && f.GetJoined() == nil {
		err = fmt.Errorf("first frame %v, want Joined", f)
	}
	return err
}

// stormClose ends both sides of a Chat stream whose context has ended: without
// it, the client's connection would wait for more to send.
func stormClose(stream interface {
	CloseRequest() error
	CloseResponse() error
}) {
	_ = stream.CloseRequest()
	_ = stream.CloseResponse()
}

func stormJoin(room string) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Join{Join: &chatv1.Subscription{Room: room}}}
}

// stormNoise is a room that visitors speak in.
const stormNoise = "storm-noise"

// stormVisitor opens streams on connections of its own, and does not keep them.
type stormVisitor struct {
	s     *testService
	chats []chatv1connect.ChatRoomClient // one per protocol, on h2c
	plain chatv1connect.ChatRoomClient   // on HTTP/1.1
	hello helloconnect.ChatRoomClient
}

func newStormVisitor(s *testService, h2c, http1 *http.Client) *stormVisitor {
	v := &stormVisitor{
		s:     s,
		plain: chatv1connect.NewChatRoomClient(http1, s.URL),
		hello: helloconnect.NewChatRoomClient(h2c, s.URL, connect.WithGRPC()),
	}
	for _, protocol := range []connect.ClientOption{connect.WithGRPC(), connect.WithGRPCWeb(), connect.WithProtoJSON()} {
		v.chats = append(v.chats, chatv1connect.NewChatRoomClient(h2c, s.URL, protocol))
	}
	return v
}

// visit opens one stream and leaves it, in some way.
func (v *stormVisitor) visit(ctx context.Context) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	room := fmt.Sprint("passing-", rand.Uint64())
	if i := rand.IntN(len(stormRooms) + 1); i < len(stormRooms) {
		room = stormRooms[i]
	}
	client := v.chats[rand.IntN(len(v.chats))]
	open := []func() stormStream{
		func() stormStream { return stormSubscribe(ctx, v.plain, room) },
		func() stormStream { return stormSubscribe(ctx, client, room) },
		func() stormStream { return stormChat(ctx, client, room) },
	}[rand.IntN(3)]
	switch rand.IntN(6) {
	case 0: // cancelled at some moment, maybe before it was answered
		time.AfterFunc(rand.N(3*time.Millisecond), leave)
		stream := open()
		_, _ = stream.receive()
		stream.close()
		return nil
	case 1: // with a deadline, which the server is told
		ctx, leave = context.WithTimeout(ctx, rand.N(3*time.Millisecond))
		defer leave()
		stream := open()
		_, _ = stream.receive()
		stream.close()
		return nil
	case 2: // left when it runs
		stream := open()
		err := stream.joined()
		leave()
		stream.close()
		return err
	case 3:
		return v.chat(ctx, leave, client, room)
	case 4:
		return v.greet(ctx, leave)
	default:
		return v.crash(ctx, room)
	}
}

// chat opens Chat and goes: before or after the join, in the middle of a send,
// after leaving the room, or with its own side closed.
func (v *stormVisitor) chat(ctx context.Context, leave func(), client chatv1connect.ChatRoomClient, room string) error {
	stream, err := client.Chat(ctx)
	if err != nil {
		return err
	}
	defer stormClose(stream)
	defer leave()
	then := rand.IntN(5)
	if then == 0 {
		return nil
	}
	if err := stream.Send(stormJoin(room)); err != nil || then == 1 {
		return err
	}
	if response, err := stream.Receive(); err != nil || response.GetFrame().GetJoined() == nil {
		return fmt.Errorf("first frame %v, %w, want Joined", response, err)
	}
	switch then {
	case 2:
		send := stormMessage(stormNoise, fmt.Sprint(rand.Uint64()))
		return stream.Send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: send}})
	case 3:
		return stream.Send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_Leave{Leave: &chatv1.Leave{Room: room}}})
	default:
		if err := stream.CloseRequest(); err != nil {
			return err
		}
		_, err := stream.Receive() // the server goes on sending
		return err
	}
}

// greet calls the 2019 contract.
func (v *stormVisitor) greet(ctx context.Context, leave func()) error {
	stream, err := v.hello.Chat(ctx)
	if err != nil {
		return err
	}
	defer stormClose(stream)
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

// crash opens a stream, and cuts its connection as a crashed client's is cut.
func (v *stormVisitor) crash(ctx context.Context, room string) error {
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
	stream := stormSubscribe(ctx, chatv1connect.NewChatRoomClient(&http.Client{Transport: transport}, v.s.URL), room)
	defer stream.close()
	var err error
	if rand.IntN(2) == 0 {
		err = stream.joined()
	}
	select {
	case conn := <-opened:
		return errors.Join(err, conn.(*net.TCPConn).SetLinger(0), conn.Close())
	case <-ctx.Done():
		return ctx.Err()
	}
}

func stormMessage(room, text string) *chatv1.SendRequest {
	return &chatv1.SendRequest{
		Room: room, Id: text, Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}},
	}
}
