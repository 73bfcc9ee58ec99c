package screen

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"chatroom/client/chat/internal/failure"
	"chatroom/client/chat/internal/printable"
	"chatroom/client/chat/internal/timeline"
	chatv1 "chatroom/gen/chat/v1"
)

const (
	indent = "      " // as wide as a time and a space
	// longText is how many lines of a text are shown before those that a key shows.
	longText = 12
	// nameColumns bounds a name beside its text.
	nameColumns = 24
)

var (
	faint  = lipgloss.NewStyle().Faint(true)
	strong = lipgloss.NewStyle().Bold(true)
	bad    = lipgloss.NewStyle().Foreground(lipgloss.Red)
	// nameStyles tell senders apart.
	nameStyles = []lipgloss.Style{
		strong.Foreground(lipgloss.Cyan), strong.Foreground(lipgloss.Green), strong.Foreground(lipgloss.Yellow),
		strong.Foreground(lipgloss.Blue), strong.Foreground(lipgloss.Magenta),
	}
)

// cached is an entry as lines.
type cached struct {
	version, width int
	quoted         int // the version of the message that it replies to, -1 if that is not loaded
	lines          []string
}

// rows returns the lines of an entry, with those above it that depend on the one before.
func (m *Model) rows(r *room, e, before *timeline.Entry) []string {
	width := m.layout().width
	var above []string
	if e.Kind != timeline.Gap && (before == nil || before.Kind == timeline.Gap || !m.sameDay(e, before)) {
		above = append(above, " "+m.rule(e.Time.In(m.now.Location()).Format("Monday, 2 January 2006"), width-1))
	}
	if r.newFrom != 0 && e.Sequence == r.newFrom {
		above = append(above, " "+bad.Render(m.rule("new", width-1)))
	}
	body := m.body(r, e, width-1)
	if len(above) == 0 && e != m.selected {
		return body
	}
	if e != m.selected {
		return append(above, body...)
	}
	for _, line := range body {
		above = append(above, strong.Render("▌")+line[1:])
	}
	return above
}

func (m *Model) sameDay(a, b *timeline.Entry) bool {
	const day = "2006-01-02"
	return a.Time.In(m.now.Location()).Format(day) == b.Time.In(m.now.Location()).Format(day)
}

// rule is a line with a word in it.
func (m *Model) rule(word string, width int) string {
	word = "── " + word + " "
	return faint.Render(m.cut(word+strings.Repeat("─", max(width-m.widths.StringWidth(word), 0)), width))
}

// body returns the lines of an entry, each after a column for the selection.
func (m *Model) body(r *room, e *timeline.Entry, width int) []string {
	quoted := -1
	if target := r.line.Find(e.ReplyTo); e.ReplyTo > 0 && target != nil {
		quoted = target.Version
	}
	if c, ok := m.cache[e]; ok && c.version == e.Version && c.width == width && c.quoted == quoted {
		return c.lines
	}
	var lines []string
	switch e.Kind {
	case timeline.Gap:
		lines = []string{m.rule(e.Text, width)}
	case timeline.Custom:
		lines = []string{faint.Render(m.cut(m.clock(e)+" "+m.name(e.Sender)+" sends "+printable.Line(e.Text), width))}
	default:
		lines = m.message(r, e, width)
	}
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	m.cache[e] = cached{e.Version, width, quoted, lines}
	return lines
}

func (m *Model) clock(e *timeline.Entry) string {
	return e.Time.In(m.now.Location()).Format("15:04")
}

// name returns the name of a member, with a mark if it may mislead.
func (m *Model) name(p *chatv1.Member) string {
	name := m.cut(printable.Line(p.GetName()), nameColumns)
	if p.GetNameMark() != chatv1.NameMark_NAME_MARK_UNSPECIFIED {
		name += " (!)"
	}
	return name
}

func (m *Model) message(r *room, e *timeline.Entry, width int) []string {
	inner := max(width-len(indent), 1)
	name := m.name(e.Sender)
	if e.State == timeline.Deleted {
		return []string{faint.Render(m.cut(m.clock(e)+" "+name+": message deleted", width))}
	}
	text := printable.Text(e.Text)
	if e.Edited {
		text += " (edited)"
	}
	if e.State == timeline.Sending {
		text += " (sending)"
	}
	lines := m.wrap(name+": "+text, inner)
	if hidden := len(lines) - longText; hidden > 1 && !m.expanded[e] {
		lines = append(lines[:longText:longText], faint.Render(m.cut(count(uint64(hidden), "more line", "more lines")+": ↑ selects, Space shows all", inner)))
	}
	if rest, ok := strings.CutPrefix(lines[0], name+":"); ok {
		lines[0] = nameStyle(e.Sender).Render(name) + ":" + rest
	}
	for i := range lines {
		head := indent
		if i == 0 {
			head = faint.Render(m.clock(e)) + " "
		}
		lines[i] = head + lines[i]
	}
	if e.ReplyTo > 0 {
		lines = append([]string{faint.Render(m.cut(indent+"┌ "+m.quote(r, e.ReplyTo), width))}, lines...)
	}
	if len(e.Reactions) > 0 {
		lines = append(lines, m.cut(indent+reactions(e, r.me.GetId()), width))
	}
	if e.State == timeline.Failed {
		reason := "not sent: " + failure.Text(e.Err, m.now) + " · ↑ selects, Enter sends again"
		for _, line := range m.wrap(reason, inner) {
			lines = append(lines, indent+bad.Render(line))
		}
	}
	return lines
}

// quote returns a message in a line.
func (m *Model) quote(r *room, sequence uint64) string {
	e := r.line.Find(sequence)
	switch {
	case e == nil:
		return "an older message"
	case e.State == timeline.Deleted:
		return "a deleted message"
	}
	return m.name(e.Sender) + ": " + printable.Line(e.Text)
}

func reactions(e *timeline.Entry, me string) string {
	var parts []string
	for _, r := range e.Reactions {
		part := fmt.Sprintf("%s %d", printable.Line(r.Emoji), len(r.Members))
		if e.Has(r.Emoji, me) {
			part = "[" + part + "]"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "  ")
}

func nameStyle(p *chatv1.Member) lipgloss.Style {
	hash := uint32(0)
	for _, c := range []byte(p.GetId() + p.GetName()) {
		hash = hash*31 + uint32(c)
	}
	return nameStyles[hash%uint32(len(nameStyles))]
}

// top is the line above the oldest entry.
func (m *Model) top(r *room) string {
	text := ""
	entries := r.line.Entries()
	switch {
	case !r.loaded || len(entries) > 0 && entries[0].Kind == timeline.Gap:
	case r.loading:
		text = "Older messages are loading."
	case !r.line.Complete:
		text = "PgUp loads older messages."
	case len(entries) == 0:
		text = "No messages yet."
	case r.oldest == 1:
		text = "This is where #" + r.name + " begins."
	default:
		text = "Nothing older is kept."
	}
	return " " + faint.Render(m.cut(text, m.layout().width-1))
}

// lines returns how many lines the history of a room has.
func (m *Model) lines(r *room) int {
	n := 1
	var before *timeline.Entry
	for _, e := range r.line.Entries() {
		n += len(m.rows(r, e, before))
		before = e
	}
	return n
}

// window returns the lines of the history that are in the view, from its end upwards.
func (m *Model) window(r *room, height int) []string {
	entries := r.line.Entries()
	var reversed []string
	for i := len(entries) - 1; i >= 0 && len(reversed) < r.scroll+height; i-- {
		rows := m.rows(r, entries[i], entryBefore(entries, i))
		for _, row := range slices.Backward(rows) {
			reversed = append(reversed, row)
		}
	}
	if len(reversed) < r.scroll+height {
		reversed = append(reversed, m.top(r))
	}
	first := min(r.scroll, max(len(reversed)-height, 0))
	reversed = reversed[first:min(first+height, len(reversed))]
	view := make([]string, height)
	for i, line := range reversed {
		view[height-1-i] = line
	}
	return view
}

func entryBefore(entries []*timeline.Entry, i int) *timeline.Entry {
	if i == 0 {
		return nil
	}
	return entries[i-1]
}

// reveal scrolls so that an entry is in the view.
func (m *Model) reveal(r *room, e *timeline.Entry) {
	entries := r.line.Entries()
	below := 0
	for i, known := range slices.Backward(entries) {
		n := len(m.rows(r, known, entryBefore(entries, i)))
		if known == e {
			height := m.layout().history
			if r.scroll > below {
				r.scroll = below
			}
			if below+n-r.scroll > height {
				r.scroll = below + min(n, height) - height
			}
			r.scroll = max(r.scroll, 0)
			return
		}
		below += n
	}
}

// showNew scrolls so that the line "new" is in the view.
func (m *Model) showNew(r *room) {
	r.scroll = 0
	if r.newFrom == 0 {
		return
	}
	if e := r.line.Find(r.newFrom); e != nil {
		m.reveal(r, e)
	}
}
