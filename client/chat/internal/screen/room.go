package screen

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"chatroom/client"
	"chatroom/client/chat/internal/failure"
	"chatroom/client/chat/internal/printable"
	"chatroom/client/chat/internal/timeline"
	chatv1 "chatroom/gen/chat/v1"
)

const (
	// maxEntries is how many entries of a room are kept while its newest ones are shown.
	maxEntries = 5000
	// typingFor is how long a Typing is valid.
	typingFor = 6 * time.Second
)

// room is what is known of a room.
type room struct {
	name, topic string
	line        timeline.Timeline
	epoch       string
	head        uint64 // of the newest event seen
	oldest      uint64 // the sequence of the oldest event that was loaded, 0 for none

	followed bool
	joined   bool // on the current stream
	caughtUp bool
	loaded   bool  // caught up once
	refused  error // the server does not let the caller follow it

	me      *chatv1.Member // the caller as others see it here
	silent  string         // why the caller may not write here, empty if it may
	people  map[string]*chatv1.Member
	members uint32
	typing  map[string]typist

	loading bool // an older page
	scroll  int  // lines below the view

	unread      int
	firstUnread uint64
	newFrom     uint64 // the line "new" is above this message, 0 for none

	listed                 bool
	messages, seenMessages uint64          // ever stored, of a room that is not followed
	counted                messageCount    // up to head
	gap                    *timeline.Entry // whose size is to be found out
	beforeGap              messageCount

	draft string
	sends map[string]*chatv1.SendRequest // those that have failed or wait, by id
}

// messageCount is how many messages were ever stored in a room, if that is known.
type messageCount struct {
	n     uint64
	known bool
}

type typist struct {
	name  string
	until time.Time
}

func newRoom(name string) *room {
	return &room{name: name, people: make(map[string]*chatv1.Member), typing: make(map[string]typist), sends: make(map[string]*chatv1.SendRequest)}
}

// unseen is how many messages are to be read.
func (r *room) unseen() int {
	if r.followed {
		return r.unread
	}
	return int(r.messages - min(r.seenMessages, r.messages))
}

// isOwn reports whether the caller is the sender of an event.
func (r *room) isOwn(e *chatv1.Event) bool { return e.GetSender().GetId() == r.me.GetId() }

// reached notes the sequence of an event that was loaded.
func (r *room) reached(sequence uint64) {
	if sequence > 0 && (r.oldest == 0 || sequence < r.oldest) {
		r.oldest = sequence
	}
}

// event takes an event of the feed.
func (m *Model) event(r *room, e client.Event) {
	r.epoch = e.Epoch
	r.head = max(r.head, e.GetSequence())
	m.ephemeral(r, e.Event)
	before := 0
	if r.scroll > 0 {
		before = m.lines(r)
	}
	r.reached(e.GetSequence())
	entry := r.line.Add(e.Event, r.isOwn(e.Event))
	if e.GetMessage() != nil {
		r.counted.n++
		delete(r.typing, e.GetSender().GetId())
	}
	m.countUnread(r, e.Event, entry)
	if r.scroll > 0 {
		r.scroll += max(m.lines(r)-before, 0) // what is shown stays
	} else if m.selected == nil && r.line.Trim(maxEntries) {
		r.oldest = r.line.Oldest()
	}
}

// countUnread counts a message of another member that is not shown yet.
func (m *Model) countUnread(r *room, e *chatv1.Event, entry *timeline.Entry) {
	watched := r == m.room && r.scroll == 0 && m.focused
	if entry == nil || entry.Kind != timeline.Message || r.isOwn(e) || watched || !r.loaded {
		return
	}
	if r.unread++; r.unread > 1 {
		return
	}
	r.firstUnread = entry.Sequence
	if r == m.room && r.newFrom == 0 {
		r.newFrom = entry.Sequence
	}
}

// ephemeral takes what an event tells of people and of the room.
func (m *Model) ephemeral(r *room, e *chatv1.Event) {
	sender := e.GetSender()
	switch {
	case e.GetMemberJoined() != nil:
		r.members = e.GetMemberJoined().GetMembers()
		r.people[sender.GetId()] = sender
	case e.GetMemberLeft() != nil:
		r.members = e.GetMemberLeft().GetMembers()
		delete(r.people, sender.GetId())
		delete(r.typing, sender.GetId())
	case e.GetMemberRenamed() != nil:
		r.people[sender.GetId()] = sender
	case e.GetMemberCount() != nil:
		r.members = e.GetMemberCount().GetMembers()
	case e.GetRoomChanged() != nil:
		r.topic = cmp.Or(e.GetRoomChanged().GetTopic(), e.GetRoomChanged().GetDisplayName())
	case e.GetTyping() != nil && !r.isOwn(e):
		if e.GetTyping().GetStopped() {
			delete(r.typing, sender.GetId())
		} else {
			r.typing[sender.GetId()] = typist{sender.GetName(), m.now.Add(typingFor)}
		}
	}
}

// joinedRoom takes the state of a room at the beginning of a stream.
func (m *Model) joinedRoom(r *room, u client.Joined) tea.Cmd {
	r.joined, r.caughtUp, r.refused = true, false, nil
	r.me, r.epoch, r.members = u.Member, u.State.GetEpoch(), u.State.GetMembers()
	r.topic = cmp.Or(u.State.GetTopic(), u.State.GetDisplayName())
	m.rights(r, u.State.GetRights(), u.State.GetMuted())
	clear(r.typing)
	return func() tea.Msg {
		members, err := m.config.Service.Members(r.name)
		return memberList{r.name, members, err}
	}
}

// rights takes what the caller may do in a room. None are given by a server of an earlier
// version: what the caller may do is then not known.
func (m *Model) rights(r *room, rights []chatv1.Right, muted *chatv1.Muted) {
	switch r.silent = ""; {
	case muted != nil:
		r.silent = "You are muted here"
		if muted.GetUntil() != nil {
			r.silent += " until " + failure.Moment(muted.GetUntil().AsTime(), m.now)
		}
		if muted.GetReason() != "" {
			r.silent += ": " + printable.Line(muted.GetReason())
		}
	case len(rights) > 0 && !slices.Contains(rights, chatv1.Right_RIGHT_POST):
		r.silent = "You may read here, and not write."
	}
}

// reset takes that events can't be delivered: what is shown is replaced by what is kept.
func (m *Model) reset(r *room, u client.Reset) tea.Cmd {
	text := "Messages before this are no longer kept."
	if r.epoch != "" && u.Epoch != r.epoch {
		text = "The log of this room was lost. What it has now follows."
		r.counted = messageCount{}
	}
	r.beforeGap, r.counted = r.counted, messageCount{}
	r.gap = r.line.Reset(text)
	r.epoch, r.head, r.oldest, r.scroll, r.loading = u.Epoch, u.Head, u.Head+1, 0, true
	r.unread, r.newFrom = 0, 0
	return func() tea.Msg {
		page, info, err := m.config.Service.Newest(r.name)
		return newestPage{r.name, page, info, err}
	}
}

// restore takes the newest page after a reset, and says how much is gone.
func (m *Model) restore(r *room, p newestPage) tea.Cmd {
	r.loading = false
	if p.err != nil {
		m.note = m.reason("The history can't be loaded: ", p.err)
		return nil
	}
	kept := uint64(0)
	for _, e := range p.page.Events {
		r.reached(e.GetSequence())
		r.line.Add(e.Event, r.isOwn(e.Event))
		if e.GetMessage() != nil && e.GetSequence() <= p.info.GetHead() {
			kept++
		}
	}
	r.line.Complete = !p.page.More
	stored := p.info.GetMessages()
	if gap := r.gap; gap != nil && r.beforeGap.known && !p.page.More && stored > r.beforeGap.n+kept {
		gap.Text = count(stored-r.beforeGap.n-kept, "message is no longer kept.", "messages are no longer kept.")
		gap.Version++
	}
	r.gap = nil
	m.summary(r, p.info.GetHead(), stored)
	return m.fill(r)
}

// count returns a number with its noun.
func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// summary takes how many messages were ever stored up to a sequence.
func (m *Model) summary(r *room, head, messages uint64) {
	if !r.listed || r == m.room {
		r.seenMessages = messages
	}
	r.listed, r.messages = true, messages
	if head > r.head || head+1 < r.oldest {
		return // what came in between is not known
	}
	for _, e := range r.line.Entries() {
		if e.Kind == timeline.Message && e.Sequence > head {
			messages++
		}
	}
	r.counted = messageCount{messages, true}
}

// older takes an older page.
func (m *Model) older(r *room, p olderPage) tea.Cmd {
	r.loading = false
	if p.err != nil {
		m.note = m.reason("Older messages can't be loaded: ", p.err)
		return nil
	}
	for _, e := range p.page.Events {
		r.reached(e.GetSequence())
		r.line.Add(e.Event, r.isOwn(e.Event))
	}
	r.line.Complete = !p.page.More
	return m.fill(r)
}

// fill loads an older page if there are fewer lines than one and a half screens above
// the end of the view.
func (m *Model) fill(r *room) tea.Cmd {
	if r.oldest == 1 {
		r.line.Complete = true // sequences begin with 1
	}
	if r.loading || r.line.Complete || !r.loaded || r.oldest == 0 {
		return nil
	}
	if height := m.layout().history; m.lines(r)-r.scroll > height+height/2 {
		return nil
	}
	r.loading = true
	before := client.Cursor{Epoch: r.epoch, Sequence: r.oldest}
	return func() tea.Msg {
		page, err := m.config.Service.Older(r.name, before)
		return olderPage{r.name, page, err}
	}
}

// peopleByName returns those with a token that are in the room.
func (r *room) peopleByName() []*chatv1.Member {
	people := make([]*chatv1.Member, 0, len(r.people))
	for _, p := range r.people {
		people = append(people, p)
	}
	slices.SortFunc(people, func(a, b *chatv1.Member) int {
		return cmp.Or(cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetId(), b.GetId()))
	})
	return people
}
