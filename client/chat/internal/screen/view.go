package screen

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"chatroom/client/chat/internal/printable"
)

const (
	roomColumns   = 18
	peopleColumns = 20
	// wideEnough is from which width the rooms are beside the history, and veryWide the
	// people, too.
	wideEnough = 70
	veryWide   = 110
)

// layout is how the screen is divided. A width includes the line on its side.
type layout struct {
	rooms, people int // columns, 0 if they are not shown
	width         int // of the history
	history       int // lines of the history
	input         int // lines of the input
}

func (m *Model) layout() layout {
	l := layout{width: m.width, input: m.input.Height()}
	if m.width >= wideEnough {
		l.rooms = roomColumns + 1
	}
	if m.width >= veryWide {
		l.people = peopleColumns + 1
	}
	l.width -= l.rooms + l.people
	l.history = max(m.height-2-l.input, 1)
	return l
}

// arrange fits the input to the width.
func (m *Model) arrange() {
	if m.input.Width() != m.width-2 {
		m.input.SetWidth(m.width)
	}
	m.input.MaxHeight = max(min(5, m.height-4), 1)
	m.input.Placeholder = "Message #" + m.room.name
	if m.width >= 40 {
		m.input.Placeholder += "   (? for help)"
	}
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	l := m.layout()
	lines := append([]string{m.header()}, m.body3(l)...)
	lines = append(lines, m.bar(m.statusLine()))
	input := strings.Split(m.input.View(), "\n")
	lines = append(lines, input[:min(len(input), l.input)]...)
	if len(lines) > m.height { // of a terminal that is hardly one
		lines = lines[len(lines)-m.height:]
	}
	v := tea.NewView(strings.Join(lines, "\n"))
	v.AltScreen, v.ReportFocus = true, true
	v.WindowTitle = m.title()
	if c := m.input.Cursor(); c != nil && m.selected == nil && m.panel == noPanel {
		c.Y += len(lines) - l.input
		v.Cursor = c
	}
	return v
}

func (m *Model) title() string {
	unseen := 0
	for _, r := range m.rooms {
		unseen += r.unseen()
	}
	if unseen > 0 {
		return fmt.Sprintf("(%d) #%s", unseen, m.room.name)
	}
	return "#" + m.room.name
}

// cut cuts a text to a width.
func (m *Model) cut(s string, width int) string {
	return m.widths.Truncate(s, max(width, 0), "…")
}

// pad cuts or fills a line to a width.
func (m *Model) pad(s string, width int) string {
	s = m.cut(s, width)
	return s + strings.Repeat(" ", max(width-m.widths.StringWidth(s), 0))
}

func (m *Model) bar(text string) string {
	return lipgloss.NewStyle().Reverse(true).Render(m.pad(" "+text, m.width))
}

// header has the room at the left, and the state of the connection at the right.
func (m *Model) header() string {
	words, _ := m.status()
	right := " " + words + " "
	if m.room.joined {
		right = fmt.Sprintf(" %s · %s ", words, count(uint64(m.room.members), "person", "people"))
	}
	left := " #" + m.room.name
	if others := m.unseenElsewhere(); others > 0 && m.layout().rooms == 0 {
		left += fmt.Sprintf(" (+%d)", others)
	}
	if m.room.topic != "" {
		left += " · " + printable.Line(m.room.topic)
	}
	right = m.cut(right, m.width)
	left = m.pad(left, m.width-m.widths.StringWidth(right))
	return lipgloss.NewStyle().Reverse(true).Render(left + right)
}

func (m *Model) unseenElsewhere() int {
	n := 0
	for _, r := range m.rooms {
		if r != m.room {
			n += r.unseen()
		}
	}
	return n
}

// body3 returns the lines between the header and the bar: up to three columns.
func (m *Model) body3(l layout) []string {
	var middle []string
	switch m.panel {
	case helpPanel:
		middle = m.help(l)
	case peoplePanel:
		middle = m.peopleLines(l.history, l.width)
	default:
		middle = m.window(m.room, l.history)
		if m.room.scroll > 0 && m.room.unread > 0 {
			middle[len(middle)-1] = " " + bad.Render(m.cut("↓ "+count(uint64(m.room.unread), "new message", "new messages")+" · Ctrl+End shows them", l.width-1))
		}
	}
	rooms := m.roomLines(l.history)
	people := m.peopleLines(l.history, l.people-1)
	lines := make([]string, l.history)
	for i := range lines {
		if lines[i] = ""; i < len(middle) {
			lines[i] = middle[i]
		}
		lines[i] = m.pad(lines[i], l.width)
		if l.rooms > 0 {
			lines[i] = m.pad(at(rooms, i), l.rooms-1) + faint.Render("│") + lines[i]
		}
		if l.people > 0 {
			lines[i] += faint.Render("│") + m.pad(at(people, i), l.people-1)
		}
	}
	return lines
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// roomLines returns the list of rooms, with the one that is shown in it.
func (m *Model) roomLines(height int) []string {
	var lines []string
	current := 0
	for i, r := range m.roomsByName() {
		line := "  " + r.name
		unread := ""
		if n := r.unseen(); n > 0 {
			unread = fmt.Sprintf(" %d", min(n, 999))
		}
		if len(r.sends) > 0 && r != m.room {
			unread = " unsent" + unread
		}
		line = m.pad(line, roomColumns-len(unread)-1) + unread
		switch {
		case r == m.room:
			current = i
			line = strong.Render("▸" + line[1:])
		case unread != "":
			line = strong.Render(line)
		}
		lines = append(lines, line)
	}
	return lines[max(min(current-height/2, len(lines)-height), 0):]
}

// peopleLines returns the list of people in the room.
func (m *Model) peopleLines(height, width int) []string {
	people := m.room.peopleByName()
	lines := []string{strong.Render(m.cut(" "+count(uint64(m.room.members), "person", "people"), width))}
	for _, p := range people {
		line := "  " + m.name(p)
		if _, typing := m.room.typing[p.GetId()]; typing {
			line += " …"
		}
		if p.GetId() == m.room.me.GetId() {
			line += " (you)"
		}
		lines = append(lines, m.cut(line, width))
	}
	if others := int(m.room.members) - len(people); others > 0 && m.room.joined {
		lines = append(lines, faint.Render(m.cut("  "+count(uint64(others), "without a name", "without a name"), width)))
	}
	if hidden := len(lines) - height; hidden > 0 {
		lines = append(lines[:height-1:height-1], faint.Render(m.cut(fmt.Sprintf("  and %d more", hidden+1), width)))
	}
	return lines
}

// help returns what the keys do.
func (m *Model) help(l layout) []string {
	lines := []string{
		strong.Render(" Keys") + " (any key goes back)",
		"  Enter  send · Alt+Enter  new line",
		"  ↑ ↓    select a message; then",
		"    r reply · e edit · d delete",
		"    y copy · Space whole text",
		"    + or 1…6  react: " + strings.Join(emojis, " "),
		"  PgUp PgDn  scroll · Ctrl+End  newest",
		"  Tab    next room · Ctrl+O  open one",
		"  Ctrl+T people · Ctrl+R  try again",
		"  Ctrl+C leave",
		"",
		" (!)  a name that resembles another one, or may mislead",
		" [👍] a reaction of yours",
		"",
		" " + printable.Line(m.config.Server) + " as " + m.name(m.room.me),
	}
	for i := range lines {
		lines[i] = m.cut(lines[i], l.width)
	}
	return lines
}
