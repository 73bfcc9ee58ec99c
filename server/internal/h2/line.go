package h2

// line is the streams that wait for room in the connection's window or in its
// buffer, first come, first served.
type line struct{ first, last *Stream }

func (l *line) add(s *Stream) {
	if s.waiting {
		return
	}
	s.waiting, s.prev = true, l.last
	if l.last == nil {
		l.first = s
	} else {
		l.last.next = s
	}
	l.last = s
}

func (l *line) remove(s *Stream) {
	if !s.waiting {
		return
	}
	if s.prev == nil {
		l.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		l.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.waiting, s.prev, s.next = false, nil, nil
}
