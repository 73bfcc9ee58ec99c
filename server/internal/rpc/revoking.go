package rpc

import (
	"context"
	"errors"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/revocation"
)

var (
	errNotAdministrator = fieldError(connect.CodePermissionDenied, "", "caller.administrator",
		`the caller must have an API key or a token that grants manage in the rooms "*"`)
	errUnknownKey          = fieldError(connect.CodeNotFound, "key_id", "key_id.known", "must be the id of an API key that is not revoked")
	errTooManyRevocations  = fieldError(connect.CodeResourceExhausted, "", "revocations.count", "there are too many revocations: set expire_time, so that they can be forgotten")
	errRevocationsDisabled = errors.New("rpc: revocations are not configured")
)

// administers reports whether a caller may manage what is not of a room. Only a grant of
// the credential gives that: no rule for the rooms does.
func administers(c *identity.Credential) bool {
	for _, g := range c.Grants {
		if g.Can&policy.Manage != 0 && g.Pattern.String() == "*" {
			return true
		}
	}
	return false
}

// RevokeTokens implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) RevokeTokens(ctx context.Context, request *chatv1.RevokeTokensRequest) (*chatv1.RevokeTokensResponse, error) {
	by := identified(ctx)
	if !administers(by) {
		return nil, errNotAdministrator
	}
	var err error
	if id := request.GetKeyId(); id != "" {
		err = c.revokeKey(ctx, id)
	} else {
		err = c.revokeTokens(ctx, request)
	}
	if err != nil {
		return nil, err
	}
	c.server.config.Log.InfoContext(ctx, "credentials revoked", "by", by.Member.ID, "key", request.GetKeyId(),
		"issuer", request.GetToken().GetIssuer(), "token", request.GetToken().GetTokenId(), "member", request.GetMember().GetMemberId())
	return &chatv1.RevokeTokensResponse{}, nil
}

func (c *chatRoom) revokeKey(ctx context.Context, id string) error {
	if c.server.config.Keys == nil {
		return errUnknownKey
	}
	err := c.server.config.Keys.Revoke(ctx, id)
	if errors.Is(err, apikey.ErrUnknown) {
		return errUnknownKey
	}
	return err
}

func (c *chatRoom) revokeTokens(ctx context.Context, request *chatv1.RevokeTokensRequest) error {
	if c.server.config.Revocations == nil {
		return errRevocationsDisabled
	}
	r := revocation.Revocation{Issuer: request.GetToken().GetIssuer(), TokenID: request.GetToken().GetTokenId()}
	if member := request.GetMember(); member != nil {
		r.Member, r.Until = member.GetMemberId(), time.Now()
		if until := member.GetIssuedUntil(); until != nil {
			r.Until = until.AsTime()
		}
	}
	if expires := request.GetExpireTime(); expires != nil {
		r.Expires = expires.AsTime()
	}
	err := c.server.config.Revocations.Add(ctx, r)
	if errors.Is(err, revocation.ErrTooMany) {
		return errTooManyRevocations
	}
	return err
}
