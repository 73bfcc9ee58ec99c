package harness

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// GRPCClient is a client of grpc-go, with what protoc-gen-go-grpc would
// generate written out.
type GRPCClient struct {
	*grpc.ClientConn
	Token string
}

func OpenGRPCGo(t *testing.T, s *Service, token string) Client {
	return GRPCClient{DialGRPC(t, s), token}
}

// DialGRPC returns a connection of grpc-go, without TLS.
func DialGRPC(t *testing.T, s *Service) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatalf("grpc.NewClient(%q): %v", s.Addr, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (v GRPCClient) withToken(ctx context.Context) context.Context {
	if v.Token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+v.Token)
}

func (v GRPCClient) Send(ctx context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	response := new(chatv1.SendResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ChatRoomSendProcedure, request, response)
}

func (v GRPCClient) Subscribe(ctx context.Context, request *chatv1.SubscribeRequest) (Frames, error) {
	stream, err := NewGRPCStream[chatv1.SubscribeRequest, chatv1.SubscribeResponse](v.withToken(ctx), v.ClientConn, serverStream, chatv1connect.ChatRoomSubscribeProcedure)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(stream.Send(request), stream.CloseSend()); err != nil {
		return nil, err
	}
	return func() (*chatv1.Frame, error) {
		response, err := stream.Recv()
		return response.GetFrame(), err
	}, nil
}

func (v GRPCClient) Chat(ctx context.Context) (*ChatStream, error) {
	stream, err := NewGRPCStream[chatv1.ChatRequest, chatv1.ChatResponse](v.withToken(ctx), v.ClientConn, BidiStream, chatv1connect.ChatRoomChatProcedure)
	if err != nil {
		return nil, err
	}
	return &ChatStream{
		Send:      stream.Send,
		HalfClose: stream.CloseSend,
		Receive: func() (*chatv1.Frame, error) {
			response, err := stream.Recv()
			return response.GetFrame(), err
		},
	}, nil
}

var (
	serverStream = &grpc.StreamDesc{ServerStreams: true}
	BidiStream   = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
)

func NewGRPCStream[Req, Res any](ctx context.Context, conn *grpc.ClientConn, desc *grpc.StreamDesc, method string) (*grpc.GenericClientStream[Req, Res], error) {
	stream, err := conn.NewStream(ctx, desc, method)
	return &grpc.GenericClientStream[Req, Res]{ClientStream: stream}, err
}

func (v GRPCClient) ListEvents(ctx context.Context, request *chatv1.ListEventsRequest) (*chatv1.ListEventsResponse, error) {
	response := new(chatv1.ListEventsResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ChatRoomListEventsProcedure, request, response)
}

func (v GRPCClient) ListRooms(ctx context.Context, request *chatv1.ListRoomsRequest) (*chatv1.ListRoomsResponse, error) {
	response := new(chatv1.ListRoomsResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ChatRoomListRoomsProcedure, request, response)
}

func (v GRPCClient) ListMembers(ctx context.Context, request *chatv1.ListMembersRequest) (*chatv1.ListMembersResponse, error) {
	response := new(chatv1.ListMembersResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ChatRoomListMembersProcedure, request, response)
}

func (v GRPCClient) SetRoom(ctx context.Context, request *chatv1.SetRoomRequest) (*chatv1.SetRoomResponse, error) {
	response := new(chatv1.SetRoomResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ChatRoomSetRoomProcedure, request, response)
}

func (v GRPCClient) SignIn(ctx context.Context, request *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	response := new(chatv1.SignInResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ChatRoomSignInProcedure, request, response)
}

func (v GRPCClient) SendBatch(ctx context.Context, request *chatv1.SendBatchRequest) (*chatv1.SendBatchResponse, error) {
	response := new(chatv1.SendBatchResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ChatRoomSendBatchProcedure, request, response)
}

func (v GRPCClient) RenewStream(ctx context.Context, request *chatv1.RenewStreamRequest) (*chatv1.RenewStreamResponse, error) {
	response := new(chatv1.RenewStreamResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ChatRoomRenewStreamProcedure, request, response)
}

func (v GRPCClient) RevokeTokens(ctx context.Context, request *chatv1.RevokeTokensRequest) (*chatv1.RevokeTokensResponse, error) {
	response := new(chatv1.RevokeTokensResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ChatRoomRevokeTokensProcedure, request, response)
}

func (v GRPCClient) Mute(ctx context.Context, request *chatv1.MuteRequest) (*chatv1.MuteResponse, error) {
	response := new(chatv1.MuteResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ModerationMuteProcedure, request, response)
}

func (v GRPCClient) Unmute(ctx context.Context, request *chatv1.UnmuteRequest) (*chatv1.UnmuteResponse, error) {
	response := new(chatv1.UnmuteResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ModerationUnmuteProcedure, request, response)
}

func (v GRPCClient) Kick(ctx context.Context, request *chatv1.KickRequest) (*chatv1.KickResponse, error) {
	response := new(chatv1.KickResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ModerationKickProcedure, request, response)
}

func (v GRPCClient) Ban(ctx context.Context, request *chatv1.BanRequest) (*chatv1.BanResponse, error) {
	response := new(chatv1.BanResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ModerationBanProcedure, request, response)
}

func (v GRPCClient) Unban(ctx context.Context, request *chatv1.UnbanRequest) (*chatv1.UnbanResponse, error) {
	response := new(chatv1.UnbanResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ModerationUnbanProcedure, request, response)
}

func (v GRPCClient) ListDenials(ctx context.Context, request *chatv1.ListDenialsRequest) (*chatv1.ListDenialsResponse, error) {
	response := new(chatv1.ListDenialsResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ModerationListDenialsProcedure, request, response)
}

func (v GRPCClient) ListAudit(ctx context.Context, request *chatv1.ListAuditRequest) (*chatv1.ListAuditResponse, error) {
	response := new(chatv1.ListAuditResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ModerationListAuditProcedure, request, response)
}

func (v GRPCClient) Explain(ctx context.Context, request *chatv1.ExplainRequest) (*chatv1.ExplainResponse, error) {
	response := new(chatv1.ExplainResponse)
	return response, v.Invoke(v.withToken(ctx), chatv1connect.ModerationExplainProcedure, request, response)
}
