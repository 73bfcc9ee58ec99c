// Package screen is chat on the full screen of a terminal, as a model of Bubble Tea: Update
// takes keys, what a feed yields and answers of the service, and View returns what is to be
// seen. It does no input and output of its own, and starts no goroutine.
package screen

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"chatroom/client"
	"chatroom/client/chat/internal/failure"
	"chatroom/client/chat/internal/timeline"
)

// Config configures a Model. All fields are required.
type Config struct {
	Service Service
	Room    string
	Server  string           // as it is shown
	Now     func() time.Time // in the location of the user
	NewID   func() string    // for sends
	Tick    tea.Cmd          // waits a second and returns a Tick
}

// Model is the state of the screen.
type Model struct {
	config        Config
	now           time.Time
	width, height int
	widths        ansi.Method // how the terminal counts the columns of a character
	focused       bool        // the terminal has the focus

	conn  connection
	rooms map[string]*room
	room  *room // the one that is shown

	input    textarea.Model
	purpose  purpose
	selected *timeline.Entry // nil if none is
	deleting bool            // the deletion of the selected message is to be confirmed
	expanded map[*timeline.Entry]bool
	panel    panel
	note     string // of what the user did last
	leaving  bool   // the user was asked whether to leave
	typed    time.Time

	cache map[*timeline.Entry]cached
}

// panel is what is shown in place of the history.
type panel int

const (
	noPanel panel = iota
	helpPanel
	peoplePanel
)

// New returns a model.
func New(c Config) *Model {
	m := &Model{
		config: c, now: c.Now(), focused: true, width: 80, height: 24, rooms: make(map[string]*room),
		expanded: make(map[*timeline.Entry]bool), cache: make(map[*timeline.Entry]cached), input: newInput(),
	}
	m.room = m.roomOf(c.Room)
	m.room.followed = true
	m.arrange()
	return m
}

func newInput() textarea.Model {
	input := textarea.New()
	input.Prompt, input.ShowLineNumbers, input.CharLimit = "> ", false, 4000
	input.DynamicHeight, input.MinHeight, input.MaxHeight = true, 1, 5
	input.MaxContentHeight = 4000
	input.SetPromptFunc(2, func(p textarea.PromptInfo) string {
		if p.LineNumber == 0 {
			return "> "
		}
		return "  "
	})
	plain := textarea.StyleState{Placeholder: lipgloss.NewStyle().Faint(true)}
	input.SetStyles(textarea.Styles{Focused: plain, Blurred: plain})
	input.SetVirtualCursor(false)
	input.Focus()
	return input
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd { return m.config.Tick }

// roomOf returns a room, which is created if it is not known.
func (m *Model) roomOf(name string) *room {
	r := m.rooms[name]
	if r == nil {
		r = newRoom(name)
		m.rooms[name] = r
	}
	return r
}

// roomsByName returns the rooms in the order in which they are shown.
func (m *Model) roomsByName() []*room {
	list := make([]*room, 0, len(m.rooms))
	for _, r := range m.rooms {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *room) int { return cmp.Compare(a.name, b.name) })
	return list
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.now = m.config.Now()
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = max(msg.Width, 1), max(msg.Height, 1)
		cmd = m.fill(m.room)
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeUnicodeCore && (msg.Value == ansi.ModeReset || msg.Value == ansi.ModeSet || msg.Value == ansi.ModePermanentlySet) {
			m.widths = ansi.GraphemeWidth
			clear(m.cache)
		}
	case tea.FocusMsg:
		m.focused = true
		m.read(m.room)
	case tea.BlurMsg:
		m.focused = false
		m.room.newFrom = 0
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	case tea.PasteMsg:
		cmd = m.edit(msg)
	case Tick:
		m.tick()
		cmd = m.config.Tick
	case Feed:
		cmd = m.feed(msg)
	default:
		cmd = m.result(msg)
	}
	m.arrange()
	return m, cmd
}

// result takes the result of a command.
func (m *Model) result(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case answered:
		m.answer(m.roomOf(msg.room), msg)
	case olderPage:
		return m.older(m.roomOf(msg.room), msg)
	case newestPage:
		return m.restore(m.roomOf(msg.room), msg)
	case memberList:
		if r := m.roomOf(msg.room); msg.err == nil {
			clear(r.people)
			for _, p := range msg.members {
				r.people[p.GetId()] = p
			}
		}
	case roomList:
		if msg.err != nil {
			m.note = m.reason("The list of rooms can't be loaded: ", msg.err)
			break
		}
		for _, info := range msg.rooms {
			m.summary(m.roomOf(info.GetName()), info.GetHead(), info.GetMessages())
		}
	default:
		return m.edit(msg)
	}
	return nil
}

// feed takes what the feed has yielded.
func (m *Model) feed(f Feed) tea.Cmd {
	if f.Err != nil {
		m.ended(f.Err)
		return nil
	}
	switch u := f.Update.(type) {
	case client.Connected:
		m.conn = connection{state: connected}
		for _, r := range m.rooms {
			r.joined = false
		}
	case client.Disconnected:
		m.conn.lost(u, m.now)
		for _, r := range m.rooms {
			r.joined, r.caughtUp = false, false
		}
	case client.Joined:
		return m.joinedRoom(m.roomOf(u.State.GetRoom()), u)
	case client.CaughtUp:
		r := m.roomOf(u.Room)
		r.caughtUp, r.loaded = true, true
		if r.head == 0 {
			r.line.Complete = true
		}
		return m.fill(r)
	case client.Reset:
		return m.reset(m.roomOf(u.Room), u)
	case client.Event:
		m.event(m.roomOf(u.GetRoom()), u)
	case client.RightsChanged:
		m.rights(m.roomOf(u.GetRoom()), u.GetRights(), u.GetMuted())
	case client.RoomsChanged:
		return m.roomsChanged(u)
	}
	return nil
}

func (m *Model) roomsChanged(u client.RoomsChanged) tea.Cmd {
	for _, s := range u.GetRooms() {
		m.summary(m.roomOf(s.GetName()), s.GetHead(), s.GetMessages())
	}
	for _, name := range u.GetRemoved() {
		if r := m.rooms[name]; r != nil && !r.followed {
			delete(m.rooms, name)
		}
	}
	if !u.GetIncomplete() {
		return nil
	}
	return func() tea.Msg {
		rooms, err := m.config.Service.Rooms()
		return roomList{rooms, err}
	}
}

// ended takes the end of the feed, or of one room in it.
func (m *Model) ended(err error) {
	if refusal, ok := errors.AsType[*client.RoomError](err); ok {
		r := m.roomOf(refusal.Room)
		r.refused, r.joined, r.followed = refusal.Err, false, false
		return
	}
	m.conn = connection{state: refused, reason: failure.Text(err, m.now)}
}

func (m *Model) tick() {
	for _, r := range m.rooms {
		for id, t := range r.typing {
			if m.now.After(t.until) {
				delete(r.typing, id)
			}
		}
	}
}

// read notes that the newest messages of a room are shown.
func (m *Model) read(r *room) {
	if r.scroll == 0 && m.focused {
		r.unread, r.firstUnread = 0, 0
		r.seenMessages = r.messages
	}
}

// reason returns a note of why something has failed.
func (m *Model) reason(prefix string, err error) string { return prefix + failure.Text(err, m.now) }

// open shows a room.
func (m *Model) open(name string) tea.Cmd {
	r := m.roomOf(name)
	if r == m.room && r.followed {
		return nil
	}
	m.cancel()
	m.room.draft, m.room.newFrom = m.input.Value(), 0
	m.room = r
	m.input.SetValue(r.draft)
	m.note = ""
	r.newFrom = r.firstUnread
	m.showNew(r)
	m.read(r)
	if r.followed {
		return m.fill(r)
	}
	return m.follow(r)
}

// follow makes the feed include a room.
func (m *Model) follow(r *room) tea.Cmd {
	r.refused = nil
	if err := m.config.Service.Follow(r.name); err != nil {
		r.refused = err
		return nil
	}
	r.followed = true
	if m.conn.state == refused {
		m.conn = connection{state: connecting}
	}
	return nil
}

// Unsent returns the texts that were typed and not sent, and those of sends that have
// failed, of all rooms.
func (m *Model) Unsent() []string {
	m.cancel()
	m.room.draft = m.input.Value()
	var texts []string
	for _, r := range m.roomsByName() {
		for _, e := range r.line.Entries() {
			if e.State == timeline.Failed {
				texts = append(texts, e.Text)
			}
		}
		if strings.TrimSpace(r.draft) != "" {
			texts = append(texts, r.draft)
		}
	}
	return texts
}
