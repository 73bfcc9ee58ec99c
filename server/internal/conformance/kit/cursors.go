package kit

import "chatroom/server/internal/conformance/driver"

// cursors are scenarios of what a client remembers.
var cursors = []Scenario{{
	Name:   "restart",
	About:  "The process is killed while the application handles an event. After a restart the client resumes with that event or an earlier one, as it keeps a cursor only when an event is handled.",
	run:    restart,
	needs:  driver.CannotResume,
	weight: 2,
}}

func command(rooms ...string) driver.Command { return driver.Command{Rooms: rooms} }

func restart(r *run) {
	r.expected++
	r.publish("lobby", 2)
	hang := driver.Sequence(r.nextSequence("lobby", 4))
	c := command("lobby")
	c.HangAt = hang
	r.connectWith(c)
	r.publish("lobby", 6)
	if !r.until(patience, func() bool { return r.handling[hang] }) {
		r.fail("the driver did not report within %v that the application handles event %d", patience, hang)
	}
	st := r.joined("lobby")
	r.kill()
	r.wait(r.ctx, patience, func() bool { return !st.open() })
	r.publish("lobby", 2)
	r.mu.Lock()
	before := len(r.views["lobby"].seen)
	r.views["lobby"].killed()
	r.mu.Unlock()
	r.start()
	r.tellConnect(command("lobby"))
	if !r.until(patience, func() bool { return len(r.views["lobby"].seen) > before }) {
		r.fail("the client applied no event after a restart")
	}
	r.mu.Lock()
	room, v := r.room("lobby"), r.views["lobby"]
	for _, e := range room.entries {
		if e.event != nil && e.event.GetSequence() == uint64(hang) && !v.seen[e] {
			r.problemLocked("the client kept its cursor before the application had handled the event: after a restart, the event is lost")
		}
	}
	r.mu.Unlock()
	r.await()
}
