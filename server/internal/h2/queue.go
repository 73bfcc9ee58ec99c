package h2

// streamQueue is the streams that wait for room in the connection's window or buffer,
// first in, first out.
type streamQueue struct{ first, last *Stream }

func (q *streamQueue) add(s *Stream) {
	if s.queued {
		return
	}
	s.queued, s.prev = true, q.last
	if q.last == nil {
		q.first = s
	} else {
		q.last.next = s
	}
	q.last = s
}

func (q *streamQueue) remove(s *Stream) {
	if !s.queued {
		return
	}
	if s.prev == nil {
		q.first = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		q.last = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.queued, s.prev, s.next = false, nil, nil
}
