package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

var tailTests = []test{
	{"GetsEverythingInOrder", testTailInOrder},
	{"SeveralInOneRoom", testSeveralTails},
	{"SlowFunctionMissesNothing", testSlowTail},
	{"BeginsNow", testTailBeginsNow},
	{"Stops", testTailStops},
	{"StopsUnderLoad", testTailStopsUnderLoad},
	{"StopWaits", testStopWaits},
	{"AttachThenReadMissesNothing", testAttachThenRead},
	{"HeadIsNotBehind", testHeadNotBehind},
	{"Activity", testActivity},
	{"ActivityUnderLoad", testActivityUnderLoad},
	{"ActivityStops", testActivityStops},
}

// load starts goroutines that append to a room, and to another one. The
// returned function waits for them.
func load(t *testing.T, s Store, room string, appenders, each int) (wait func()) {
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("load %d/%d", a, i)
				for _, room := range []string{room, room + "-too"} {
					e := chat.Entry{Room: room, Key: key, Payload: []byte(key), Counted: i%2 == 0}
					_, _, err := chat.Append(t.Context(), s, e)
					if t.Context().Err() != nil {
						return // the test has failed
					}
					if err != nil {
						t.Errorf("Append(%q, %q) = %v, want nil", room, key, err)
						return
					}
				}
			}
		})
	}
	t.Cleanup(wg.Wait)
	return wg.Wait
}

// addLast appends an event to "room". When a tail has received it, it has received all.
func addLast(t testing.TB, s Store) uint64 {
	t.Helper()
	at, duplicate, err := chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: "the last", Payload: []byte("last")})
	if err != nil || duplicate {
		t.Fatalf("Append = %t, %v, want a new event", duplicate, err)
	}
	return at.Sequence
}

func testTailInOrder(t *testing.T, s Store) {
	seen := tail(t, s, "room")
	load(t, s, "room", 8, 60)()
	want := read(t, s, "room", 0, everything)
	if len(want) != 480 {
		t.Fatalf("Read = %d events, want 480", len(want))
	}
	sameEvents(t, "Tail", seen.wait(t, len(want)), want)
	seen.check(t)
}

// testSeveralTails starts tails while others append: each gets all that comes
// after its beginning.
func testSeveralTails(t *testing.T, s Store) {
	newWriter(t, s).add("room")
	early := []*tailed{tail(t, s, "room"), tail(t, s, "room"), tail(t, s, "room")}
	wait := load(t, s, "room", 4, 50)
	late := []*tailed{tail(t, s, "room"), tail(t, s, "room")}
	wait()
	last := addLast(t, s)
	want := read(t, s, "room", 0, everything)[1:]
	for i, r := range early {
		sameEvents(t, fmt.Sprintf("Tail %d of the early ones", i), r.wait(t, len(want)), want)
		r.check(t)
	}
	for i, r := range late {
		waitUntil(t, r, last)
		got := r.all()
		sameEvents(t, fmt.Sprintf("Tail %d of the late ones", i), got, want[len(want)-min(len(got), len(want)):])
		r.check(t)
	}
}

// testSlowTail has a tail's function take longer than appending does: what comes
// meanwhile must come later.
func testSlowTail(t *testing.T, s Store) {
	slow, quick := newRecorder[chat.Stored](), tail(t, s, "room")
	stop, err := s.Tail(t.Context(), "room", func(events []chat.Stored) {
		pause := time.NewTimer(time.Millisecond)
		defer pause.Stop()
		<-pause.C
		slow.call(events)
	})
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	t.Cleanup(stop)
	w := newWriter(t, s)
	for range 10 {
		w.addAll("room", 40)
	}
	want := w.room("room").stored
	sameEvents(t, "Tail with a slow function", slow.wait(t, len(want)), want)
	sameEvents(t, "Tail beside a slow one", quick.wait(t, len(want)), want)
	slow.check(t)
}

func testTailBeginsNow(t *testing.T, s Store) {
	w := newWriter(t, s)
	before := w.addAll("room", 3)
	seen := tail(t, s, "room")
	w.add("others")
	wantDuplicate(t, s, before[1].Entry, before[1].sequence)
	w.add("room")
	sameEvents(t, "Tail", seen.wait(t, 1), w.room("room").stored[3:])
}

func testTailStops(t *testing.T, s Store) {
	w := newWriter(t, s)
	stopped, stop := startTail(t, s, "room")
	other := tail(t, s, "room")
	w.add("room")
	sameEvents(t, "Tail", stopped.wait(t, 1), w.room("room").stored)
	stop()
	stopped.stopped.Store(true)
	// Once another tail has been given them, this one would have been, too.
	w.addAll("room", 10)
	waitUntil(t, other, w.last)
	if got := stopped.all(); len(got) != 1 {
		t.Errorf("Tail after stop = %s, want one event", describe(got))
	}
	stopped.check(t)

	again := tail(t, s, "room")
	w.add("room")
	sameEvents(t, "Tail after another's stop", again.wait(t, 1), w.room("room").stored[11:])
}

// testTailStopsUnderLoad stops tails while events are on their way.
func testTailStopsUnderLoad(t *testing.T, s Store) {
	other := tail(t, s, "room")
	wait := load(t, s, "room", 4, 80)
	var stopped []*tailed
	w := newWriter(t, s)
	for i := range 30 {
		r, stop := startTail(t, s, "room")
		if i%2 == 0 {
			waitUntil(t, r, w.add("room").sequence)
		}
		stop()
		r.stopped.Store(true)
		if n := r.calls.Load(); n != 0 {
			t.Errorf("stop returned during %d calls, want 0", n)
		}
		stopped = append(stopped, r)
	}
	wait()
	waitUntil(t, other, addLast(t, s))
	for _, r := range stopped {
		r.check(t)
	}
}

// testStopWaits stops a tail, an Activity and a watch while their functions run.
func testStopWaits(t *testing.T, s Store) {
	for name, begin := range map[string]func(hold func()) (func(), error){
		"Tail": func(hold func()) (func(), error) {
			return s.Tail(t.Context(), "room", func([]chat.Stored) { hold() })
		},
		"Activity": func(hold func()) (func(), error) {
			return s.Activity(t.Context(), func([]chat.RoomHead) { hold() })
		},
		"Watch": func(hold func()) (func(), error) {
			return s.Watch(t.Context(), "", func([]chat.Record) { hold() })
		},
	} {
		entered, release := make(chan struct{}, 1), make(chan struct{})
		stop, err := begin(func() {
			select {
			case entered <- struct{}{}:
			default:
			}
			<-release
		})
		if err != nil {
			t.Fatalf("%s = %v, want nil", name, err)
		}
		var held sync.WaitGroup
		held.Go(func() { _, _, _ = chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: name}) })
		held.Go(func() { _, _ = s.Put(t.Context(), name, nil, 0) })
		await(t, entered)
		stopped := make(chan error, 1)
		go func() {
			stop()
			stopped <- nil
		}()
		wantWaiting(t, "stop of "+name, stopped)
		close(release)
		if err := <-stopped; err != nil {
			t.Errorf("stop of %s = %v, want nil", name, err)
		}
		held.Wait()
	}
}

// wantWaiting fails the test if a call returns while a function runs that it must
// wait for. A call that waits can't be distinguished from a slow one, but one that does
// not wait is quick.
func wantWaiting(t *testing.T, call string, returned chan error) {
	t.Helper()
	hurry := time.NewTimer(100 * time.Millisecond)
	defer hurry.Stop()
	select {
	case err := <-returned:
		t.Errorf("%s = %v during a call of a function, want it to wait", call, err)
		returned <- err
	case <-hurry.C:
	}
}

// testAttachThenRead is how a reader joins: with a tail attached at any moment,
// everything that is read afterwards and everything that the tail gets are
// together the whole room, and what comes both ways has the same sequence.
func testAttachThenRead(t *testing.T, s Store) {
	type view struct {
		live   *tailed
		replay []chat.Stored
	}
	moments := tail(t, s, "room-too")
	wait := load(t, s, "room", 4, 80)
	var views []view
	for i := range 10 {
		moments.wait(t, i*20+rand.IntN(20))
		live := tail(t, s, "room")
		views = append(views, view{live, read(t, s, "room", 0, everything)})
	}
	wait()
	last := addLast(t, s)
	want := read(t, s, "room", 0, everything)
	for i, v := range views {
		waitUntil(t, v.live, last)
		whole := slices.Clone(v.replay)
		for _, e := range v.live.all() {
			if len(whole) == 0 || e.Sequence > whole[len(whole)-1].Sequence {
				whole = append(whole, e)
			}
		}
		sameEvents(t, fmt.Sprintf("Tail and then Read, reader %d", i), whole, want)
		v.live.check(t)
	}
}

// testHeadNotBehind compares heads with what a tail was given before: a reader that
// joins where the head is must not miss what the tail has already had.
func testHeadNotBehind(t *testing.T, s Store) {
	seen := tail(t, s, "room")
	wait := load(t, s, "room", 4, 40)
	for i := range 20 {
		given := seen.wait(t, i*8+1)
		if head := headOf(t, s, "room"); head.Last < given[len(given)-1].Sequence {
			t.Fatalf("Head = %+v, behind %d, which a tail was given", head, given[len(given)-1].Sequence)
		}
		got := read(t, s, "room", given[len(given)-1].Sequence-1, 1)
		if len(got) != 1 || got[0].Sequence != given[len(given)-1].Sequence {
			t.Fatalf("Read of what a tail was given = %s, want %d", describe(got), given[len(given)-1].Sequence)
		}
	}
	wait()
}

type active = recorder[chat.RoomHead]

func activity(t testing.TB, s Store) *active {
	t.Helper()
	r := newRecorder[chat.RoomHead]()
	stop, err := s.Activity(t.Context(), r.call)
	if err != nil {
		t.Fatalf("Activity = %v, want nil", err)
	}
	t.Cleanup(stop)
	return r
}

// latest returns the last head that was reported of each room.
func latest(heads []chat.RoomHead) map[string]chat.RoomHead {
	last := make(map[string]chat.RoomHead)
	for _, h := range heads {
		last[h.Room] = h
	}
	return last
}

// waitForHeads waits until the last head that was reported of each room is the
// wanted one.
func waitForHeads(t testing.TB, r *active, want []chat.RoomHead) {
	t.Helper()
	r.waitFor(t, fmt.Sprintf("heads that end with %+v", want), func(got []chat.RoomHead) bool {
		last := latest(got)
		for _, h := range want {
			if !sameHead(last[h.Room], h) {
				return false
			}
		}
		return true
	})
	r.check(t)
}

func testActivity(t *testing.T, s Store) {
	w := newWriter(t, s)
	w.append(chat.Entry{Room: "a", Counted: true})
	w.add("quiet")
	since := time.Now()
	seen := activity(t, s)
	first := w.append(chat.Entry{Room: "a", Counted: true})
	waitForHeads(t, seen, []chat.RoomHead{{Room: "a", Last: first.sequence, Counted: 2}})
	w.append(chat.Entry{Room: "b", Counted: true})
	w.append(chat.Entry{Room: "b"})
	deletion := w.erase("a", first.sequence)
	waitForHeads(t, seen, []chat.RoomHead{
		{Room: "a", Last: deletion.sequence, Counted: 2}, {Room: "b", Last: w.room("b").last(), Counted: 1},
	})
	listed := latest(roomsOf(t, s, "", everything))
	for _, h := range seen.all() {
		checkTime(t, h, since)
		if h.Room != "a" && h.Room != "b" {
			t.Errorf("Activity reports %+v, want only rooms that were appended to", h)
		}
	}
	for room, h := range latest(seen.all()) {
		if !h.Time.Equal(listed[room].Time) {
			t.Errorf("Activity has %v for the newest event of %q, and Rooms has %v", h.Time, room, listed[room].Time)
		}
	}
}

func testActivityUnderLoad(t *testing.T, s Store) {
	early := activity(t, s)
	wait := load(t, s, "room", 6, 40)
	late := activity(t, s)
	wait()
	w := newWriter(t, s)
	w.add("room")
	w.add("room-too")
	want := roomsOf(t, s, "", everything)
	for _, h := range want {
		if h.Last != w.room(h.Room).last() || h.Counted != 120 {
			t.Errorf("Rooms = %+v, want Last %d and 120 counted", h, w.room(h.Room).last())
		}
	}
	waitForHeads(t, early, want)
	waitForHeads(t, late, want)
	last := make(map[string]uint64)
	for _, h := range early.all() {
		if h.Last < last[h.Room] {
			t.Fatalf("Activity reports %q at %d after %d, want heads in order", h.Room, h.Last, last[h.Room])
		}
		last[h.Room] = h.Last
	}
}

func testActivityStops(t *testing.T, s Store) {
	w := newWriter(t, s)
	r := newRecorder[chat.RoomHead]()
	stop, err := s.Activity(t.Context(), r.call)
	if err != nil {
		t.Fatalf("Activity = %v, want nil", err)
	}
	other := activity(t, s)
	w.add("room")
	waitForHeads(t, r, w.roomHeads())
	stop()
	r.stopped.Store(true)
	w.add("room")
	waitForHeads(t, other, w.roomHeads())
	r.check(t)
}
