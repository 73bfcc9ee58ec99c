package screen

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"chatroom/client/chat/internal/printable"
	"chatroom/client/chat/internal/timeline"
	chatv1 "chatroom/gen/chat/v1"
)

// typingEvery is how often others are told of typing: the server forwards no more.
const typingEvery = 3 * time.Second

// emojis are those that a key adds to the selected message.
var emojis = []string{"👍", "❤️", "😂", "🎉", "😮", "😢"}

type purposeKind int

const (
	sayText purposeKind = iota
	replyTo
	editText
	reactWith
	openRoom
)

// purpose is what the input is for.
type purpose struct {
	kind   purposeKind
	target *timeline.Entry
}

func (p purpose) label() string {
	switch p.kind {
	case replyTo:
		return "Reply to " + printable.Line(p.target.Sender.GetName())
	case editText:
		return "Edit your message"
	case reactWith:
		return "Emoji to add, or to remove"
	case openRoom:
		return "Name of the room to open"
	}
	return ""
}

// begin uses the input for something else. A reply keeps what was typed.
func (m *Model) begin(p purpose, text string) {
	m.selected, m.purpose = nil, p
	if p.kind != replyTo {
		m.room.draft = m.input.Value()
		m.input.SetValue(text)
	}
}

// cancel ends what begin has begun.
func (m *Model) cancel() {
	m.selected, m.deleting = nil, false
	if m.purpose.kind != sayText && m.purpose.kind != replyTo {
		m.input.SetValue(m.room.draft)
	}
	m.purpose = purpose{}
}

// edit lets the input handle a message.
func (m *Model) edit(msg tea.Msg) tea.Cmd {
	if m.selected != nil || m.panel != noPanel {
		return nil
	}
	before := m.input.Value()
	var cmd tea.Cmd
	m.input, cmd = m.input.Update(msg)
	if m.input.Value() == before {
		return cmd
	}
	m.note = ""
	if m.purpose.kind > replyTo || m.now.Sub(m.typed) < typingEvery || !m.room.joined || strings.TrimSpace(m.input.Value()) == "" {
		return cmd
	}
	m.typed = m.now
	answer, err := m.config.Service.Send(&chatv1.SendRequest{Room: m.room.name, Id: m.config.NewID(), Body: &chatv1.SendRequest_Typing{Typing: &chatv1.Typing{}}})
	if err != nil {
		return cmd
	}
	return tea.Batch(cmd, func() tea.Msg {
		_, _ = answer() // a failure only hides the typing notice from others
		return nil
	})
}

// submit does what the input is for.
func (m *Model) submit() tea.Cmd {
	text := strings.TrimRight(m.input.Value(), " \n")
	p := m.purpose
	if strings.TrimSpace(text) == "" {
		return nil
	}
	m.cancel()
	switch p.kind {
	case openRoom:
		return m.open(strings.ToLower(strings.TrimLeft(strings.TrimSpace(text), "#")))
	case reactWith:
		return m.react(p.target, strings.TrimSpace(text))
	case editText:
		return m.send(nil, &chatv1.SendRequest{Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: p.target.Sequence, Text: text}}})
	}
	message := &chatv1.Message{Text: text}
	if p.kind == replyTo {
		message.ReplyTo = p.target.Sequence
	}
	m.input.SetValue("")
	m.room.draft, m.room.scroll, m.room.newFrom = "", 0, 0
	m.typed = time.Time{}
	m.read(m.room)
	entry := &timeline.Entry{Sender: m.room.me, Time: m.now, Text: text, ReplyTo: message.GetReplyTo()}
	return m.send(entry, &chatv1.SendRequest{Body: &chatv1.SendRequest_Message{Message: message}})
}

// send sends to the room that is shown. entry is the message as it is shown meanwhile, nil
// for other events.
func (m *Model) send(entry *timeline.Entry, request *chatv1.SendRequest) tea.Cmd {
	request.Room, request.Id = m.room.name, m.config.NewID()
	if entry != nil {
		entry.ID = request.GetId()
		m.room.sends[entry.ID] = request
		m.room.line.Queue(entry)
	}
	return m.enqueue(m.room, request)
}

func (m *Model) enqueue(r *room, request *chatv1.SendRequest) tea.Cmd {
	id := request.GetId()
	answer, err := m.config.Service.Send(request)
	if err != nil {
		m.answer(r, answered{room: r.name, id: id, err: err})
		return nil
	}
	return func() tea.Msg {
		receipt, err := answer()
		return answered{r.name, id, receipt, err}
	}
}

// answer takes the answer to a send.
func (m *Model) answer(r *room, a answered) {
	message := r.sends[a.id] != nil
	switch {
	case a.err == nil && message:
		delete(r.sends, a.id)
		r.line.Accepted(a.id, a.receipt.Sequence, a.receipt.Time)
	case a.err == nil && a.receipt.ErasureDelayed:
		m.note = "The message is deleted. The server has yet to erase its text."
	case a.err != nil && message:
		r.line.Fail(a.id, a.err)
	case a.err != nil:
		m.note = m.reason("Refused: ", a.err)
	}
}

// unsent counts the messages that are not stored, and texts that were not sent. Leaving
// waits for a message whose answer is about to come: it is not counted.
func (m *Model) unsent() int {
	words, _ := m.status()
	n := 0
	for _, r := range m.rooms {
		for _, e := range r.line.Entries() {
			if e.State == timeline.Failed || e.State == timeline.Sending && words != "live" {
				n++
			}
		}
		if r != m.room && strings.TrimSpace(r.draft) != "" {
			n++
		}
	}
	if strings.TrimSpace(m.input.Value()) != "" {
		n++
	}
	return n
}

func (m *Model) react(e *timeline.Entry, emoji string) tea.Cmd {
	removed := e.Has(emoji, m.room.me.GetId())
	return m.send(nil, &chatv1.SendRequest{Body: &chatv1.SendRequest_Reaction{Reaction: &chatv1.Reaction{Target: e.Sequence, Emoji: emoji, Removed: removed}}})
}

// selectable returns the messages that can be selected.
func (m *Model) selectable() []*timeline.Entry {
	return slices.DeleteFunc(slices.Clone(m.room.line.Entries()), func(e *timeline.Entry) bool {
		return e.Kind != timeline.Message || e.State == timeline.Deleted
	})
}

// moveSelection selects the message that is by messages further down.
func (m *Model) moveSelection(by int) tea.Cmd {
	list := m.selectable()
	i := slices.Index(list, m.selected)
	if i < 0 {
		i = len(list)
	}
	switch i = max(i+by, 0); {
	case len(list) == 0:
	case i >= len(list):
		m.selected, m.room.scroll = nil, 0
		m.read(m.room)
	default:
		m.selected = list[i]
		m.reveal(m.room, m.selected)
	}
	return m.fill(m.room)
}

// selectionKeys says what can be done with the selected message.
func (m *Model) selectionKeys() string {
	e := m.selected
	switch e.State {
	case timeline.Failed:
		return "Enter sends again · x discards · y copies · Esc"
	case timeline.Sending:
		return "y copies · Esc"
	}
	text := "r reply · + react · "
	if m.isMine(e) {
		text += "e edit · "
	}
	return text + "d delete · y copy · Space all · Esc"
}

func (m *Model) isMine(e *timeline.Entry) bool {
	return m.room.me.GetId() != "" && e.Sender.GetId() == m.room.me.GetId()
}

// selectionKey handles a key while a message is selected.
func (m *Model) selectionKey(key string) tea.Cmd {
	e := m.selected
	if m.deleting {
		m.cancel()
		if key == "y" {
			return m.send(nil, &chatv1.SendRequest{Body: &chatv1.SendRequest_Deletion{Deletion: &chatv1.Deletion{Target: e.Sequence}}})
		}
		return nil
	}
	switch key {
	case "up", "k":
		return m.moveSelection(-1)
	case "down", "j":
		return m.moveSelection(1)
	case "esc":
		m.selected = nil
	case "space":
		m.expanded[e] = !m.expanded[e]
		delete(m.cache, e)
	case "y":
		m.selected, m.note = nil, "Copied."
		return tea.SetClipboard(e.Text)
	}
	if e.State == timeline.Failed {
		return m.failedKey(e, key)
	}
	if e.State == timeline.Stored {
		return m.storedKey(e, key)
	}
	return nil
}

// failedKey handles a key for a message that was not sent.
func (m *Model) failedKey(e *timeline.Entry, key string) tea.Cmd {
	switch key {
	case "enter":
		m.selected, m.room.scroll = nil, 0
		m.room.line.Retry(e.ID)
		e.Time = m.now
		return m.enqueue(m.room, m.room.sends[e.ID])
	case "x":
		m.selected = nil
		m.room.line.Discard(e.ID)
		delete(m.room.sends, e.ID)
	}
	return nil
}

// storedKey handles a key for a message that is stored.
func (m *Model) storedKey(e *timeline.Entry, key string) tea.Cmd {
	switch key {
	case "r":
		m.begin(purpose{replyTo, e}, "")
	case "+":
		m.begin(purpose{reactWith, e}, "")
	case "e":
		if m.isMine(e) {
			m.begin(purpose{editText, e}, e.Text)
		}
	case "d":
		m.deleting = true
	case "1", "2", "3", "4", "5", "6":
		m.selected = nil
		return m.react(e, emojis[key[0]-'1'])
	}
	return nil
}
