package harness

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// connectClient is a client of connect-go.
type connectClient struct {
	chatv1connect.ChatRoomClient
	chatv1connect.ModerationClient
}

func ConnectOver(transport func(*testing.T) *http.Client, options ...connect.ClientOption) func(*testing.T, *Service, string) Client {
	return func(t *testing.T, s *Service, token string) Client {
		client := BearerClient{transport(t), token}
		return connectClient{chatv1connect.NewChatRoomClient(client, s.URL, options...), chatv1connect.NewModerationClient(client, s.URL, options...)}
	}
}

func (v connectClient) Subscribe(ctx context.Context, request *chatv1.SubscribeRequest) (Frames, error) {
	stream, err := v.ChatRoomClient.Subscribe(ctx, request)
	if err != nil {
		return nil, err
	}
	return func() (*chatv1.Frame, error) {
		if !stream.Receive() {
			// Err is nil when the server ended the stream without an error.
			return nil, errors.Join(io.EOF, stream.Err())
		}
		return stream.Msg().GetFrame(), nil
	}, nil
}

func (v connectClient) Chat(ctx context.Context) (*ChatStream, error) {
	stream, err := v.ChatRoomClient.Chat(ctx)
	if err != nil {
		return nil, err
	}
	return &ChatStream{
		Send:      stream.Send,
		HalfClose: stream.CloseRequest,
		Receive: func() (*chatv1.Frame, error) {
			response, err := stream.Receive()
			return response.GetFrame(), err
		},
	}, nil
}

// BearerClient adds a token, if there is one, to every call of a client.
type BearerClient struct {
	*http.Client
	Token string
}

func (b BearerClient) Do(request *http.Request) (*http.Response, error) {
	if b.Token != "" {
		request.Header.Set("Authorization", "Bearer "+b.Token)
	}
	return b.Client.Do(request)
}

func RPCClient(t *testing.T, s *Service) chatv1connect.ChatRoomClient {
	t.Helper()
	return chatv1connect.NewChatRoomClient(HTTP1Client(t), s.URL)
}
