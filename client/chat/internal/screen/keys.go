package screen

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

// key handles a key.
func (m *Model) key(msg tea.KeyPressMsg) tea.Cmd {
	key := msg.String()
	if key == "ctrl+c" {
		if m.leaving || m.unsent() == 0 {
			return tea.Quit
		}
		m.leaving = true
		return nil
	}
	m.leaving = false
	if m.panel != noPanel {
		m.panel = noPanel
		return nil
	}
	if cmd, ok := m.globalKey(key); ok {
		return cmd
	}
	if m.selected != nil {
		return m.selectionKey(key)
	}
	switch key {
	case "enter":
		return m.submit()
	case "alt+enter", "shift+enter", "ctrl+j":
		m.input.InsertRune('\n')
		return nil
	case "esc":
		m.cancel()
		m.note, m.room.newFrom = "", 0
		return nil
	case "up":
		if m.input.Line() == 0 && m.input.LineInfo().RowOffset == 0 && m.purpose.kind == sayText {
			m.note = ""
			return m.moveSelection(-1)
		}
	case "?":
		if m.input.Value() == "" {
			m.panel = helpPanel
			return nil
		}
	}
	return m.edit(msg)
}

// globalKey handles the keys that have one meaning everywhere.
func (m *Model) globalKey(key string) (cmd tea.Cmd, ok bool) {
	page := max(m.layout().history-1, 1)
	switch key {
	case "f1":
		m.panel = helpPanel
	case "ctrl+t":
		m.panel = peoplePanel
	case "ctrl+o":
		m.cancel()
		m.begin(purpose{kind: openRoom}, "")
	case "tab":
		return m.nextRoom(1), true
	case "shift+tab":
		return m.nextRoom(-1), true
	case "pgup":
		return m.scrollBy(page), true
	case "pgdown":
		return m.scrollBy(-page), true
	case "ctrl+home":
		return m.scrollBy(1 << 30), true
	case "ctrl+end":
		return m.scrollBy(-1 << 30), true
	case "ctrl+r":
		return m.follow(m.room), true
	default:
		return nil, false
	}
	return nil, true
}

// nextRoom shows the room that is by places further down in the list.
func (m *Model) nextRoom(by int) tea.Cmd {
	rooms := m.roomsByName()
	i := slices.Index(rooms, m.room)
	return m.open(rooms[(i+by+len(rooms))%len(rooms)].name)
}

// scrollBy scrolls up by lines, or down.
func (m *Model) scrollBy(by int) tea.Cmd {
	r := m.room
	most := max(m.lines(r)-m.layout().history, 0)
	r.scroll = min(max(r.scroll+by, 0), most)
	m.read(r)
	return m.fill(r)
}
