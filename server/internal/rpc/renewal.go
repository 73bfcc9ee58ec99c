package rpc

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/identity"
)

// expiryNotice is how long before a token expires its stream says so.
const expiryNotice = time.Minute

var (
	errOtherMember   = fieldError(connect.CodePermissionDenied, "renew.token", "token.member", "must be a token of the member whose stream it is")
	errUnknownStream = fieldError(connect.CodeNotFound, "stream_id", "stream_id.known", "must be that of an open stream of the caller on this server: open a new one, after the last event")

	errNotRenewable = errors.New("the stream is of another member")
)

// newStreamID returns an id that can't be guessed.
func newStreamID() string { return rand.Text() }

// callerDue reports whether checkCaller has something to say or to refuse.
func (s *stream) callerDue(now time.Time) bool {
	c := s.credential.current()
	if c.Expires.IsZero() {
		return false
	}
	left := c.Expires.Sub(now)
	return left <= 0 || left <= expiryNotice && !s.warned
}

// checkCaller adds what the client is told about its credential. It returns an error, which
// ends the stream, if the credential is not valid any more.
func (s *stream) checkCaller(batch *[]byte, pending notice, now time.Time) error {
	c := s.credential.current()
	if pending&noticeRenewed != 0 {
		s.warned = false
		if err := s.add(batch, renewedFrame(c)); err != nil {
			return err
		}
	}
	if pending&(noticeRevoked|noticeRenewed) != 0 {
		if err := s.server.checkCredential(c, now); err != nil {
			return err
		}
	}
	switch {
	case c.Expired(now):
		return identity.ErrExpired
	case !s.warned && s.callerDue(now):
		s.warned = true
		return s.add(batch, expiringFrame(c.Expires.Sub(now)))
	}
	return nil
}

// renew continues the stream with another credential of its member. The credential must be
// valid.
func (s *stream) renew(c *identity.Credential) error {
	former := s.credential.current()
	if former.Member.ID == "" || former.Member.ID != c.Member.ID || former.Kind != c.Kind {
		return errNotRenewable
	}
	s.credential.latest.Store(c)
	if former.Member != c.Member {
		s.server.config.Hub.Rename(c.Member)
	}
	s.notify(noticeRenewed | noticeRights) // it may have other grants
	return nil
}

// renewWith continues a stream of Chat with a token.
func (c *chatRoom) renewWith(ctx context.Context, s *stream, token string) error {
	credential, err := c.server.Authenticate(ctx, token)
	if err != nil {
		c.server.peers.Warn(ctx, "a renewal was refused", "peer", clientAddress(ctx), "member", caller(ctx).ID, "reason", err)
		return err
	}
	if s.renew(credential) != nil {
		return errOtherMember
	}
	return nil
}

// RenewStream implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) RenewStream(ctx context.Context, request *chatv1.RenewStreamRequest) (*chatv1.RenewStreamResponse, error) {
	credential := identified(ctx)
	if credential.Member.ID == "" {
		return nil, chat.ErrSignIn
	}
	found, _ := c.server.renewable.Load(request.GetStreamId())
	s, ok := found.(*stream)
	// An id of another member's stream is as unknown as any.
	if !ok || s.renew(credential) != nil {
		return nil, errUnknownStream
	}
	response := &chatv1.RenewStreamResponse{}
	if !credential.Expires.IsZero() {
		response.TokenExpireTime = eventpb.FromTime(credential.Expires)
	}
	return response, nil
}

// EndStreams ends the streams of callers whose credential is no longer valid, among those
// that covers reports. It does not block.
func (s *Server) EndStreams(covers func(*identity.Credential) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for stream := range s.streams {
		if covers(stream.credential.current()) {
			stream.notify(noticeRevoked)
		}
	}
}

// SetFormer replaces the former ids of a member on its open streams. It does not block.
func (s *Server) SetFormer(member string, former []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for stream := range s.streams {
		current := stream.credential.current()
		if current.Member.ID != member || slices.Equal(current.Former, former) {
			continue
		}
		changed := *current
		changed.Former = former
		// A credential that was renewed meanwhile was identified with the new ids.
		if stream.credential.latest.CompareAndSwap(current, &changed) {
			stream.notify(noticeRights)
		}
	}
}

func expiringFrame(left time.Duration) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Expiring{Expiring: &chatv1.Expiring{TimeLeft: durationpb.New(left)}}}
}

func renewedFrame(c *identity.Credential) *chatv1.Frame {
	renewed := &chatv1.Renewed{}
	if !c.Expires.IsZero() {
		renewed.TokenExpireTime = eventpb.FromTime(c.Expires)
	}
	return &chatv1.Frame{Kind: &chatv1.Frame_Renewed{Renewed: renewed}}
}
