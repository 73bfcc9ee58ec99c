package scenario

import (
	"context"
	"fmt"
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// send is about how fast the whole service accepts what clients with a token send,
// in JSON, to many rooms.
type send struct {
	clients          int
	rooms            []int // few, many
	warmup, duration time.Duration
}

const (
	sendFewRooms        = "few rooms"
	sendManyRooms       = "many rooms"
	sendManyRoomsMemory = "many rooms, -data memory"
)

func (s send) Name() string { return "send" }

func (s send) Title() string {
	return fmt.Sprintf("Send over HTTP/1.1 in JSON by %d clients with a token each, to %d rooms and to %d",
		s.clients, s.rooms[0], s.rooms[1])
}

func (s send) Variants() []Variant {
	return []Variant{{Name: sendFewRooms}, {Name: sendManyRooms}, {Name: sendManyRoomsMemory, Memory: true}}
}

func (s send) Rounds(asked int) int { return asked }

func (s send) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	rooms := s.rooms[1]
	if v.Name == sendFewRooms {
		rooms = s.rooms[0]
	}
	figures := report.Figures{}
	err := l.with(ctx, v, func(server *proc.Process) error {
		var err error
		figures, err = sending(ctx, server, load.SendConfig{
			Clients: s.clients, Rooms: roomNames(rooms), JSON: true, SignedIn: true,
		}, s.warmup, s.duration)
		return err
	})
	figures.Rooms = rooms
	return []report.Figures{figures}, err
}

// sending measures unary calls.
func sending(ctx context.Context, server *proc.Process, c load.SendConfig, warmup, duration time.Duration) (report.Figures, error) {
	callers, err := load.DialCallers(ctx, server.Address, c)
	if err != nil {
		return report.Figures{}, err
	}
	defer callers.Close()
	if _, err := callers.Send(ctx, warmup); err != nil {
		return report.Figures{}, err
	}
	figures, err := meter(server, func() (*load.Outcome, error) { return callers.Send(ctx, duration) })
	return published(figures), err
}

// published returns the figures of events that were published and not delivered.
func published(f report.Figures) report.Figures {
	f.Messages, f.Deliveries = f.Deliveries, 0
	return f
}

func roomNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("room-%d", i)
	}
	return names
}
