package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrRoomCreation is returned for a room that does not exist, to callers who may not
// make it.
var ErrRoomCreation = errors.New("chat: there is no such room, and the caller may not make it")

// Creation says who may make a room, by being the first to join it or to say
// something in it.
type Creation int

const (
	CreationAnyone  Creation = iota // who comes first
	CreationMembers                 // who has an ID
	CreationNobody                  // the rooms of Config.Rooms, and those made before
)

// admit returns a *TargetError with ErrRoomCreation if a room does not exist and m may
// not make it.
func (s *Service) admit(ctx context.Context, m Member, room string) error {
	if err := checkRoom("room", room); err != nil {
		return err
	}
	if s.creation == CreationAnyone || s.creation == CreationMembers && m.ID != "" {
		return nil
	}
	if exists, err := s.exists(ctx, room); exists || err != nil {
		return err
	}
	head, err := s.journal.Head(ctx, room)
	if err != nil {
		return fmt.Errorf("head of room %q: %w", room, err)
	}
	if head.Last == 0 {
		return &TargetError{"room", ErrRoomCreation}
	}
	return nil
}

// known returns ErrUnknownRoom for a room that does not exist.
func (s *Service) known(ctx context.Context, name string) error {
	head, err := s.journal.Head(ctx, name)
	if err != nil {
		return fmt.Errorf("head of room %q: %w", name, err)
	}
	if head.Last > 0 {
		return nil
	}
	exists, err := s.exists(ctx, name)
	if err == nil && !exists {
		err = ErrUnknownRoom
	}
	return err
}

// exists reports whether a room exists even without events.
func (s *Service) exists(ctx context.Context, name string) (bool, error) {
	if _, configured := slices.BinarySearch(s.configuredRooms, name); configured || s.countMembers(name) > 0 {
		return true, nil
	}
	if err := s.loadProfiles(ctx); err != nil {
		return false, err
	}
	return s.hasProfile(name), nil
}
