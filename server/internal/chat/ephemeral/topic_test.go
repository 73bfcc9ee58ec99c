package ephemeral_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"chatroom/server/fanout"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/ephemeral"
)

var (
	ada  = chat.Member{ID: "ADA", Name: "Ada"}
	bob  = chat.Member{ID: "BOB", Name: "Bob"}
	noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
)

func custom(from chat.Member, key, payload string) *chat.Event {
	return &chat.Event{Sender: from, Body: chat.Custom{Type: "/move", Payload: []byte(payload), Ephemeral: true, Key: key}}
}

func typing(at time.Duration, stopped bool) *chat.Event {
	return &chat.Event{Time: noon.Add(at), Sender: ada, Body: chat.Typing{Stopped: stopped}}
}

// take returns what a subscription has pending, without superseded events.
func take(t *testing.T, sub *fanout.Subscription[*chat.Event]) []*chat.Event {
	t.Helper()
	var events [16]*chat.Event
	n, err := sub.Take(events[:])
	if err != nil {
		t.Fatalf("Take = %v, want nil", err)
	}
	return slices.DeleteFunc(events[:n], (*chat.Event).Superseded)
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		event *chat.Event
		want  error
	}{
		{custom(chat.Anonymous, "", "1"), nil},
		{custom(chat.Anonymous, "key", "1"), chat.ErrSignIn},
		{custom(ada, "key", "1"), nil},
		{&chat.Event{Sender: chat.Anonymous, Body: chat.Typing{}}, chat.ErrSignIn},
		{typing(0, false), nil},
	} {
		if err := ephemeral.Check(tt.event); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("Check of %T by %q = %v, want %v", tt.event.Body, tt.event.Sender.ID, err, tt.want)
		}
	}
}

func TestNewestOfAKeySupersedes(t *testing.T) {
	events := fanout.New(fanout.Config[*chat.Event]{})
	topic := ephemeral.New(events)
	early, _ := topic.Subscribe(func() {})
	first, second := custom(ada, "position", "1"), custom(ada, "position", "2")
	other, plain := custom(bob, "position", "3"), custom(ada, "", "4")
	for _, e := range []*chat.Event{first, second, other, plain} {
		topic.Publish(e)
	}
	if got, want := take(t, early), []*chat.Event{second, other, plain}; !slices.Equal(got, want) {
		t.Errorf("a subscriber received %v, want %v without the superseded event", got, want)
	}
	late, newest := topic.Subscribe(func() {})
	if len(newest) != 2 || !slices.Contains(newest, second) || !slices.Contains(newest, other) {
		t.Errorf("a later subscriber begins with %v, want the newest of each key", newest)
	}
	if got := take(t, late); len(got) != 0 {
		t.Errorf("a later subscriber received %v, want nothing", got)
	}
	topic.Forget(func(member string) bool { return member == bob.ID })
	if newest := topic.Rejoin(late); !slices.Equal(newest, []*chat.Event{other}) {
		t.Errorf("after Forget a subscriber begins with %v, want that of the present member", newest)
	}
}

func TestProfileIsNotForgotten(t *testing.T) {
	topic := ephemeral.New(fanout.New(fanout.Config[*chat.Event]{}))
	changed := &chat.Event{Sender: ada, Body: chat.RoomChanged{Profile: chat.Profile{Topic: "tea"}}}
	topic.Publish(changed)
	topic.Forget(func(string) bool { return false })
	if _, newest := topic.Subscribe(func() {}); !slices.Equal(newest, []*chat.Event{changed}) {
		t.Errorf("a subscriber begins with %v, want the profile", newest)
	}
}

func TestTypingIsThrottled(t *testing.T) {
	topic := ephemeral.New(fanout.New(fanout.Config[*chat.Event]{}))
	sub, _ := topic.Subscribe(func() {})
	for _, tt := range []struct {
		at        time.Duration
		stopped   bool
		delivered bool
	}{
		{0, true, false}, // it has not begun
		{0, false, true},
		{3*time.Second - 1, false, false},
		{3 * time.Second, false, true},
		{4 * time.Second, true, true},
		{4 * time.Second, true, false},
		{5 * time.Second, false, true},
	} {
		topic.Publish(typing(tt.at, tt.stopped))
		if got := take(t, sub); len(got) == 1 != tt.delivered {
			t.Errorf("typing, stopped %t, at %v: received %d events, want delivered %t", tt.stopped, tt.at, len(got), tt.delivered)
		}
	}
}
