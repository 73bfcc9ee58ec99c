package screen_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"google.golang.org/protobuf/types/known/timestamppb"

	"chatroom/client"
	"chatroom/client/chat/internal/screen"
	chatv1 "chatroom/gen/chat/v1"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	evening = time.Date(2026, 11, 26, 21, 4, 0, 0, time.UTC)
	me      = &chatv1.Member{Id: "m1", Name: "gopher", Guest: true}
	ada     = &chatv1.Member{Id: "m2", Name: "ada", Guest: true}
	bob     = &chatv1.Member{Id: "m3", Name: "bob"}
)

// fake is a service that records what it is asked for. Calls are answered when a test does.
type fake struct {
	sent     []*chatv1.SendRequest
	refuse   error // of the next sends
	followed []string
	older    []client.Cursor
	pages    map[uint64]client.Page // by the sequence of the cursor
	newest   client.Page
	info     *chatv1.Room
	members  []*chatv1.Member
	rooms    []*chatv1.Room
	answers  []chan answer
}

type answer struct {
	receipt client.Receipt
	err     error
}

func (f *fake) Follow(room string) error {
	f.followed = append(f.followed, room)
	return nil
}

func (f *fake) Send(r *chatv1.SendRequest) (screen.Answer, error) {
	f.sent = append(f.sent, r)
	if f.refuse != nil {
		return nil, f.refuse
	}
	c := make(chan answer, 1)
	f.answers = append(f.answers, c)
	return func() (client.Receipt, error) {
		a := <-c
		return a.receipt, a.err
	}, nil
}

func (f *fake) Older(_ string, before client.Cursor) (client.Page, error) {
	f.older = append(f.older, before)
	page, ok := f.pages[before.Sequence]
	if !ok {
		return client.Page{}, fmt.Errorf("no page before %d", before.Sequence)
	}
	return page, nil
}

func (f *fake) Newest(string) (client.Page, *chatv1.Room, error) { return f.newest, f.info, nil }
func (f *fake) Members(string) ([]*chatv1.Member, error)         { return f.members, nil }
func (f *fake) Rooms() ([]*chatv1.Room, error)                   { return f.rooms, nil }

// terminal runs a model without a terminal.
type terminal struct {
	*fake
	t     *testing.T
	model tea.Model
	now   time.Time
	ids   int
	waits []tea.Cmd // for answers to sends, which tests give with answer
	quit  bool
}

func newTerminal(t *testing.T, width, height int) *terminal {
	term := &terminal{t: t, now: evening, fake: &fake{members: []*chatv1.Member{me, ada, bob}}}
	term.model = screen.New(screen.Config{
		Service: term, Room: "lobby", Server: "http://localhost:8080", Now: func() time.Time { return term.now },
		NewID: func() string { term.ids++; return fmt.Sprint("id", term.ids) },
		Tick:  func() tea.Msg { return nil },
	})
	term.resize(width, height)
	return term
}

func (t *terminal) Send(r *chatv1.SendRequest) (screen.Answer, error) { return t.fake.Send(r) }

func (t *terminal) resize(width, height int) { t.send(tea.WindowSizeMsg{Width: width, Height: height}) }

// send gives the model messages, and runs the commands that follow from them.
func (t *terminal) send(messages ...tea.Msg) {
	for _, msg := range messages {
		n := len(t.sent)
		var cmd tea.Cmd
		t.model, cmd = t.model.Update(msg)
		if len(t.sent) > n && t.refuse == nil {
			t.waits = append(t.waits, cmd)
			continue
		}
		t.run(cmd)
	}
}

func (t *terminal) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			t.run(c)
		}
	case tea.QuitMsg:
		t.quit = true
	default:
		t.send(msg)
	}
}

// answer answers the send with an index.
func (t *terminal) answer(i int, sequence uint64, err error) {
	t.answers[i] <- answer{client.Receipt{Cursor: client.Cursor{Epoch: "e", Sequence: sequence}, Time: t.now}, err}
	t.run(t.waits[i])
}

var keyCodes = map[string]tea.KeyPressMsg{
	"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown},
	"pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown}, "tab": {Code: tea.KeyTab}, "space": {Code: tea.KeySpace, Text: " "},
	"shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift}, "ctrl+home": {Code: tea.KeyHome, Mod: tea.ModCtrl},
	"alt+enter": {Code: tea.KeyEnter, Mod: tea.ModAlt}, "ctrl+end": {Code: tea.KeyEnd, Mod: tea.ModCtrl},
}

// press presses keys by their names.
func (t *terminal) press(keys ...string) {
	for _, k := range keys {
		msg, ok := keyCodes[k]
		if c, ctrl := strings.CutPrefix(k, "ctrl+"); ctrl && len(c) == 1 {
			msg, ok = tea.KeyPressMsg{Code: rune(c[0]), Mod: tea.ModCtrl}, true
		}
		if !ok {
			msg = tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
		}
		t.send(msg)
	}
}

// write types a text.
func (t *terminal) write(text string) {
	for _, r := range text {
		if r == ' ' {
			t.press("space")
		} else {
			t.press(string(r))
		}
	}
}

// connect begins a stream with the room, and its events.
func (t *terminal) connect(events ...*chatv1.Event) {
	t.send(screen.Feed{Update: client.Connected{Member: me}})
	t.join("lobby", events...)
}

func (t *terminal) join(room string, events ...*chatv1.Event) {
	head := uint64(0)
	if len(events) > 0 {
		head = events[len(events)-1].GetSequence()
	}
	t.send(screen.Feed{Update: client.Joined{Member: me, State: &chatv1.RoomState{Room: room, Epoch: "e", Head: head, Members: 4, Topic: "Say hello"}}})
	for _, e := range events {
		e.Room = room
		t.event(e)
	}
	t.send(screen.Feed{Update: client.CaughtUp{Room: room}})
}

func (t *terminal) event(e *chatv1.Event) {
	t.send(screen.Feed{Update: client.Event{Event: e, Epoch: "e"}})
}

// screenshot returns what is on the screen, without styles.
func (t *terminal) screenshot() string {
	lines := strings.Split(ansi.Strip(t.model.View().Content), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// golden compares the screen with a file in testdata.
func (t *terminal) golden(name string) {
	t.t.Helper()
	got := t.screenshot()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.t.Fatal(err)
	}
	if got != string(want) {
		t.t.Errorf("the screen is\n%s\nwant %s:\n%s", got, path, want)
	}
}

func (t *terminal) shows(texts ...string) {
	t.t.Helper()
	got := t.screenshot()
	for _, text := range texts {
		if !strings.Contains(got, text) {
			t.t.Errorf("the screen lacks %q:\n%s", text, got)
		}
	}
}

func (t *terminal) lacks(texts ...string) {
	t.t.Helper()
	got := t.screenshot()
	for _, text := range texts {
		if strings.Contains(got, text) {
			t.t.Errorf("the screen has %q:\n%s", text, got)
		}
	}
}

func event(sequence uint64, sender *chatv1.Member, at time.Time) *chatv1.Event {
	return &chatv1.Event{Room: "lobby", Sequence: sequence, Time: timestamppb.New(at), Id: fmt.Sprint("e", sequence), Sender: sender}
}

func message(sequence uint64, sender *chatv1.Member, at time.Time, text string) *chatv1.Event {
	e := event(sequence, sender, at)
	e.Body = &chatv1.Event_Message{Message: &chatv1.Message{Text: text}}
	return e
}

func reply(sequence uint64, sender *chatv1.Member, at time.Time, to uint64, text string) *chatv1.Event {
	e := message(sequence, sender, at, text)
	e.GetMessage().ReplyTo = to
	return e
}

func reaction(sequence uint64, sender *chatv1.Member, target uint64, emoji string) *chatv1.Event {
	e := event(sequence, sender, evening)
	e.Body = &chatv1.Event_Reaction{Reaction: &chatv1.Reaction{Target: target, Emoji: emoji}}
	return e
}

func edit(sequence uint64, sender *chatv1.Member, target uint64, text string) *chatv1.Event {
	e := event(sequence, sender, evening)
	e.Body = &chatv1.Event_Edit{Edit: &chatv1.Edit{Target: target, Text: text}}
	return e
}

func deletion(sequence uint64, sender *chatv1.Member, target uint64) *chatv1.Event {
	e := event(sequence, sender, evening)
	e.Body = &chatv1.Event_Deletion{Deletion: &chatv1.Deletion{Target: target}}
	return e
}

func typing(sender *chatv1.Member) *chatv1.Event {
	e := event(0, sender, evening)
	e.Body = &chatv1.Event_Typing{Typing: &chatv1.Typing{}}
	return e
}

func page(more bool, events ...*chatv1.Event) client.Page {
	p := client.Page{Epoch: "e", More: more}
	for _, e := range events {
		p.Events = append(p.Events, client.Event{Event: e, Epoch: "e"})
	}
	return p
}
