package hub

import (
	"context"
	"fmt"

	"chatroom/server/internal/chat"
)

// Creation says who may create a room, by being the first to join it, to send something to
// it, or to set its profile.
type Creation int

const (
	CreationAnyone  Creation = iota // all callers
	CreationMembers                 // members with an ID
	CreationNobody                  // nobody: there are the rooms of Config.Rooms and those created before
)

// admit returns a *chat.TargetError with chat.ErrRoomCreation if a room does not exist and
// m may not create it.
func (h *Hub) admit(ctx context.Context, m chat.Member, room string) error {
	if err := chat.CheckRoom(room); err != nil {
		return err
	}
	if h.MayCreate(m) {
		return nil
	}
	exists, err := h.Exists(ctx, room)
	if err == nil && !exists {
		err = &chat.TargetError{Field: "room", Err: chat.ErrRoomCreation, Room: room}
	}
	return err
}

// MayCreate reports whether the operator lets a member create rooms.
func (h *Hub) MayCreate(m chat.Member) bool {
	return h.creation == CreationAnyone || h.creation == CreationMembers && m.ID != ""
}

// Exists reports whether a room exists: whether it is configured, or has an event,
// a member or a profile.
func (h *Hub) Exists(ctx context.Context, room string) (bool, error) {
	if exists, err := h.existsWithoutEvents(ctx, room); exists || err != nil {
		return exists, err
	}
	head, err := h.head(ctx, room)
	return head.Last > 0, err
}

// Listed is Exists for callers that ask often: a room that the list of rooms on this node
// has exists without a question to the stores, which may be elsewhere. A room that
// retention has emptied is listed for some time.
func (h *Hub) Listed(ctx context.Context, room string) (bool, error) {
	if h.countMembers(room) > 0 || h.directory.Has(room) {
		return true, nil
	}
	return h.Exists(ctx, room)
}

// known returns the head of a room's log, or chat.ErrUnknownRoom for a room that does not
// exist.
func (h *Hub) known(ctx context.Context, room string) (chat.Head, error) {
	head, err := h.head(ctx, room)
	if err != nil || head.Last > 0 {
		return head, err
	}
	exists, err := h.existsWithoutEvents(ctx, room)
	if err == nil && !exists {
		err = chat.ErrUnknownRoom
	}
	return head, err
}

func (h *Hub) head(ctx context.Context, room string) (chat.Head, error) {
	head, err := h.journal.Head(ctx, room)
	if err != nil {
		return chat.Head{}, fmt.Errorf("head of room %q: %w", room, err)
	}
	return head, nil
}

// existsWithoutEvents reports whether a room exists whatever the journal holds.
func (h *Hub) existsWithoutEvents(ctx context.Context, room string) (bool, error) {
	if h.countMembers(room) > 0 {
		return true, nil
	}
	return h.directory.Exists(ctx, room)
}
