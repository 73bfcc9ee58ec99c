package harness

import (
	"context"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// SeededRoom is a room to which the texts "0" to "9" were sent.
type SeededRoom struct {
	Room      string
	Epoch     string
	Sequences []uint64 // the sequences
	Client    Client   // sends to it
}

func SeedRoom(ctx context.Context, t *testing.T, s *Service, room string) *SeededRoom {
	t.Helper()
	h := &SeededRoom{Room: room, Client: ConnectOver(HTTP1Client)(t, s, "")}
	for _, response := range SendTexts(ctx, t, h.Client, room, 0, 10) {
		h.Epoch, h.Sequences = response.GetEpoch(), append(h.Sequences, response.GetSequence())
	}
	return h
}

func (h *SeededRoom) After(epoch string, sequence uint64) *chatv1.Subscription {
	return &chatv1.Subscription{Room: h.Room, Start: &chatv1.Subscription_After{
		After: &chatv1.Cursor{Epoch: epoch, Sequence: sequence},
	}}
}
