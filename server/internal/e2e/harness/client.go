package harness

import (
	"context"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
)

// Client calls every method of chat.v1 with any of the libraries.
type Client interface {
	Send(context.Context, *chatv1.SendRequest) (*chatv1.SendResponse, error)
	SendBatch(context.Context, *chatv1.SendBatchRequest) (*chatv1.SendBatchResponse, error)
	Subscribe(context.Context, *chatv1.SubscribeRequest) (Frames, error)
	Chat(context.Context) (*ChatStream, error)
	ListEvents(context.Context, *chatv1.ListEventsRequest) (*chatv1.ListEventsResponse, error)
	ListRooms(context.Context, *chatv1.ListRoomsRequest) (*chatv1.ListRoomsResponse, error)
	ListMembers(context.Context, *chatv1.ListMembersRequest) (*chatv1.ListMembersResponse, error)
	SetRoom(context.Context, *chatv1.SetRoomRequest) (*chatv1.SetRoomResponse, error)
	SignIn(context.Context, *chatv1.SignInRequest) (*chatv1.SignInResponse, error)
	RenewStream(context.Context, *chatv1.RenewStreamRequest) (*chatv1.RenewStreamResponse, error)
	RevokeTokens(context.Context, *chatv1.RevokeTokensRequest) (*chatv1.RevokeTokensResponse, error)

	Mute(context.Context, *chatv1.MuteRequest) (*chatv1.MuteResponse, error)
	Unmute(context.Context, *chatv1.UnmuteRequest) (*chatv1.UnmuteResponse, error)
	Kick(context.Context, *chatv1.KickRequest) (*chatv1.KickResponse, error)
	Ban(context.Context, *chatv1.BanRequest) (*chatv1.BanResponse, error)
	Unban(context.Context, *chatv1.UnbanRequest) (*chatv1.UnbanResponse, error)
	ListDenials(context.Context, *chatv1.ListDenialsRequest) (*chatv1.ListDenialsResponse, error)
	ListAudit(context.Context, *chatv1.ListAuditRequest) (*chatv1.ListAuditResponse, error)
	Explain(context.Context, *chatv1.ExplainRequest) (*chatv1.ExplainResponse, error)
}

// The protocols that tests use by name.
var (
	ConnectHTTP1 = Protocol{"Connect over HTTP/1.1", false, ConnectOver(HTTP1Client)}
	ConnectHTTP2 = Protocol{"Connect over HTTP/2", true, ConnectOver(H2CClient)}
	GRPC         = Protocol{"gRPC over HTTP/2", true, ConnectOver(H2CClient, connect.WithGRPC())}
	GRPCGo       = Protocol{"grpc-go", true, OpenGRPCGo}
)

// Protocols are all those of chat.v1 that Go has clients for, in both encodings.
var Protocols = []Protocol{
	ConnectHTTP1,
	ConnectHTTP2,
	{"Connect JSON over HTTP/1.1", false, ConnectOver(HTTP1Client, connect.WithProtoJSON())},
	{"Connect JSON over HTTP/2", true, ConnectOver(H2CClient, connect.WithProtoJSON())},
	{"gRPC-Web over HTTP/1.1", false, ConnectOver(HTTP1Client, connect.WithGRPCWeb())},
	{"gRPC-Web over HTTP/2", true, ConnectOver(H2CClient, connect.WithGRPCWeb())},
	GRPC,
	GRPCGo,
	{"gRPC JSON over HTTP/2", true, ConnectOver(H2CClient, connect.WithGRPC(), connect.WithProtoJSON())},
	{"gRPC-Web JSON over HTTP/1.1", false, ConnectOver(HTTP1Client, connect.WithGRPCWeb(), connect.WithProtoJSON())},
}
