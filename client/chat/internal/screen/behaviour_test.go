package screen_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"connectrpc.com/connect"
	"github.com/charmbracelet/x/ansi"
	"google.golang.org/protobuf/types/known/timestamppb"

	"chatroom/client"
	"chatroom/client/chat/internal/screen"
	chatv1 "chatroom/gen/chat/v1"
)

func disconnected(text string, retry time.Duration) screen.Feed {
	return screen.Feed{Update: client.Disconnected{Err: connect.NewError(connect.CodeUnavailable, errors.New(text)), RetryIn: retry}}
}

func TestConnectionInWords(t *testing.T) {
	term := newTerminal(t, 80, 24)
	term.shows("  connecting")
	term.send(disconnected("connection refused", 8*time.Second))
	term.shows(" offline", "no connection: connection refused · next attempt in 8s")
	term.now = term.now.Add(3 * time.Second)
	term.send(screen.Tick{Now: term.now})
	term.shows("next attempt in 5s")
	term.send(screen.Feed{Update: client.Connected{Member: me}})
	term.shows("  connecting")
	term.send(screen.Feed{Update: client.Joined{Member: me, State: &chatv1.RoomState{Room: "lobby", Epoch: "e", Head: 1, Members: 1}}})
	term.shows(" behind · 1 person", "what was missed is loading")
	term.event(message(1, ada, evening, "hi"))
	term.send(screen.Feed{Update: client.CaughtUp{Room: "lobby"}})
	term.shows(" live · 1 person", "This is where #lobby begins.")
	term.write("hello")
	term.press("enter")
	term.now = term.now.Add(4 * time.Second)
	term.send(screen.Tick{Now: term.now})
	term.shows(" no answer", "a message waits for its answer for 4s", "hello (sending)")
	term.send(disconnected("EOF", 100*time.Millisecond))
	term.shows(" offline, connecting", "hello (sending)", "hi")
	term.connect()
	term.answer(len(term.answers)-1, 2, nil)
	term.shows(" live")
	term.lacks("(sending)", "EOF")
}

func TestRefusals(t *testing.T) {
	term := newTerminal(t, 80, 24)
	term.connect(message(1, ada, evening, "hi"))
	banned := connect.NewError(connect.CodePermissionDenied, errors.New("you are banned from room \"lobby\""))
	term.send(screen.Feed{Err: fmt.Errorf("follow: %w", &client.RoomError{Room: "lobby", Err: banned})})
	term.shows(" refused", `you are banned from room "lobby" · Ctrl+R tries again`, "ada: hi")
	term.press("ctrl+r")
	term.shows("  connecting")
	if want := []string{"lobby"}; !slices.Equal(term.followed, want) {
		t.Errorf("followed %q, want %q", term.followed, want)
	}
	term.send(screen.Feed{Err: connect.NewError(connect.CodeUnauthenticated, errors.New("the token is invalid"))})
	term.shows(" refused", "the token is invalid")
}

// A mute, and its end, are told as they come.
func TestMuted(t *testing.T) {
	term := newTerminal(t, 80, 24)
	term.connect(message(1, ada, evening, "hi"))
	muted := &chatv1.RightsChanged{
		Room: "lobby", Rights: []chatv1.Right{chatv1.Right_RIGHT_READ},
		Muted: &chatv1.Muted{Until: timestamppb.New(evening.Add(time.Hour)), Reason: "spam\x1b"},
	}
	term.send(screen.Feed{Update: client.RightsChanged{RightsChanged: muted}})
	term.shows("You are muted here until 22:04: spam␛")
	term.send(screen.Feed{Update: client.RightsChanged{RightsChanged: &chatv1.RightsChanged{Room: "lobby", Rights: muted.GetRights()}}})
	term.shows("You may read here, and not write.")
	both := []chatv1.Right{chatv1.Right_RIGHT_READ, chatv1.Right_RIGHT_POST}
	term.send(screen.Feed{Update: client.RightsChanged{RightsChanged: &chatv1.RightsChanged{Room: "lobby", Rights: both}}})
	term.lacks("You ")
}

func TestFailedSends(t *testing.T) {
	term := newTerminal(t, 80, 24)
	term.connect(message(1, ada, evening, "hi"))
	term.write("spam")
	term.press("enter")
	n := len(term.answers) - 1
	term.answer(n, 0, connect.NewError(connect.CodePermissionDenied, errors.New("you are muted")))
	term.shows("gopher: spam", "not sent: you are muted")
	term.press("ctrl+c")
	term.shows("Not everything is sent.")
	term.press("up")
	term.shows("Enter sends again · x discards")
	term.press("enter")
	term.shows("spam (sending)")
	if again, first := term.sent[len(term.sent)-1], term.sent[n]; again.GetId() != first.GetId() || again.GetMessage().GetText() != "spam" {
		t.Errorf("sent again %v, want %v", again, first)
	}
	term.answer(len(term.answers)-1, 0, errors.New("no"))
	term.press("up", "x")
	term.lacks("spam")
	term.press("ctrl+c")
	if !term.quit {
		t.Error("Ctrl+C does not leave")
	}
}

func TestLeavingWithText(t *testing.T) {
	term := newTerminal(t, 80, 24)
	term.write("half a")
	term.press("ctrl+c")
	term.shows("Not everything is sent.")
	term.press("esc", "ctrl+c")
	if term.quit {
		t.Error("left, though another key was pressed in between")
	}
	term.press("ctrl+c")
	if got := term.model.(*screen.Model).Unsent(); !term.quit || !slices.Equal(got, []string{"half a"}) {
		t.Errorf("quit = %t, unsent = %q, want true, %q", term.quit, got, "half a")
	}
}

func last(term *terminal) *chatv1.SendRequest { return term.sent[len(term.sent)-1] }

func TestSelectedMessage(t *testing.T) {
	term := newTerminal(t, 80, 24)
	term.connect(message(1, ada, evening, "one"), message(2, me, evening, "two"))
	term.write("draft")
	term.press("up")
	term.shows("▌21:04 gopher: two", "e edit")
	term.press("e")
	term.shows("Edit your message · Esc cancels", "> two")
	term.write("!")
	term.press("enter")
	if e := last(term).GetEdit(); e.GetTarget() != 2 || e.GetText() != "two!" {
		t.Errorf("sent %v, want an edit of 2", last(term))
	}
	term.shows("> draft")
	term.press("up", "up")
	term.shows("▌21:04 ada: one")
	term.lacks("e edit")
	term.press("r")
	term.shows("Reply to ada · Esc cancels", "> draft")
	term.press("enter")
	if m := last(term).GetMessage(); m.GetReplyTo() != 1 || m.GetText() != "draft" {
		t.Errorf("sent %v, want a reply to 1", last(term))
	}
	term.shows("┌ ada: one", "gopher: draft (sending)")
	term.press("up", "up", "up", "1")
	if r := last(term).GetReaction(); r.GetTarget() != 1 || r.GetEmoji() != "👍" || r.GetRemoved() {
		t.Errorf("sent %v, want 👍 on 1", last(term))
	}
	term.event(reaction(3, me, 1, "👍"))
	term.shows("[👍 1]")
	term.press("up", "up", "up", "+")
	term.write("👍")
	term.press("enter")
	if r := last(term).GetReaction(); !r.GetRemoved() {
		t.Errorf("sent %v, want the removal of 👍", last(term))
	}
	term.press("up", "up", "d")
	term.shows("Delete this message for everyone?")
	term.press("n", "up", "up", "d", "y")
	if d := last(term).GetDeletion(); d.GetTarget() != 2 {
		t.Errorf("sent %v, want the deletion of 2", last(term))
	}
	term.answer(len(term.answers)-1, 0, connect.NewError(connect.CodePermissionDenied, errors.New("it is not yours")))
	term.shows("Refused: it is not yours")
}

func TestRooms(t *testing.T) {
	term := newTerminal(t, 80, 24)
	term.rooms = []*chatv1.Room{{Name: "games", Messages: 30, Head: 40}, {Name: "lobby", Messages: 1, Head: 1}}
	term.connect(message(1, ada, evening, "one"))
	term.send(screen.Feed{Update: client.RoomsChanged{RoomsChanged: &chatv1.RoomsChanged{Incomplete: true}}})
	term.shows("  games           │", "▸ lobby")
	term.send(screen.Feed{Update: client.RoomsChanged{RoomsChanged: &chatv1.RoomsChanged{Rooms: []*chatv1.RoomSummary{{Name: "games", Messages: 32, Head: 42}}}}})
	term.shows("  games         2 │")
	term.write("for the lobby")
	term.press("tab")
	term.shows("▸ games", "> Message #games", " connecting")
	if !slices.Equal(term.followed, []string{"games"}) {
		t.Errorf("followed %q, want games", term.followed)
	}
	term.pages = map[uint64]client.Page{41: page(false)}
	term.join("games", message(41, ada, evening, "in the games"))
	term.shows("in the games", " live")
	for i := range uint64(40) {
		term.event(message(2+i, bob, evening, fmt.Sprint("number ", 2+i)))
	}
	term.shows("  lobby        40 │")
	term.press("shift+tab")
	term.shows("> for the lobby", "── new ──", "number 2\n", "↓ 40 new messages", "lobby        40")
	term.press("ctrl+end")
	term.shows("number 41")
	term.lacks("lobby        40")
	term.press("ctrl+o")
	term.shows("Name of the room to open")
	term.write("#Chess")
	term.press("enter")
	term.shows("▸ chess")
	term.press("tab", "tab")
	term.shows("> for the lobby")
}

func TestOlderMessages(t *testing.T) {
	term := newTerminal(t, 80, 14)
	var newest []*chatv1.Event
	for i := uint64(101); i <= 130; i++ {
		newest = append(newest, message(i, ada, evening, fmt.Sprint("message ", i)))
	}
	var older []*chatv1.Event
	for i := uint64(81); i <= 100; i++ {
		older = append(older, message(i, ada, evening, fmt.Sprint("message ", i)))
	}
	term.pages = map[uint64]client.Page{101: page(true, older...), 81: page(false, message(80, ada, evening, "message 80"))}
	term.connect(newest...)
	term.shows("message 130")
	if len(term.older) != 0 {
		t.Errorf("pages were read at once: %v", term.older)
	}
	term.press("pgup", "pgup")
	term.shows("message 105")
	before := term.screenshot()
	term.event(message(131, bob, evening, "while reading"))
	term.shows("↓ 1 new message")
	if got := term.screenshot(); strings.Split(got, "\n")[3] != strings.Split(before, "\n")[3] {
		t.Errorf("an event moves the history from\n%s\nto\n%s", before, got)
	}
	term.press("ctrl+home", "ctrl+home", "ctrl+home")
	term.shows("Nothing older is kept.", "message 80")
	if len(term.older) != 2 || term.older[0] != (client.Cursor{Epoch: "e", Sequence: 101}) {
		t.Errorf("pages before %v, want those before 101 and 81", term.older)
	}
	term.press("ctrl+end")
	term.shows("while reading")
	term.lacks("1 new message")
}

func TestGap(t *testing.T) {
	for _, tt := range []struct {
		name     string
		reset    client.Reset
		messages uint64 // ever stored, after the gap
		want     string
	}{
		{"counted", client.Reset{Room: "lobby", Epoch: "e", Oldest: 50, Head: 60}, 44, "41 messages are no longer kept."},
		{"one", client.Reset{Room: "lobby", Epoch: "e", Oldest: 50, Head: 60}, 4, "1 message is no longer kept."},
		{"another log", client.Reset{Room: "lobby", Epoch: "f", Oldest: 50, Head: 60}, 44, "The log of this room was lost."},
	} {
		term := newTerminal(t, 80, 24)
		term.connect(message(1, ada, evening, "seen before"))
		// The count is one of before the message.
		term.send(screen.Feed{Update: client.RoomsChanged{RoomsChanged: &chatv1.RoomsChanged{Rooms: []*chatv1.RoomSummary{{Name: "lobby", Head: 0, Messages: 0}}}}})
		term.newest = page(false, message(50, ada, evening, "kept"), message(60, bob, evening, "kept, too"))
		term.info = &chatv1.Room{Name: "lobby", Head: 60, Messages: tt.messages}
		term.send(screen.Feed{Update: tt.reset})
		term.shows(tt.want, "ada: kept", "bob: kept, too")
		term.lacks("seen before", "begins", "Nothing older")
	}
}

func TestHostileText(t *testing.T) {
	term := newTerminal(t, 80, 24)
	zalgo := "y" + strings.Repeat("\u0301", 300)
	evil := &chatv1.Member{Id: "m9", Name: "\x1b[31mevil\u202e\n", NameMark: chatv1.NameMark_NAME_MARK_RESEMBLES}
	term.connect(
		message(1, evil, evening, zalgo),
		message(2, bob, evening, strings.Repeat("\n", 1990)+"end"),
		message(3, bob, evening, strings.Repeat("long ", 800)),
		message(4, bob, evening, strings.Repeat("W", 4000)))
	term.shows("more lines: ↑ selects, Space shows all", "bob: WWWW")
	for line := range strings.SplitSeq(term.model.View().Content, "\n") {
		if strings.ContainsAny(line, "\a\b\r\t\x7f\u202e\u009b") {
			t.Errorf("the line %q has controls", line)
		}
	}
	term.press("up", "space")
	term.lacks("more lines") // the view is within the whole text
	term.press("ctrl+home")
	term.shows("␛[31mevil (!): y")
	if got := strings.Count(term.screenshot(), "\u0301"); got != 4 {
		t.Errorf("the screen has %d marks, want 4", got)
	}
}

// Whatever the size, every line fits, and no size panics.
func TestSizes(t *testing.T) {
	term := talk(t, 80, 24)
	for width := 1; width <= 130; width += 7 {
		for height := 1; height <= 30; height += 4 {
			term.resize(width, height)
			for _, keys := range [][]string{{"up", "up"}, {"pgup"}, {"esc", "?"}, {"esc", "ctrl+t"}, {"esc"}} {
				term.press(keys...)
				lines := strings.Split(term.model.View().Content, "\n")
				if len(lines) > height {
					t.Fatalf("%d × %d: %d lines", width, height, len(lines))
				}
				for _, line := range lines {
					if got := ansi.StringWidthWc(line); got > width && width > 8 {
						t.Fatalf("%d × %d: the line %q has %d columns", width, height, line, got)
					}
				}
			}
		}
	}
}

func TestTyping(t *testing.T) {
	term := newTerminal(t, 80, 24)
	term.connect(message(1, ada, evening, "one"))
	term.event(typing(me))
	term.lacks("is typing")
	term.event(typing(bob))
	term.event(typing(ada))
	term.shows("ada and bob are typing")
	term.event(message(2, bob, evening, "done"))
	term.shows("ada is typing")
	term.now = term.now.Add(7 * time.Second)
	term.send(screen.Tick{Now: term.now})
	term.lacks("is typing")

	term.write("abc")
	if len(term.sent) != 1 || term.sent[0].GetTyping() == nil {
		t.Fatalf("sent %v, want Typing once", term.sent)
	}
	term.now = term.now.Add(3 * time.Second)
	term.write("d")
	if len(term.sent) != 2 {
		t.Errorf("sent %v, want Typing after 3 s again", term.sent)
	}
}

func TestUnreadWhileAway(t *testing.T) {
	term := newTerminal(t, 80, 24)
	term.connect(message(1, ada, evening, "one"))
	term.send(tea.BlurMsg{})
	term.event(message(2, ada, evening, "two"))
	term.shows("── new ──", "lobby         1")
	if got := term.model.View().WindowTitle; got != "(1) #lobby" {
		t.Errorf("the title is %q, want (1) #lobby", got)
	}
	term.send(tea.FocusMsg{})
	term.lacks("lobby         1")
}

func TestPeople(t *testing.T) {
	term := newTerminal(t, 40, 12)
	term.connect(message(1, ada, evening, "one"))
	eve := &chatv1.Member{Id: "m4", Name: "eve"}
	joined, left := event(0, eve, evening), event(0, bob, evening)
	joined.Body = &chatv1.Event_MemberJoined{MemberJoined: &chatv1.MemberJoined{Members: 5}}
	left.Body = &chatv1.Event_MemberLeft{MemberLeft: &chatv1.MemberLeft{Members: 4}}
	term.event(joined)
	term.event(left)
	term.press("ctrl+t")
	term.shows("4 people", "  ada", "  eve", "  gopher (you)", "1 without a name")
	term.lacks("bob")
}
