package kit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "chatroom/gen/chat/v1"
)

// entry is what the application of a client should see in a room: an event, or a reset.
type entry struct {
	event    *chatv1.Event // nil for a reset
	optional bool          // the application may also not see it
}

func (e *entry) String() string {
	if e.event == nil {
		return "a reset"
	}
	return fmt.Sprintf("event %d", e.event.GetSequence())
}

// room is a room of the scripted server. The monitor guards it.
type room struct {
	name    string
	epochs  int             // the number of the epoch
	log     []*chatv1.Event // the retained events
	head    uint64
	trimmed uint64   // the newest event that is not retained any more
	entries []*entry // all that was ever in the log, and resets
	joined  bool     // since the epoch began: later events must reach the application
}

func newRoom(name string) *room { return &room{name: name, epochs: 1} }

func (r *room) epoch() string { return fmt.Sprintf("epoch-%d", r.epochs) }

// append adds an event to the log. Its sequence is that of the one before plus 1, 2 or 3:
// clients must not count.
func (r *room) append(e *chatv1.Event, at time.Time, optional bool) *chatv1.Event {
	e.Room = r.name
	e.Previous = 0
	if n := len(r.log); n > 0 {
		e.Previous = r.log[n-1].GetSequence()
	}
	r.head += 1 + uint64(len(r.entries)%3)
	e.Sequence = r.head
	e.Time = timestamppb.New(at)
	if e.GetSender() == nil {
		e.Sender = &chatv1.Member{Id: "kit", Name: "Kit", Guest: true}
	}
	if e.GetId() == "" {
		e.Id = fmt.Sprintf("%s-%d", r.epoch(), e.GetSequence())
	}
	r.log = append(r.log, e)
	r.entries = append(r.entries, &entry{event: e, optional: optional || !r.joined})
	return e
}

// message returns a message whose text no other event has.
func (r *room) message(size int) *chatv1.Event {
	text := fmt.Sprintf("%s, %s, event %d", r.name, r.epoch(), len(r.entries))
	if n := size - len(text); n > 0 {
		text += " " + strings.Repeat("x", n)
	}
	return &chatv1.Event{Body: &chatv1.Event_Message{Message: &chatv1.Message{Text: text}}}
}

// lose replaces the log by an empty one of another epoch, as after a disaster.
func (r *room) lose() {
	r.epochs++
	r.log, r.head, r.trimmed = nil, 0, 0
	r.resets()
}

// trim forgets all events but the newest.
func (r *room) trim(keep int) {
	gone := r.log[:len(r.log)-keep]
	r.log = r.log[len(gone):]
	r.trimmed = gone[len(gone)-1].GetSequence()
	r.resets()
}

// resets notes that a client with a cursor must be told that events are missing.
func (r *room) resets() {
	r.entries = append(r.entries, &entry{optional: !r.joined})
	r.joined = false
}

// after returns the retained events after a sequence.
func (r *room) after(sequence uint64) []*chatv1.Event {
	i := slices.IndexFunc(r.log, func(e *chatv1.Event) bool { return e.GetSequence() > sequence })
	if i < 0 {
		return nil
	}
	return r.log[i:]
}

func (r *room) oldest() uint64 {
	if len(r.log) == 0 {
		return 0
	}
	return r.log[0].GetSequence()
}

func (r *room) state() *chatv1.RoomState {
	return &chatv1.RoomState{Room: r.name, Epoch: r.epoch(), Head: r.head, Members: 1}
}

// begin returns the frames after Joined with which a subscription begins. From repeat on,
// it begins that many events too early.
func (r *room) begin(start *chatv1.Subscription, repeat int) []*chatv1.Frame {
	var frames []*chatv1.Frame
	var events []*chatv1.Event
	switch from := start.GetStart().(type) {
	case *chatv1.Subscription_After:
		cursor := from.After
		if cursor.GetEpoch() != r.epoch() || cursor.GetSequence() > r.head || cursor.GetSequence() < r.trimmed {
			frames = append(frames, &chatv1.Frame{Kind: &chatv1.Frame_Reset_{Reset_: &chatv1.Reset{
				Room: r.name, Epoch: r.epoch(), Oldest: r.oldest(), Head: r.head,
			}}})
			break
		}
		events = r.after(cursor.GetSequence())
		events = r.log[max(0, len(r.log)-len(events)-repeat):]
	case *chatv1.Subscription_Recent:
		events = r.log[max(0, len(r.log)-int(from.Recent)):]
	}
	for _, e := range events {
		frames = append(frames, eventFrame(e))
	}
	r.joined = true
	return append(frames, &chatv1.Frame{Kind: &chatv1.Frame_CaughtUp{CaughtUp: &chatv1.CaughtUp{Room: r.name}}})
}

// page returns a page of the history.
func (r *room) page(request *chatv1.ListEventsRequest) *chatv1.ListEventsResponse {
	limit := int(request.GetLimit())
	if limit == 0 {
		limit = 50
	}
	response := &chatv1.ListEventsResponse{Epoch: r.epoch()}
	switch page := request.GetPage().(type) {
	case *chatv1.ListEventsRequest_After:
		events := r.after(page.After.GetSequence())
		response.Events = events[:min(limit, len(events))]
		response.More = len(events) > limit
	default:
		events := r.log
		if before := request.GetBefore(); before != nil {
			events = r.log[:len(r.log)-len(r.after(max(before.GetSequence(), 1)-1))]
		}
		response.Events = events[max(0, len(events)-limit):]
		response.More = len(events) > limit
	}
	next := &chatv1.Cursor{Epoch: r.epoch(), Sequence: request.GetAfter().GetSequence()}
	if n := len(response.GetEvents()); n > 0 {
		next.Sequence = response.GetEvents()[n-1].GetSequence()
	}
	response.Next = next
	return response
}

func eventFrame(e *chatv1.Event) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Event{Event: e}}
}
