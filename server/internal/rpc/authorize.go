package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/moderation"
	"chatroom/server/internal/policy"
)

// rights returns a caller as the policy sees it.
func rights(c *identity.Credential, address netip.Addr) *policy.Caller {
	if c.Kind == policy.Key {
		address = netip.Addr{} // a back end's, which is not that of a person
	}
	return &policy.Caller{Kind: c.Kind, Member: c.Member.ID, Address: address, Grants: c.Grants, Former: c.Former}
}

// rightsOf returns the caller as the policy sees it. On a stream it is different after a
// renewal.
func rightsOf(ctx context.Context) *policy.Caller {
	return rights(identified(ctx), clientAddress(ctx))
}

// rights returns the stream's caller as the policy sees it.
func (s *stream) rights() *policy.Caller { return rights(s.credential.current(), s.address) }

// refusal is the error for a caller who lacks a right.
type refusal struct{ policy.Decision }

func (r *refusal) Error() string { return r.Decision.String() }

// coded returns the error that the caller gets. It names no rule: Explain does that for
// moderators.
func (r *refusal) coded() *connect.Error {
	metadata := map[string]string{"room": r.Room, "right": r.Right.String()}
	switch {
	case r.Denial != nil:
		reason, message := "BANNED", fmt.Sprintf("you are banned from room %q", r.Room)
		if r.Denial.Effect == policy.Mute {
			reason, message = "MUTED", fmt.Sprintf("you are muted in room %q", r.Room)
		}
		if until := r.Until(); !until.IsZero() {
			metadata["until"] = until.UTC().Format(time.RFC3339)
			message += " until " + metadata["until"]
		}
		if r.Denial.Reason != "" {
			metadata["reason"] = r.Denial.Reason
			message += ": " + r.Denial.Reason
		}
		return newError(connect.CodePermissionDenied, message, &errdetails.ErrorInfo{Reason: reason, Domain: errorDomain, Metadata: metadata})
	case r.NeedsCredential():
		metadata["header"] = "Authorization"
		return newError(connect.CodeUnauthenticated, "this method needs an identity: sign in, and send the token",
			&errdetails.ErrorInfo{Reason: "TOKEN_REQUIRED", Domain: errorDomain, Metadata: metadata})
	default:
		message := fmt.Sprintf("you do not have the right to %s room %q", rightInWords[r.Right], r.Room)
		if r.Right == policy.Create {
			message = fmt.Sprintf("room %q does not exist, and you do not have the right to create it", r.Room)
		}
		return newError(connect.CodePermissionDenied, message,
			&errdetails.ErrorInfo{Reason: "RIGHT_REQUIRED", Domain: errorDomain, Metadata: metadata})
	}
}

// logRefusal logs that a call or a request on a stream was refused, if that is for want of a
// right.
func (s *Server) logRefusal(ctx context.Context, err error) {
	if refused, ok := errors.AsType[*refusal](err); ok {
		s.peers.Warn(ctx, "a call was refused", "peer", clientAddress(ctx), "member", caller(ctx).ID, "reason", refused)
	}
}

// rightInWords says what a right allows, with the room as its object.
var rightInWords = map[policy.Rights]string{
	policy.Read:     "read",
	policy.Post:     "post to",
	policy.React:    "react in",
	policy.EditOwn:  "edit and delete messages in",
	policy.Manage:   "set the name and topic of",
	policy.Moderate: "moderate",
}

// person returns the id and the former ids of the member that an id is of: a guest's may be a
// former one.
func (s *Server) person(ctx context.Context, id string) (member string, former []string, err error) {
	if s.config.Accounts == nil {
		return id, nil, nil
	}
	return s.config.Accounts.Person(ctx, id)
}

// kindOf returns the kind of the callers who have a member id, as far as it shows it.
func (s *Server) kindOf(member string) policy.Kind {
	switch {
	case strings.HasPrefix(member, identity.KeyMemberPrefix):
		return policy.Key
	case strings.HasPrefix(member, identity.AccountMemberPrefix), s.config.Issuers != nil && s.config.Issuers.Names(member):
		return policy.User
	}
	return policy.Guest
}

// decide tells whether a caller has a right in a room. Who has made the room is looked up
// only if it may matter.
func (s *Server) decide(ctx context.Context, c *policy.Caller, room string, right policy.Rights) (policy.Decision, error) {
	d := s.config.Policy.Decide(*c, policy.Room{Name: room}, right)
	if d.Allowed || d.Denial != nil || c.Member == "" {
		return d, nil
	}
	creator, err := s.config.Hub.Creator(ctx, room)
	if err != nil || !c.Has(creator) {
		return d, err
	}
	return s.config.Policy.Decide(*c, policy.Room{Name: room, Creator: creator}, right), nil
}

// moderates reports whether a caller moderates a room. Most rooms are not moderated by those
// who made them: who that is is not looked up then.
func (s *Server) moderates(ctx context.Context, c *policy.Caller, room string) (bool, error) {
	if !s.config.Policy.Decide(*c, policy.Room{Name: room, Creator: c.Member}, policy.Moderate).Allowed {
		return false, nil
	}
	d, err := s.decide(ctx, c, room, policy.Moderate)
	return d.Allowed, err
}

// authorize returns an error unless a caller has a right in a room.
func (s *Server) authorize(ctx context.Context, c *policy.Caller, room string, right policy.Rights) error {
	d, err := s.decide(ctx, c, room, right)
	if err == nil && !d.Allowed {
		s.counts.refused.Add(refusedRights)
		err = &refusal{d}
	}
	return err
}

// authorizeIn is authorize for what makes the room if it does not exist.
func (s *Server) authorizeIn(ctx context.Context, c *policy.Caller, room string, right policy.Rights) error {
	if err := s.authorize(ctx, c, room, right); err != nil {
		return err
	}
	return s.authorizeCreation(ctx, c, room)
}

// authorizeCreation returns an error for a room that does not exist, and that the caller
// has no right to create. Whether the operator lets anyone create rooms is the hub's to say.
func (s *Server) authorizeCreation(ctx context.Context, c *policy.Caller, room string) error {
	d, err := s.decide(ctx, c, room, policy.Create)
	if err != nil || d.Allowed {
		return err
	}
	exists, err := s.config.Hub.Exists(ctx, room)
	if err == nil && !exists {
		err = &refusal{d}
	}
	return err
}

// authorizeManaging returns an error unless the caller may set the profile of a room. The
// caller is the creator of a room that does not exist.
func (s *Server) authorizeManaging(ctx context.Context, room string) error {
	c := rightsOf(ctx)
	d, err := s.decide(ctx, c, room, policy.Manage)
	if err != nil {
		return err
	}
	if !d.Allowed && d.Denial == nil && c.Member != "" {
		exists, err := s.config.Hub.Exists(ctx, room)
		if err != nil {
			return err
		}
		if !exists {
			d = s.config.Policy.Decide(*c, policy.Room{Name: room, Creator: c.Member}, policy.Manage)
		}
	}
	if !d.Allowed {
		return &refusal{d}
	}
	return s.authorizeCreation(ctx, c, room)
}

// authorizePost returns an error unless the caller may send a post in the name of a member,
// which is another one than its own only for an API key. A deletion by a moderator may be
// that of any message; it is recorded, with its reason.
func (s *Server) authorizePost(ctx context.Context, from chat.Member, p *chat.Post, reason string) error {
	c := rightsOf(ctx)
	p.Former = c.Former
	if from.ID != c.Member {
		// What denies the key something applies, too, whomever it names.
		if d := s.config.Policy.Decide(*c, policy.Room{Name: p.Room}, policy.Post); d.Denial != nil {
			return &refusal{d}
		}
		c.Member = from.ID
		var err error
		if _, c.Former, err = s.person(ctx, from.ID); err != nil {
			return err
		}
		p.Former = c.Former
	}
	var err error
	if p.Moderates, err = s.moderates(ctx, c, p.Room); err != nil {
		return err
	}
	switch body := p.Body.(type) {
	case chat.Reaction:
		return s.authorize(ctx, c, p.Room, policy.React)
	case chat.Edit:
		return s.authorize(ctx, c, p.Room, policy.EditOwn)
	case chat.Deletion:
		return s.authorizeDeletion(ctx, c, from, p, body, reason)
	default:
		return s.authorizeIn(ctx, c, p.Room, policy.Post)
	}
}

func (s *Server) authorizeDeletion(ctx context.Context, c *policy.Caller, from chat.Member, p *chat.Post, body chat.Deletion, reason string) error {
	if err := checkReason("deletion.reason", reason); err != nil {
		return err
	}
	if !p.Moderates {
		return s.authorize(ctx, c, p.Room, policy.EditOwn)
	}
	if s.config.Moderation == nil {
		return nil
	}
	own, err := s.config.Hub.Sent(ctx, p.Room, body.Target, from, p.Former)
	if err != nil || own {
		return err
	}
	return s.config.Moderation.Record(ctx, moderation.Act{Action: moderation.Delete, Room: p.Room, By: caller(ctx).ID, Target: body.Target, Reason: reason})
}

// authorizeJoin returns an error unless the caller may read rooms, and create those that
// do not exist. It sets in which of them the caller is a moderator.
func (s *Server) authorizeJoin(ctx context.Context, starts []hub.Start) error {
	c := rightsOf(ctx)
	for i := range starts {
		if err := s.authorizeIn(ctx, c, starts[i].Room, policy.Read); err != nil {
			return err
		}
		var err error
		if starts[i].Moderator, err = s.moderates(ctx, c, starts[i].Room); err != nil {
			return err
		}
	}
	return nil
}

// checkRights returns the caller's rights in the rooms of the stream, or the error that ends
// it if the caller may not read one of them any more. The member leaves those rooms at once.
// It may read the store.
func (s *stream) checkRights() (held []roomRights, err error) {
	c := s.rights()
	for _, room := range s.feed.Rooms() {
		var creator string
		if c.Member != "" {
			var failed error
			if creator, failed = s.server.config.Hub.Creator(s.ctx, room); failed != nil {
				err = failed
				continue
			}
		}
		d := s.server.config.Policy.Decide(*c, policy.Room{Name: room, Creator: creator}, policy.Read)
		if d.Allowed {
			in := s.server.rightsIn(c, room, creator)
			s.server.config.Hub.SetModerator(room, c.Member, in.rights&policy.Moderate != 0)
			held = append(held, in)
			continue
		}
		if s.feed.Leave(room) == nil { // it may have been left meanwhile
			s.membership.giveBack(room)
		}
		err = &refusal{d}
	}
	return held, err
}

// Recheck has all streams look what their callers may still do in their rooms: the policy
// has changed.
func (s *Server) Recheck() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notifyLocked(noticeRights)
}

// Denied has the streams of those whom a ban or a mute is for look what their callers may
// still do in their rooms. It does not block.
func (s *Server) Denied(d policy.Denial) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for stream := range s.streams {
		c := stream.rights()
		if c.Has(d.Member) || d.Address.IsValid() && d.Address.Contains(c.Address.Unmap()) {
			stream.notify(noticeRights)
		}
	}
}

// readable returns what reports whether the caller may read a room, nil if it may read
// all.
func (s *Server) readable(ctx context.Context) func(context.Context, string) (bool, error) {
	c := rightsOf(ctx)
	if s.config.Policy.Everywhere(*c, policy.Read) {
		return nil
	}
	return func(ctx context.Context, room string) (bool, error) {
		d, err := s.decide(ctx, c, room, policy.Read)
		return d.Allowed, err
	}
}

// readableChanges returns the changes of the list of rooms without the rooms that a caller
// may not read: nil if none are left. It reads nothing from the store, and so takes rooms
// for unreadable that only their first member may read while nothing of them is stored.
func (s *Server) readableChanges(c *policy.Caller, changed *chat.RoomsChanged) *chat.RoomsChanged {
	if s.config.Policy.Everywhere(*c, policy.Read) {
		return changed
	}
	may := func(room string) bool {
		creator, err := s.config.Hub.Directory().Creator(s.serving, room)
		return err == nil && s.config.Policy.Decide(*c, policy.Room{Name: room, Creator: creator}, policy.Read).Allowed
	}
	visible := &chat.RoomsChanged{Incomplete: changed.Incomplete}
	for _, r := range changed.Rooms {
		if may(r.Name) {
			visible.Rooms = append(visible.Rooms, r)
		}
	}
	for _, name := range changed.Removed {
		if may(name) {
			visible.Removed = append(visible.Removed, name)
		}
	}
	if len(visible.Rooms)+len(visible.Removed) == 0 && !visible.Incomplete {
		return nil
	}
	return visible
}
