package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/moderation"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
)

// defaultKick is how long a kick keeps its subject out.
const defaultKick = 10 * time.Second

// The largest networks that can be banned.
const (
	minBits4 = 16
	minBits6 = 32
)

// moderator implements chat.v1.Moderation.
type moderator struct{ server *Server }

var _ chatv1connect.ModerationHandler = (*moderator)(nil)

func (m *moderator) handler(options connect.HandlerOption) (string, http.Handler) {
	return serviceHandler(chatv1.File_chat_v1_moderation_proto.Services().ByName("Moderation"), map[protoreflect.Name]handlerConstructor{
		"Mute":        unary(m.Mute),
		"Unmute":      unary(m.Unmute),
		"Kick":        unary(m.Kick),
		"Ban":         unary(m.Ban),
		"Unban":       unary(m.Unban),
		"ListDenials": unary(m.ListDenials),
		"ListAudit":   unary(m.ListAudit),
		"Explain":     unary(m.Explain),
	}, m.server.refuseUnknown, options)
}

// act is the part that the requests of Mute, Kick and Ban share.
type act interface {
	GetRoom() string
	GetSubject() *chatv1.Subject
	GetDuration() *durationpb.Duration
	GetReason() string
}

// deny is what Mute, Kick and Ban of moderation.Moderation are.
type deny func(ctx context.Context, room string, s moderation.Subject, until time.Time, reason, by string) (policy.Denial, error)

// denial carries out a Mute, a Kick or a Ban.
func (m *moderator) denial(ctx context.Context, r act, byDefault time.Duration, deny deny) (*chatv1.Denial, error) {
	s, err := m.subject(ctx, r.GetRoom(), r.GetSubject(), r.GetReason())
	if err != nil {
		return nil, err
	}
	if err := m.checkDeniable(ctx, r.GetRoom(), s); err != nil {
		return nil, err
	}
	var until time.Time
	if r.GetDuration() != nil {
		byDefault = r.GetDuration().AsDuration()
	}
	if byDefault > 0 {
		until = time.Now().Add(byDefault)
	}
	d, err := deny(ctx, r.GetRoom(), s, until, r.GetReason(), caller(ctx).ID)
	if err != nil {
		return nil, moderationError(err)
	}
	return toDenial(r.GetRoom(), d), nil
}

// Mute implements chatv1connect.ModerationHandler.
func (m *moderator) Mute(ctx context.Context, r *chatv1.MuteRequest) (*chatv1.MuteResponse, error) {
	d, err := m.denial(ctx, r, 0, m.server.config.Moderation.Mute)
	if err != nil {
		return nil, err
	}
	return &chatv1.MuteResponse{Denial: d}, nil
}

// Kick implements chatv1connect.ModerationHandler.
func (m *moderator) Kick(ctx context.Context, r *chatv1.KickRequest) (*chatv1.KickResponse, error) {
	d, err := m.denial(ctx, r, defaultKick, m.server.config.Moderation.Kick)
	if err != nil {
		return nil, err
	}
	return &chatv1.KickResponse{Denial: d}, nil
}

// Ban implements chatv1connect.ModerationHandler.
func (m *moderator) Ban(ctx context.Context, r *chatv1.BanRequest) (*chatv1.BanResponse, error) {
	d, err := m.denial(ctx, r, 0, m.server.config.Moderation.Ban)
	if err != nil {
		return nil, err
	}
	return &chatv1.BanResponse{Denial: d}, nil
}

// Unmute implements chatv1connect.ModerationHandler.
func (m *moderator) Unmute(ctx context.Context, r *chatv1.UnmuteRequest) (*chatv1.UnmuteResponse, error) {
	s, err := m.subject(ctx, r.GetRoom(), r.GetSubject(), r.GetReason())
	if err != nil {
		return nil, err
	}
	err = m.server.config.Moderation.Unmute(ctx, r.GetRoom(), s, r.GetReason(), caller(ctx).ID)
	return &chatv1.UnmuteResponse{}, moderationError(err)
}

// Unban implements chatv1connect.ModerationHandler.
func (m *moderator) Unban(ctx context.Context, r *chatv1.UnbanRequest) (*chatv1.UnbanResponse, error) {
	s, err := m.subject(ctx, r.GetRoom(), r.GetSubject(), r.GetReason())
	if err != nil {
		return nil, err
	}
	err = m.server.config.Moderation.Unban(ctx, r.GetRoom(), s, r.GetReason(), caller(ctx).ID)
	return &chatv1.UnbanResponse{}, moderationError(err)
}

// ListDenials implements chatv1connect.ModerationHandler.
func (m *moderator) ListDenials(ctx context.Context, r *chatv1.ListDenialsRequest) (*chatv1.ListDenialsResponse, error) {
	if err := m.server.authorize(ctx, rightsOf(ctx), r.GetRoom(), policy.Moderate); err != nil {
		return nil, err
	}
	denials, next, err := m.server.config.Moderation.List(ctx, r.GetRoom(), r.GetPageToken(), pageSize(r.GetPageSize()))
	if err != nil {
		return nil, err
	}
	response := &chatv1.ListDenialsResponse{NextPageToken: next}
	for _, d := range denials {
		response.Denials = append(response.Denials, toDenial(r.GetRoom(), d))
	}
	return response, nil
}

// ListAudit implements chatv1connect.ModerationHandler.
func (m *moderator) ListAudit(ctx context.Context, r *chatv1.ListAuditRequest) (*chatv1.ListAuditResponse, error) {
	if err := m.server.authorize(ctx, rightsOf(ctx), r.GetRoom(), policy.Moderate); err != nil {
		return nil, err
	}
	acts, next, err := m.server.config.Moderation.Audit(ctx, r.GetRoom(), r.GetPageToken(), pageSize(r.GetPageSize()))
	if err != nil {
		return nil, err
	}
	response := &chatv1.ListAuditResponse{NextPageToken: next}
	for _, a := range acts {
		response.Records = append(response.Records, &chatv1.AuditRecord{
			Time: eventpb.FromTime(a.Time), Action: actions[a.Action], Room: a.Room, ModeratorId: a.By,
			Subject: toSubject(a.Subject), Until: eventpb.FromTime(a.Until), Reason: a.Reason, Target: a.Target,
		})
	}
	return response, nil
}

// Explain implements chatv1connect.ModerationHandler. It is for moderators, and for API keys
// in the rooms that they may read.
func (m *moderator) Explain(ctx context.Context, r *chatv1.ExplainRequest) (*chatv1.ExplainResponse, error) {
	right := policy.Moderate
	if rightsOf(ctx).Kind == policy.Key {
		right = policy.Read
	}
	if err := m.server.authorize(ctx, rightsOf(ctx), r.GetRoom(), right); err != nil {
		return nil, err
	}
	about := *rightsOf(ctx)
	another := r.GetMemberId() != "" || r.GetKind() != chatv1.CallerKind_CALLER_KIND_UNSPECIFIED || r.GetAddress() != ""
	if another {
		id, former, err := m.server.person(ctx, r.GetMemberId())
		if err != nil {
			return nil, err
		}
		about = policy.Caller{Kind: fromKind(r.GetKind()), Member: id, Former: former}
		if r.GetKind() == chatv1.CallerKind_CALLER_KIND_UNSPECIFIED {
			about.Kind = m.server.kindOf(id)
		}
	}
	if r.GetAddress() != "" {
		address, err := netip.ParseAddr(r.GetAddress())
		if err != nil {
			return nil, fieldError(connect.CodeInvalidArgument, "address", "address.valid", "must be an address, such as 192.0.2.7")
		}
		about.Address = address
	}
	creator, err := m.server.config.Hub.Creator(ctx, r.GetRoom())
	if err != nil {
		return nil, err
	}
	response := new(chatv1.ExplainResponse)
	for _, d := range m.server.config.Policy.Explain(about, policy.Room{Name: r.GetRoom(), Creator: creator}) {
		decision := &chatv1.Decision{Right: d.Right.String(), Allowed: d.Allowed, Source: d.Source.String(), Explanation: d.String()}
		if d.Right == policy.Create && d.Allowed && !m.server.config.Hub.MayCreate(chat.Member{ID: about.Member}) {
			decision.Allowed, decision.Source = false, "room_creation"
			decision.Explanation = fmt.Sprintf("create in %s is refused: -room-creation does not let the caller create rooms", r.GetRoom())
		}
		if another && !d.Allowed && d.Denial == nil && (about.Kind == policy.User || about.Kind == policy.Key) {
			decision.Explanation += " that is known here: grants of a token or a key are left out"
		}
		response.Decisions = append(response.Decisions, decision)
	}
	return response, nil
}

// subject returns whom an act is for, if the caller may moderate the room.
func (m *moderator) subject(ctx context.Context, room string, s *chatv1.Subject, reason string) (moderation.Subject, error) {
	if err := m.server.authorize(ctx, rightsOf(ctx), room, policy.Moderate); err != nil {
		return moderation.Subject{}, err
	}
	if err := checkReason("reason", reason); err != nil {
		return moderation.Subject{}, err
	}
	if s.GetMemberId() != "" {
		return moderation.Subject{Member: s.GetMemberId()}, nil
	}
	network, err := parseNetwork(s.GetAddress())
	if err != nil {
		return moderation.Subject{}, err
	}
	return moderation.Subject{Address: network}, nil
}

// checkReason refuses a reason that is more than one line. Its length is a rule of the
// contract.
func checkReason(field, reason string) error {
	if strings.ContainsFunc(reason, func(c rune) bool { return !unicode.IsGraphic(c) }) {
		return fieldError(connect.CodeInvalidArgument, field, "reason.characters", "must be one line of up to 300 characters")
	}
	return nil
}

// parseNetwork returns the network that a text names. An address of IPv6 stands for its /64,
// as it does for limits: its holder has all addresses of that network.
func parseNetwork(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if err != nil {
		var address netip.Addr
		if address, err = netip.ParseAddr(text); err == nil {
			network = ratelimit.Network(address.WithZone(""))
		}
	}
	if err == nil {
		network = policy.Network(network)
	}
	smallest := minBits6
	if network.Addr().Is4() {
		smallest = minBits4
	}
	if err != nil || network.Bits() < smallest {
		return netip.Prefix{}, fieldError(connect.CodeInvalidArgument, "subject.address", "address.valid",
			"must be an address or a network, such as 192.0.2.7 or 2001:db8::/64, of at most a /16 of IPv4 or a /32 of IPv6")
	}
	return network, nil
}

// checkDeniable returns an error for a member who moderates the room, as only the operator
// can take that away, and for a network that the caller is in.
func (m *moderator) checkDeniable(ctx context.Context, room string, s moderation.Subject) error {
	if s.Member == "" {
		if s.Address.Contains(rightsOf(ctx).Address.Unmap()) {
			return fieldError(connect.CodePermissionDenied, "subject.address", "subject.own", "must not contain the caller's own address")
		}
		return nil
	}
	creator, err := m.server.config.Hub.Creator(ctx, room)
	if err != nil {
		return err
	}
	id, former, err := m.server.person(ctx, s.Member)
	if err != nil {
		return err
	}
	about := policy.Caller{Kind: policy.Guest, Member: id, Former: former}
	if m.server.config.Policy.Decide(about, policy.Room{Name: room, Creator: creator}, policy.Moderate).Allowed {
		return fieldError(connect.CodePermissionDenied, "subject.member_id", "subject.moderator", "must not be a moderator of the room")
	}
	return nil
}

// moderationError returns the error of a method for one of moderation.Moderation.
func moderationError(err error) error {
	switch {
	case errors.Is(err, moderation.ErrNoDenial):
		return fieldError(connect.CodeNotFound, "subject", "subject.denied", "must have one that can be ended in the room")
	case errors.Is(err, moderation.ErrTooMany):
		return newError(connect.CodeResourceExhausted, "the room has 1,000 bans and mutes: end some of them, or ban a network",
			&errdetails.ErrorInfo{Reason: "TOO_MANY_DENIALS", Domain: errorDomain})
	}
	return err
}

var actions = map[moderation.Action]chatv1.ModerationAction{
	moderation.Mute:   chatv1.ModerationAction_MODERATION_ACTION_MUTE,
	moderation.Unmute: chatv1.ModerationAction_MODERATION_ACTION_UNMUTE,
	moderation.Kick:   chatv1.ModerationAction_MODERATION_ACTION_KICK,
	moderation.Ban:    chatv1.ModerationAction_MODERATION_ACTION_BAN,
	moderation.Unban:  chatv1.ModerationAction_MODERATION_ACTION_UNBAN,
	moderation.Delete: chatv1.ModerationAction_MODERATION_ACTION_DELETE,
}

func fromKind(k chatv1.CallerKind) policy.Kind {
	switch k {
	case chatv1.CallerKind_CALLER_KIND_ANONYMOUS:
		return policy.Anonymous
	case chatv1.CallerKind_CALLER_KIND_USER:
		return policy.User
	case chatv1.CallerKind_CALLER_KIND_KEY:
		return policy.Key
	default:
		return policy.Guest
	}
}

func toDenial(room string, d policy.Denial) *chatv1.Denial {
	denial := &chatv1.Denial{
		Effect: chatv1.DenialEffect_DENIAL_EFFECT_BAN, Room: room, Subject: toSubject(moderation.Subject{Member: d.Member, Address: d.Address}),
		Until: eventpb.FromTime(d.Until), Reason: d.Reason, ModeratorId: d.By,
	}
	if d.Effect == policy.Mute {
		denial.Effect = chatv1.DenialEffect_DENIAL_EFFECT_MUTE
	}
	return denial
}

func toSubject(s moderation.Subject) *chatv1.Subject {
	switch {
	case s.Member != "":
		return &chatv1.Subject{Who: &chatv1.Subject_MemberId{MemberId: s.Member}}
	case s.Address.IsValid():
		text := s.Address.String()
		if s.Address.IsSingleIP() && s.Address.Addr().Is4() { // that of IPv6 would stand for its /64
			text = s.Address.Addr().String()
		}
		return &chatv1.Subject{Who: &chatv1.Subject_Address{Address: text}}
	}
	return nil
}
