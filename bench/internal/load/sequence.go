package load

// Sequence verifies the numbers that one subscriber receives: each one higher
// than the one before.
type Sequence struct {
	next    uint64
	missing []span // ascending

	// Duplicated counts numbers that came again.
	Duplicated uint64
	// Reordered counts numbers that came after a higher one.
	Reordered uint64
}

// span is a range of numbers, without its end.
type span struct{ from, to uint64 }

// NewSequence returns a Sequence that expects first.
func NewSequence(first uint64) Sequence { return Sequence{next: first} }

// Take takes the number received and returns whether it came for the first time.
func (s *Sequence) Take(number uint64) bool {
	if number == s.next {
		s.next++
		return true
	}
	if number > s.next {
		s.missing = append(s.missing, span{s.next, number})
		s.next = number + 1
		return true
	}
	for i, m := range s.missing {
		if m.from <= number && number < m.to {
			s.Reordered++
			s.fill(i, number)
			return true
		}
	}
	s.Duplicated++
	return false
}

// fill takes number out of the i-th span.
func (s *Sequence) fill(i int, number uint64) {
	var left []span
	for _, m := range []span{{s.missing[i].from, number}, {number + 1, s.missing[i].to}} {
		if m.from < m.to {
			left = append(left, m)
		}
	}
	s.missing = append(s.missing[:i:i], append(left, s.missing[i+1:]...)...)
}

// Lost returns how many numbers up to and including last never came.
func (s *Sequence) Lost(last uint64) uint64 {
	var lost uint64
	for _, m := range s.missing {
		lost += m.to - m.from
	}
	if s.next <= last {
		lost += last + 1 - s.next
	}
	return lost
}
