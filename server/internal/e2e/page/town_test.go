package page

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/rivo/uniseg"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/sqlite"
)

// A town is a service with the conversations, and clients of the people who have them.
type town struct {
	*harness.Service

	clients    map[string]harness.Client
	tokens     map[string]string
	identities map[string]string // as the page keeps them
}

// startTown starts a service that has the conversations, with the times of their messages. Ada
// moderates, the room "board" is open to no guest, and in "announcements" only Ada may write. The further
// conversations end before the others.
func startTown(t *testing.T, further ...conversation) *town {
	t.Helper()
	dir := t.TempDir()
	w := &town{clients: make(map[string]harness.Client), tokens: make(map[string]string), identities: make(map[string]string)}
	first := harness.Start(t, harness.InDir(dir))
	members := make(map[string]*chatv1.Member)
	for _, name := range townspeople {
		w.tokens[name], members[name] = first.SignIn(t, name)
		identity, err := json.Marshal(map[string]any{
			"token": w.tokens[name], "member": map[string]string{"id": members[name].GetId(), "name": name}, "expires": time.Now().Add(365 * 24 * time.Hour).UnixMilli(),
		})
		harness.Must(t, err)
		w.identities[name] = string(identity)
	}
	first.Stop(t)

	harness.Must(t, sqlite.AddRooms(harness.Context(t), dir, seededRooms(members, slices.Concat(further, conversations))))
	w.Service = harness.Start(t, harness.InDir(dir), harness.WithPolicy(t, fmt.Sprintf(`rooms:
  - {pattern: board, anonymous: [], guest: [], creator: []}
  - {pattern: announcements, guest: [read, react]}
  - {pattern: '*', members: {%s: [moderate, manage]}}`, members[ada].GetId())))
	for name, token := range w.tokens {
		w.clients[name] = harness.ConnectHTTP2.Open(t, w.Service, token)
	}
	return w
}

// say sends a message of a member.
func (w *town) say(t *testing.T, who, room, text string) {
	t.Helper()
	_, err := w.clients[who].Send(harness.Context(t), harness.TextRequest(room, text))
	harness.Must(t, err)
}

// join brings members to a room.
func (w *town) join(t *testing.T, room string, names ...string) {
	t.Helper()
	for _, name := range names {
		w.JoinWithToken(harness.Context(t), t, harness.ConnectHTTP2, harness.ViaSend, w.tokens[name], &chatv1.Subscription{Room: room})
	}
}

// seededRooms returns conversations as they are stored.
func seededRooms(members map[string]*chatv1.Member, conversations []conversation) iter.Seq2[sqlite.AddedRoom, error] {
	return func(yield func(sqlite.AddedRoom, error) bool) {
		for _, c := range conversations {
			records, err := directory.NewRecords(eventpb.Encoding{}, c.room, time.Now(), directory.Records{
				Profile: chat.Profile{DisplayName: c.displayName, Topic: c.topic},
			})
			added := sqlite.AddedRoom{
				Name: c.room, RecordPrefix: directory.RecordPrefix(c.room), Records: records,
				Events: func(shift uint64) iter.Seq2[sqlite.SourceEvent, error] { return c.stored(members, shift) },
			}
			if !yield(added, err) || err != nil {
				return
			}
		}
	}
}

// stored returns the events of a conversation, as the server would have stored them.
func (c conversation) stored(members map[string]*chatv1.Member, shift uint64) iter.Seq2[sqlite.SourceEvent, error] {
	return func(yield func(sqlite.SourceEvent, error) bool) {
		sequence := shift
		for event := range c.events() {
			sequence++
			event.Room, event.ID = c.room, fmt.Sprint("seeded", sequence)
			event.Sender.ID, event.Sender.Guest = members[event.Sender.Name].GetId(), true
			event.Body = shiftBody(event.Body, shift)
			entry, err := chat.NewEntry(eventpb.Encoding{}, event)
			stored := sqlite.SourceEvent{
				Sequence: sequence, Room: c.room, Key: entry.Key, Payload: entry.Payload, Time: event.Time,
				Relation: entry.Relation, Target: entry.Target, Counted: entry.Counted, Author: entry.Author,
			}
			if !yield(stored, err) || err != nil {
				return
			}
		}
	}
}

// shiftBody adds to the sequences that a body refers to.
func shiftBody(body chat.Body, shift uint64) chat.Body {
	switch b := body.(type) {
	case chat.Message:
		if b.ReplyTo > 0 {
			b.ReplyTo += shift
		}
		return b
	case chat.Edit:
		b.Target += shift
		return b
	case chat.Reaction:
		b.Target += shift
		return b
	}
	return body
}

// events returns what happened in a conversation, with sequences from 1 on.
func (c conversation) events() iter.Seq[*chat.Event] {
	return func(yield func(*chat.Event) bool) {
		at := time.Now().Add(-c.ended)
		for _, l := range c.lines[1:] {
			at = at.Add(-l.after)
		}
		var sequence, last uint64
		emit := func(who string, body chat.Body) bool {
			sequence++
			return yield(&chat.Event{Time: at, Sender: chat.Member{Name: who}, Body: body})
		}
		for i, l := range c.lines {
			if i > 0 {
				at = at.Add(l.after)
			}
			message := chat.Message{Text: l.text}
			if l.reply {
				message.ReplyTo = last
			}
			if l.edited != "" {
				message.Text = l.edited
			}
			if !emit(l.who, message) {
				return
			}
			last = sequence
			if l.edited != "" && !emit(l.who, chat.Edit{Target: last, Text: l.text}) {
				return
			}
			for emoji, who := range reactions(l) {
				if !emit(who, chat.Reaction{Target: last, Emoji: emoji}) {
					return
				}
			}
		}
	}
}

// reactions returns the reactions to a line: each emoji, and who it is of.
func reactions(l line) iter.Seq2[string, string] {
	return func(yield func(emoji, who string) bool) {
		count := make(map[string]int)
		for clusters := uniseg.NewGraphemes(l.reactions); clusters.Next(); {
			emoji := clusters.Str()
			who := townspeople[count[emoji]]
			if who == l.who {
				count[emoji]++
				who = townspeople[count[emoji]]
			}
			count[emoji]++
			if !yield(emoji, who) {
				return
			}
		}
	}
}
