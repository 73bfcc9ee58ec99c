package kit

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// contents are scenarios of what a stream contains.
var contents = []Scenario{
	{
		Name:  "duplicates",
		About: "Events are delivered again, on the same stream and at the beginning of the next. The application sees each once.",
		run:   duplicates,
	},
	{
		Name:  "gap",
		About: "The stream omits an event; previous of the next one says so. The client resumes from the last event before the gap.",
		run:   gap,
	},
	{
		Name:  "reordered",
		About: "The stream has two events in the wrong order. The application sees them in the right one.",
		run:   reordered,
	},
	{
		Name:  "ephemeral",
		About: "Events without a sequence are between the others. They don't move the cursor.",
		run:   ephemeral,
	},
	{
		Name:  "unknown-frames",
		About: "The stream has frames of a kind that does not exist yet, and fields that don't. The client skips them.",
		run:   unknownFrames,
	},
	{
		Name:  "unknown-events",
		About: "The log has events of a kind that does not exist yet. The client skips them, and takes them for seen.",
		run:   unknownEvents,
	},
	{
		Name:  "sequences-64-bit",
		About: "Sequences are greater than 2^53. The application sees the exact ones.",
		run: func(r *run) {
			r.do(func() { r.firstHead = 1 << 53 })
			r.broken(func(st *stream) { r.cut(r.ctx, st) })
		},
	},
	{
		Name:  "reset-epoch",
		About: "The log is lost while the client is away, and another one begins at sequence 1. The application is told, and sees the new events.",
		run: func(r *run) {
			r.reset(func(room *room) { room.lose() })
		},
	},
	{
		Name:  "reset-retention",
		About: "Events after the cursor are no longer kept when the client is back. The application is told.",
		run: func(r *run) {
			r.reset(func(room *room) {
				for range 6 {
					room.append(room.message(0), r.now(), true)
				}
				room.trim(2)
			})
		},
	},
	{
		Name:  "several-rooms",
		About: "The client follows three rooms, by one stream, and resumes each after its own cursor.",
		run:   severalRooms,
	},
	{
		Name:  "join-later",
		About: "The client joins a second room while events come in the first. Nothing is missing in either.",
		run:   joinLater,
	},
}

func duplicates(r *run) {
	r.do(func() { r.repeat = 3 })
	r.connect("lobby")
	events := r.publish("lobby", 5)
	st := r.joined("lobby")
	r.push(st, eventFrame(events[4]), eventFrame(events[1]), eventFrame(events[2]))
	r.publish("lobby", 2)
	r.await()
	r.away(st, func(st *stream) { r.cut(r.ctx, st) })
}

func gap(r *run) {
	r.expected++
	r.connect("lobby")
	r.publish("lobby", 3)
	r.await()
	r.publishUnsent("lobby")
	r.publish("lobby", 2)
	r.await()
}

func reordered(r *run) {
	r.expected++
	r.connect("lobby")
	r.publish("lobby", 3)
	r.await()
	st := r.joined("lobby")
	r.do(func() {
		late := r.room("lobby").append(r.room("lobby").message(0), r.now(), false)
		r.server.publish("lobby", r.room("lobby").message(0), false)
		st.queue = append(st.queue, eventFrame(late))
	})
	r.publish("lobby", 2)
	r.await()
}

func ephemeral(r *run) {
	r.connect("lobby")
	r.publish("lobby", 3)
	r.pushEphemeral()
	r.publish("lobby", 2)
	r.pushEphemeral()
	r.await()
	r.away(r.joined("lobby"), func(st *stream) { r.cut(r.ctx, st) })
}

// pushEphemeral delivers events that are not in the log.
func (r *run) pushEphemeral() {
	member := &chatv1.Member{Id: "kit", Name: "Kit", Guest: true}
	r.push(r.joined("lobby"),
		eventFrame(&chatv1.Event{Room: "lobby", Sender: member, Body: &chatv1.Event_MemberJoined{MemberJoined: &chatv1.MemberJoined{Members: 2}}}),
		eventFrame(&chatv1.Event{Room: "lobby", Sender: member, Body: &chatv1.Event_Typing{Typing: &chatv1.Typing{}}}),
		eventFrame(&chatv1.Event{Room: "lobby", Body: &chatv1.Event_MemberCount{MemberCount: &chatv1.MemberCount{Members: 3, Joined: 1}}}))
}

// unknown is the encoding of a field that does not exist.
func unknown() []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, 1000, protowire.BytesType), []byte("of a later version"))
}

// later adds a field that does not exist to a message.
func later[M proto.Message](m M) M {
	m.ProtoReflect().SetUnknown(unknown())
	return m
}

func unknownFrames(r *run) {
	r.connect("lobby")
	r.publish("lobby", 2)
	st := r.joined("lobby")
	r.push(st, later(&chatv1.Frame{}))
	r.do(func() {
		e := r.room("lobby").message(0)
		e.Sender = later(&chatv1.Member{Id: "kit", Name: "Kit", NameMark: 99})
		r.server.publish("lobby", later(e), false)
	})
	r.push(st, &chatv1.Frame{})
	r.publish("lobby", 2)
	r.await()
	if !r.isOpen(st) {
		r.fail("the client closed a stream on which there was a frame that it does not know")
	}
}

func unknownEvents(r *run) {
	r.connect("lobby")
	r.publish("lobby", 2)
	for range 4 {
		r.publishOther("lobby", later(&chatv1.Event{}))
		r.publish("lobby", 1)
	}
	r.await()
	r.away(r.joined("lobby"), func(st *stream) { r.cut(r.ctx, st) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.streams); n > r.expected+2 {
		r.problemLocked("the client takes events that it does not know for missing ones, and resumes again and again")
	}
}

// reset makes the cursor of the client useless while it is away.
func (r *run) reset(lose func(room *room)) {
	r.expected++
	r.connect("lobby")
	r.publish("lobby", 4)
	r.await()
	st := r.joined("lobby")
	r.cut(r.ctx, st)
	r.do(func() { lose(r.room("lobby")) })
	r.joined("lobby")
	r.publish("lobby", 4)
	r.await()
	r.away(r.joined("lobby"), func(st *stream) { r.cut(r.ctx, st) })
}

func severalRooms(r *run) {
	rooms := []string{"lobby", "games", "news"}
	r.expected++
	r.publish("games", 5)
	r.connect(rooms...)
	for i := range 12 {
		r.publish(rooms[i%3], 1+i%2)
	}
	r.await()
	st := r.joined("news")
	r.cut(r.ctx, st)
	r.publish("games", 7)
	r.publish("news", 1)
	r.publish("lobby", 3)
	for _, room := range rooms {
		r.joined(room)
	}
	r.publish("news", 2)
	r.await()
}

func joinLater(r *run) {
	r.expected++
	r.publish("games", 3)
	r.connect("lobby")
	r.publish("lobby", 3)
	r.await()
	r.do(func() {
		// A client that ends its stream and opens another one has none for a moment.
		r.server.onStream = func(context.Context, *stream) error {
			r.publish("lobby", 1)
			return nil
		}
	})
	r.join("games")
	for range 200 {
		r.publish("lobby", 1)
		if r.until(patience/1000, func() bool { return r.current("games") != nil }) {
			break
		}
	}
	r.joined("games")
	for range 3 {
		r.publish("lobby", 2)
		r.publish("games", 2)
	}
	r.await()
}
