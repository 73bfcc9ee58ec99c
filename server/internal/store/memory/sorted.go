package memory

import "slices"

// sorted is a set of texts in order.
type sorted struct{ texts []string }

func (s *sorted) insert(text string) {
	if at, found := slices.BinarySearch(s.texts, text); !found {
		s.texts = slices.Insert(s.texts, at, text)
	}
}

func (s *sorted) remove(text string) {
	if at, found := slices.BinarySearch(s.texts, text); found {
		s.texts = slices.Delete(s.texts, at, at+1)
	}
}

// after returns those that come after a text, which need not be one of them.
func (s *sorted) after(text string) []string {
	at, found := slices.BinarySearch(s.texts, text)
	if found {
		at++
	}
	return s.texts[at:]
}
