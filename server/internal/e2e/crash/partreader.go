package crash

import (
	"context"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// browser reads parts of rooms without following them: the newest page, an older page,
// or the newest events on a stream.
type partReader struct {
	name    string
	client  *protocolClient
	rooms   []string
	random  *rand.Rand
	history *History
	heads   map[string]*chatv1.Cursor // the newest that it has seen
}

// run reads until ctx ends.
func (b *partReader) run(ctx context.Context) {
	b.heads = make(map[string]*chatv1.Cursor)
	for ctx.Err() == nil {
		room := b.rooms[b.random.IntN(len(b.rooms))]
		if b.random.IntN(3) == 0 {
			b.stream(ctx, room)
		} else {
			b.page(ctx, room)
		}
		wait(ctx, time.Duration(b.random.IntN(80))*time.Millisecond)
	}
}

// page reads one page backward.
func (b *partReader) page(ctx context.Context, room string) {
	request := &chatv1.ListEventsRequest{Room: room, Limit: uint32(1 + b.random.IntN(40))}
	if head := b.heads[room]; head != nil && b.random.IntN(2) == 0 {
		request.Page = &chatv1.ListEventsRequest_Before{Before: &chatv1.Cursor{
			Epoch: head.GetEpoch(), Sequence: 1 + b.random.Uint64N(head.GetSequence()),
		}}
	}
	v := View{Reader: b.name, Room: room, Folded: true, Began: b.history.now()}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	page, err := b.client.rpc.ListEvents(ctx, request)
	if err != nil {
		if code := connect.CodeOf(err); connect.IsWireError(err) && !retryable(code) && ctx.Err() == nil {
			b.history.contractFault("%s could not read a page of %s: %v", b.name, room, err)
		}
		return
	}
	for _, e := range page.GetEvents() {
		v.Events = append(v.Events, Sighting{toEvent(e, page.GetEpoch()), v.Began, b.history.now()})
		if e.GetSequence() > b.heads[room].GetSequence() {
			b.heads[room] = &chatv1.Cursor{Epoch: page.GetEpoch(), Sequence: e.GetSequence()}
		}
	}
	b.history.viewed(v)
}

// stream reads the newest events, and a few more if they come soon.
func (b *partReader) stream(ctx context.Context, room string) {
	ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	recent := 1 + b.random.IntN(40)
	v := View{Reader: b.name, Room: room, Began: b.history.now()}
	for e, err := range b.client.Follow(client.Recent(room, uint32(recent))).Events(ctx) {
		if err != nil {
			break // the time is over, or the server is not there
		}
		if e.GetSequence() == 0 {
			continue // ephemeral, or a reset
		}
		v.Events = append(v.Events, Sighting{toEvent(e.Event, e.Epoch), v.Began, b.history.now()})
		if len(v.Events) == recent+5 {
			break
		}
	}
	b.history.viewed(v)
}
