package rpc

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/identity"
)

var errSendAs = fieldError(connect.CodePermissionDenied, "send_as", "send_as.allowed", "only an API key that was created with -send-as may send in the name of a member")

// sender returns the member in whose name a caller sends: itself, or the one that an API
// key names.
func sender(ctx context.Context, self chat.Member, r *chatv1.SendRequest) (chat.Member, error) {
	as := r.GetSendAs()
	if as == nil {
		return self, nil
	}
	if !identified(ctx).SendAs {
		return chat.Member{}, errSendAs
	}
	id := as.GetId()
	if strings.HasPrefix(id, identity.KeyMemberPrefix) || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return chat.Member{}, &chat.FieldError{Field: "send_as.id", Rule: "member.id", Bound: "must be the id of a member, which is no API key, without control characters"}
	}
	name, err := chat.CleanName(as.GetName())
	if err != nil {
		return chat.Member{}, inField("send_as", err)
	}
	return chat.Member{ID: id, Name: name}, nil
}

// begin begins a send of a caller, if the limits and the caller's rights let it. Every send
// passes here, but those of the 2019 contract.
func (c *chatRoom) begin(ctx context.Context, self chat.Member, r *chatv1.SendRequest) (*hub.Sending, error) {
	if err := c.server.limitSend(ctx, r); err != nil {
		return nil, err
	}
	from, err := sender(ctx, self, r)
	if err != nil {
		return nil, err
	}
	post, err := c.server.post(ctx, from, r)
	if err != nil {
		return nil, err
	}
	return c.server.config.Hub.Begin(ctx, from, post), nil
}

// Send implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) Send(ctx context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	sending, err := c.begin(ctx, caller(ctx), request)
	if err != nil {
		return nil, err
	}
	return sent(ctx, sending)
}

// sent waits for a send.
func sent(ctx context.Context, s *hub.Sending) (*chatv1.SendResponse, error) {
	receipt, err := s.Wait(ctx)
	if err != nil {
		return nil, err
	}
	return &chatv1.SendResponse{
		Epoch:     receipt.At.Epoch,
		Sequence:  receipt.At.Sequence,
		Time:      eventpb.FromTime(receipt.Time),
		Duplicate: receipt.Duplicate,
	}, nil
}

// SendBatch implements chatv1connect.ChatRoomHandler. All sends are begun before the first
// is waited for, so that they share group commits.
func (c *chatRoom) SendBatch(ctx context.Context, request *chatv1.SendBatchRequest) (*chatv1.SendBatchResponse, error) {
	sendings := make([]*hub.Sending, len(request.GetSends()))
	response := &chatv1.SendBatchResponse{Results: make([]*chatv1.SendResult, len(sendings))}
	refuse := func(i int, err error) {
		r := request.GetSends()[i]
		c.server.logRefusal(ctx, err)
		frame := rejectedFrame(r.GetId(), r.GetRoom(), toError(ctx, c.server.config.Log, err))
		response.Results[i] = &chatv1.SendResult{Result: &chatv1.SendResult_Rejected{Rejected: frame.GetRejected()}}
	}
	for i, r := range request.GetSends() {
		err := checkSend(r)
		if err == nil {
			sendings[i], err = c.begin(ctx, caller(ctx), r)
		}
		if err != nil {
			refuse(i, err)
		}
	}
	for i, sending := range sendings {
		if sending == nil {
			continue
		}
		one, err := sent(ctx, sending)
		if err != nil {
			refuse(i, err)
			continue
		}
		response.Results[i] = &chatv1.SendResult{Result: &chatv1.SendResult_Sent{Sent: one}}
	}
	return response, nil
}

// checkSend checks the rules of the contract for one send of a batch, which the
// interceptor leaves out.
func checkSend(r *chatv1.SendRequest) error {
	err := requests.Validate(r)
	if invalid, ok := errors.AsType[*invalidRequest](err); ok {
		return newError(connect.CodeInvalidArgument, invalid.Error(), invalid.ToProto())
	}
	return err
}
