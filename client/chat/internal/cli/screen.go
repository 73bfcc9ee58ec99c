package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"chatroom/client"
	"chatroom/client/chat/internal/printable"
	"chatroom/client/chat/internal/screen"
	chatv1 "chatroom/gen/chat/v1"
)

const (
	// recent is how many events of a room are read when it is opened.
	recent = 100
	// maxRooms is how many rooms are listed, of those that were active last.
	maxRooms = 200
	// closeTime is how long leaving waits for sends that are not answered.
	closeTime = 2 * time.Second
)

// runScreen runs the screen until the user leaves.
func runScreen(ctx context.Context, c *client.Client, o *options) error {
	s := &service{client: c, feed: c.Follow(client.Recent(o.room, recent)), again: make(chan struct{}, 1)}
	s.feed.WatchRooms(true)
	lifetime, stop := context.WithCancel(ctx)
	s.lifetime = lifetime
	model := screen.New(screen.Config{
		Service: s, Room: o.room, Server: o.server, Now: time.Now, NewID: rand.Text,
		Tick: tea.Tick(time.Second, func(now time.Time) tea.Msg { return screen.Tick{Now: now} }),
	})
	settings := []tea.ProgramOption{tea.WithoutSignalHandler()}
	if os.Getenv("NO_COLOR") != "" { // of which the library knows no other value than true
		settings = append(settings, tea.WithColorProfile(colorprofile.ASCII))
	}
	program := tea.NewProgram(model, settings...)
	defer context.AfterFunc(ctx, program.Quit)()
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		s.follow(lifetime, program.Send)
	}()
	_, err := program.Run()
	stop()
	<-followed
	closing, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	unsent := texts(c.Close(closing), model)
	if len(unsent) > 0 {
		_, _ = fmt.Fprintf(os.Stderr, "chat: not sent:\n%s\n", strings.Join(unsent, "\n"))
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err == nil && len(unsent) > 0 {
		return reportedError{errors.New("not everything was sent")}
	}
	return err
}

// texts returns what was not sent when the client was closed, so that it is not lost.
func texts(closeErr error, m *screen.Model) []string {
	unsent := m.Unsent()
	if left, ok := errors.AsType[*client.UnsentError](closeErr); ok {
		for _, u := range left.Unsent {
			if text := u.Request.GetMessage().GetText(); text != "" {
				unsent = append(unsent, text)
			}
		}
	}
	for i, text := range unsent {
		unsent[i] = printable.Text(text)
	}
	return unsent
}

// service is a client as the screen uses it.
type service struct {
	client   *client.Client
	feed     *client.Feed
	again    chan struct{} // asks for a loop over the feed, after one has ended
	lifetime context.Context
}

// follow gives the screen what the feed yields, until ctx ends. A loop that ends with a
// refusal is followed by another one when the user asks for it.
func (s *service) follow(ctx context.Context, send func(tea.Msg)) {
	for {
		for u, err := range s.feed.Updates(ctx) {
			if ctx.Err() != nil {
				return
			}
			send(screen.Feed{Update: u, Err: err})
		}
		select {
		case <-s.again:
		case <-ctx.Done():
			return
		}
	}
}

// Follow implements screen.Service.
func (s *service) Follow(room string) error {
	if !slices.Contains(s.feed.Rooms(), room) {
		if err := s.feed.Join(client.Recent(room, recent)); err != nil {
			return err
		}
	}
	select {
	case s.again <- struct{}{}:
	default:
	}
	return nil
}

// Send implements screen.Service.
func (s *service) Send(r *chatv1.SendRequest) (screen.Answer, error) {
	sending, err := s.client.Enqueue(r.GetRoom(), bodyOf(r), client.WithID(r.GetId()))
	if err != nil {
		return nil, err
	}
	return func() (client.Receipt, error) { return sending.Wait(s.lifetime) }, nil
}

func bodyOf(r *chatv1.SendRequest) client.Body {
	switch b := r.GetBody().(type) {
	case *chatv1.SendRequest_Message:
		if b.Message.GetReplyTo() > 0 {
			return client.Reply(b.Message.GetReplyTo(), b.Message.GetText())
		}
		return client.Text(b.Message.GetText())
	case *chatv1.SendRequest_Edit:
		return client.Edit(b.Edit.GetTarget(), b.Edit.GetText())
	case *chatv1.SendRequest_Deletion:
		return client.Delete(b.Deletion.GetTarget())
	case *chatv1.SendRequest_Reaction:
		if b.Reaction.GetRemoved() {
			return client.Unreact(b.Reaction.GetTarget(), b.Reaction.GetEmoji())
		}
		return client.React(b.Reaction.GetTarget(), b.Reaction.GetEmoji())
	case *chatv1.SendRequest_Typing:
		return client.Typing()
	}
	return client.Body{}
}

// Older implements screen.Service.
func (s *service) Older(room string, before client.Cursor) (client.Page, error) {
	return s.client.PreviousPage(s.lifetime, room, before, 0)
}

// Newest implements screen.Service.
func (s *service) Newest(room string) (client.Page, *chatv1.Room, error) {
	info, err := s.client.Room(s.lifetime, room)
	if err != nil {
		return client.Page{}, nil, err
	}
	page, err := s.client.NewestPage(s.lifetime, room, 500)
	return page, info, err
}

// Members implements screen.Service.
func (s *service) Members(room string) ([]*chatv1.Member, error) {
	var members []*chatv1.Member
	for m, err := range s.client.Members(s.lifetime, room) {
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}

// Rooms implements screen.Service.
func (s *service) Rooms() ([]*chatv1.Room, error) {
	var rooms []*chatv1.Room
	for r, err := range s.client.Rooms(s.lifetime, chatv1.RoomOrder_ROOM_ORDER_ACTIVITY, nil) {
		if err != nil {
			return nil, err
		}
		if rooms = append(rooms, r); len(rooms) == maxRooms {
			break
		}
	}
	return rooms, nil
}
