package crash

// checkSeen compares what a subscriber saw with the log.
func (j *judge) checkSeen(s Seen) {
	if s.Resets > 0 {
		j.fault(WasReset, "%s in %s received Reset %d times", s.Subscriber, s.Room, s.Resets)
	}
	saw := make(map[uint64]bool, len(s.Events))
	var last uint64
	for _, e := range s.Events {
		switch {
		case saw[e.Sequence]:
			j.fault(Duplicate, "%s saw %d in %s again", s.Subscriber, e.Sequence, s.Room)
		case e.Sequence < last:
			j.fault(Reordered, "%s saw %d in %s after %d", s.Subscriber, e.Sequence, s.Room, last)
		default:
			if e.Previous > last {
				j.fault(Broken, "%s saw %d in %s with previous %d, and had seen up to %d", s.Subscriber, e.Sequence, s.Room, e.Previous, last)
			}
			j.checkSighting(s.Subscriber, s.Room, e, s.Folded)
		}
		saw[e.Sequence] = true
		last = max(last, e.Sequence)
	}
	for _, e := range j.log[s.Room] {
		if !saw[e.Sequence] {
			j.fault(Lost, "%s did not see %d (%s) in %s", s.Subscriber, e.Sequence, e.ID, s.Room)
		}
	}
}

// checkView compares a part of a room with the log: it begins anywhere, and has no
// gap.
func (j *judge) checkView(v View) {
	for i, e := range v.Events {
		if i > 0 {
			switch last := v.Events[i-1].Sequence; {
			case e.Sequence <= last:
				j.fault(Reordered, "%s has %d of %s after %d", v.Reader, e.Sequence, v.Room, last)
			case v.Folded && e.Previous != last || e.Previous > last:
				j.fault(Broken, "%s has %d of %s with previous %d, after %d", v.Reader, e.Sequence, v.Room, e.Previous, last)
			case j.before(position{v.Room, e.Sequence}) > last:
				j.fault(Lost, "%s has %d of %s after %d, without what is between", v.Reader, e.Sequence, v.Room, last)
			}
		}
		j.checkSighting(v.Reader, v.Room, e, v.Folded)
	}
}

// checkSighting compares one event that a reader got with the log, and with what was
// known when the reader began.
func (j *judge) checkSighting(reader, room string, e Sighting, folded bool) {
	at := position{room, e.Sequence}
	logged, found := j.at[at]
	switch {
	case e.Room != room, !found && !j.gone(at):
		j.fault(Unknown, "%s saw %d (%s) in %s", reader, e.Sequence, e.ID, room)
		return
	case e.Epoch != j.epoch:
		j.fault(NewEpoch, "%s saw %d in %s with epoch %q, the log has %q", reader, e.Sequence, room, e.Epoch, j.epoch)
	case found && e.ID != logged.ID:
		j.fault(Changed, "%s saw %d in %s with another id than the log has", reader, e.Sequence, room)
	}
	j.checkPrevious(reader, e.Event)
	j.checkContent(reader, e.Event, folded)
	if !e.Body.erasable() {
		return
	}
	message := position{room, e.Body.message(e.Sequence)}
	if since, deleted := j.hidden[message]; deleted && since < e.Began {
		j.fault(Undeleted, "%s saw %d (%s) in %s, of a message that had been deleted before", reader, e.Sequence, e.ID, room)
	}
	if folded && e.Body.Kind == Message {
		j.checkFresh(reader, e)
	}
}

// checkPrevious checks the previous sequence of an event that a reader has seen: it is
// that of the event before in the log, or of a later one that was deleted afterwards.
func (j *judge) checkPrevious(reader string, e Event) {
	before := j.before(position{e.Room, e.Sequence})
	switch at := (position{e.Room, e.Previous}); {
	case e.Previous == before:
	case e.Previous < before || e.Previous >= e.Sequence:
		j.fault(Broken, "%s saw %d in %s with previous %d, the log has %d", reader, e.Sequence, e.Room, e.Previous, before)
	case j.known[at] == "" && j.unplaced[e.Room] > 0: // an edit whose answer was lost, and which no reader has seen
	case !j.gone(at):
		j.fault(Broken, "%s saw %d in %s with previous %d, which was never there", reader, e.Sequence, e.Room, e.Previous)
	}
}

// checkFresh compares the text that a page has of a message with the edits that were
// acknowledged before the page was asked for.
func (j *judge) checkFresh(reader string, e Sighting) {
	var newest, shown uint64
	for _, edit := range j.ackedEdits[position{e.Room, e.Sequence}] {
		if edit.at < e.Began {
			newest = max(newest, edit.sequence)
		}
		if edit.text == e.Body.Text {
			shown = edit.sequence
		}
	}
	if shown < newest && (shown > 0 || e.Body.Text == j.sends[e.ID].Body.Text) {
		j.fault(Stale, "%s saw %d in %s without the edit %d, which had been acknowledged", reader, e.Sequence, e.Room, newest)
	}
}
