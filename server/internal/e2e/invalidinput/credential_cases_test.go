package invalidinput

import (
	"strings"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// invalidBatches are bad requests to SendBatch. What is wrong with one send is its result.
func invalidBatches() []refusedCase {
	const method = procedure(chatv1connect.ChatRoomSendBatchProcedure)
	of := func(n int) requestBody {
		batch := &chatv1.SendBatchRequest{}
		for range n {
			batch.Sends = append(batch.Sends, messageInRoom("id", "text"))
		}
		return encode(batch)
	}
	cases := []refusedCase{
		method.refuses("a batch of none", of(0), harness.InvalidArgument("sends", "at least 1")),
		method.refuses("a batch of 101", of(101), harness.InvalidArgument("sends", "100")),
	}
	return append(cases, undecodableRequests(method, of(1))...)
}

// invalidRenewals are bad requests to RenewStream.
func invalidRenewals() []refusedCase {
	const method = procedure(chatv1connect.ChatRoomRenewStreamProcedure)
	of := func(id string) requestBody { return encode(&chatv1.RenewStreamRequest{StreamId: id}) }
	cases := []refusedCase{
		method.refuses("no stream", of(""), harness.InvalidArgument("stream_id", "must not be empty")),
		method.refuses("a stream id of 65 bytes", of(strings.Repeat("s", 65)), harness.InvalidArgument("stream_id", "64")),
		method.refuses("a stream id that is not UTF-8", of(placeholder).notUTF8(), harness.InvalidArgument("stream_id", "must be valid UTF-8")),
	}
	return append(cases, undecodableRequests(method, of("id"))...)
}

// invalidRevocations are bad requests to RevokeTokens.
func invalidRevocations() []refusedCase {
	const method = procedure(chatv1connect.ChatRoomRevokeTokensProcedure)
	token := func(issuer, id string) requestBody {
		return encode(&chatv1.RevokeTokensRequest{Target: &chatv1.RevokeTokensRequest_Token{Token: &chatv1.RevokedToken{Issuer: issuer, TokenId: id}}})
	}
	member := func(id string) requestBody {
		return encode(&chatv1.RevokeTokensRequest{Target: &chatv1.RevokeTokensRequest_Member{Member: &chatv1.RevokedMember{MemberId: id}}})
	}
	key := func(id string) proto.Message {
		return &chatv1.RevokeTokensRequest{Target: &chatv1.RevokeTokensRequest_KeyId{KeyId: id}}
	}
	cases := []refusedCase{
		method.refuses("nothing to revoke", encode(&chatv1.RevokeTokensRequest{}), harness.InvalidArgument("target", "exactly one field is required")),
		method.refuses("a token of no issuer", token("", "t1"), harness.InvalidArgument("token.issuer", "must not be empty")),
		method.refuses("a token without an id", token("shop", ""), harness.InvalidArgument("token.token_id", "must not be empty")),
		method.refuses("a token id of 129 bytes", token("shop", strings.Repeat("t", 129)), harness.InvalidArgument("token.token_id", "128")),
		method.refuses("no member", member(""), harness.InvalidArgument("member.member_id", "must not be empty")),
		method.refuses("a member id of 257 bytes", member(strings.Repeat("m", 257)), harness.InvalidArgument("member.member_id", "256")),
		method.refuses("a key id of 15 bytes", encode(key(strings.Repeat("k", 15))), harness.InvalidArgument("key_id", "16")),
	}
	return append(cases, undecodableRequests(method, member("m"))...)
}
