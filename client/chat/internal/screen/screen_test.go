package screen_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"chatroom/client"
	"chatroom/client/chat/internal/screen"
	chatv1 "chatroom/gen/chat/v1"
)

// conversation is what the golden screens show.
func conversation() []*chatv1.Event {
	morning := evening.Add(-26 * time.Hour)
	return []*chatv1.Event{
		message(1, ada, morning, "Does anyone know a chat that survives a restart of its server?"),
		message(2, bob, morning.Add(time.Minute), "This one does. 🎉"),
		reaction(3, ada, 2, "👍"), reaction(4, me, 2, "👍"), reaction(5, bob, 2, "❤️"),
		message(6, ada, evening.Add(-9*time.Minute), "家に帰りました。今日はとても寒かったので、温かいスープを作ります。"),
		reply(7, bob, evening.Add(-8*time.Minute), 6, "おいしそう"),
		message(8, bob, evening.Add(-7*time.Minute), "This one is deleted soon."),
		edit(9, ada, 1, "Does anyone know a chat that survives a restart of the server?"),
		deletion(10, bob, 8),
		message(11, ada, evening.Add(-time.Minute), "\x1b[2J\x1b[HNice try \u202egnp.exe"),
	}
}

func talk(t *testing.T, width, height int) *terminal {
	term := newTerminal(t, width, height)
	term.rooms = []*chatv1.Room{{Name: "lobby", Head: 11, Messages: 6}, {Name: "games", Head: 40, Messages: 30}, {Name: "go", Head: 9, Messages: 9}}
	term.connect(conversation()...)
	term.send(screen.Feed{Update: client.RoomsChanged{RoomsChanged: &chatv1.RoomsChanged{Incomplete: true}}})
	term.send(screen.Feed{Update: client.RoomsChanged{RoomsChanged: &chatv1.RoomsChanged{Rooms: []*chatv1.RoomSummary{{Name: "games", Head: 43, Messages: 33}}}}})
	term.write("So does")
	term.press("alt+enter")
	term.write("the page.")
	term.press("enter")
	term.answer(len(term.answers)-1, 12, nil)
	term.event(typing(ada))
	return term
}

func TestConversation(t *testing.T) {
	talk(t, 80, 24).golden("conversation-80x24")
	talk(t, 40, 12).golden("conversation-40x12")
	talk(t, 120, 24).golden("conversation-120x24")
}

// The picture in README is what the program shows.
func TestReadmeShowsTheScreen(t *testing.T) {
	readme, err1 := os.ReadFile("../../../../README.md")
	picture, err2 := os.ReadFile("testdata/conversation-80x24.golden")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```text\n"+string(picture)+"```\n") {
		t.Errorf("README lacks the screen\n%s", picture)
	}
}

func TestHelp(t *testing.T) {
	for _, size := range []struct {
		name          string
		width, height int
	}{{"help-80x24", 80, 24}, {"help-40x12", 40, 12}} {
		term := talk(t, size.width, size.height)
		term.press("?")
		term.golden(size.name)
		term.press("x")
		term.lacks("Ctrl+O")
	}
}
