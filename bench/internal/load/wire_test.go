package load

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// response returns a SubscribeResponse with one frame.
func response(kind protowire.Number, body []byte) []byte {
	return appendBytes(nil, fieldFrame, appendBytes(nil, kind, body))
}

func appendNumber(dst []byte, number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, number, protowire.VarintType), v)
}

// event returns an Event as the service encodes it, with all its fields.
func event(previous, sequence, number uint64) []byte {
	p := appendBytes(nil, 1, []byte("bench"))
	p = appendNumber(p, eventSequence, sequence)
	p = appendNumber(p, eventPrevious, previous)
	p = appendBytes(p, 4, appendNumber(nil, 1, 1_700_000_000))
	p = appendBytes(p, 5, []byte("id"))
	p = appendBytes(p, 6, appendBytes(nil, 2, []byte("anonymous")))
	p = protowire.AppendFixed64(protowire.AppendTag(p, 99, protowire.Fixed64Type), 1) // of a later version
	return appendBytes(p, eventMessage, appendBytes(nil, messageText, appendText(nil, number, 0)))
}

func joinedAt(head uint64) []byte {
	room := appendNumber(appendBytes(nil, 1, []byte("bench")), roomStateHead, head)
	return response(frameJoined, appendBytes(nil, joinedRooms, room))
}

func TestChainOfSequences(t *testing.T) {
	tests := map[string]struct {
		events [][3]uint64 // previous, sequence, number
		broken uint64
	}{
		"whole":                   {[][3]uint64{{7, 9, 1}, {9, 12, 2}, {12, 13, 3}}, 0},
		"not after the head":      {[][3]uint64{{6, 9, 1}, {9, 12, 2}}, 1},
		"with a gap":              {[][3]uint64{{7, 9, 1}, {10, 12, 2}}, 1},
		"with a previous too low": {[][3]uint64{{7, 9, 1}, {9, 12, 2}, {9, 13, 3}}, 1},
	}
	for name, test := range tests {
		s := &subscriber{tally: &tally{window: newWindow()}, sequence: NewSequence(1)}
		s.window.fan = 1
		frames := [][]byte{joinedAt(7), response(frameCaughtUp, nil), response(7, nil)}
		for _, e := range test.events {
			frames = append(frames, response(frameEvent, event(e[0], e[1], e[2])))
		}
		for _, frame := range frames {
			if err := s.receiveFrame(frame); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if s.broken != test.broken || s.deliveries != uint64(len(test.events)) || s.window.done != s.deliveries {
			t.Errorf("%s: %d broken, %d deliveries, %d done; want %d broken, all delivered and done",
				name, s.broken, s.deliveries, s.window.done, test.broken)
		}
	}
}

func TestFramesThatEndAStream(t *testing.T) {
	for name, frame := range map[string][]byte{
		"a reset":                  response(frameReset, nil),
		"draining":                 response(frameDraining, nil),
		"an event before caughtUp": response(frameEvent, event(0, 1, 1)),
		"another's text":           response(frameEvent, appendBytes(appendNumber(nil, eventSequence, 1), eventMessage, appendBytes(nil, messageText, []byte("hi")))),
		"half a frame":             joinedAt(7)[:5],
	} {
		s := &subscriber{tally: &tally{window: newWindow()}}
		if err := s.receiveFrame(frame); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestEphemeralEvents are not counted, and don't touch the chain.
func TestEphemeralEvents(t *testing.T) {
	s := &subscriber{tally: &tally{window: newWindow()}}
	if err := s.receiveFrame(response(frameEvent, appendBytes(nil, 12, nil))); err != nil || s.deliveries != 0 || s.broken != 0 {
		t.Errorf("an ephemeral event: %v, %d deliveries, %d broken; want none of it", err, s.deliveries, s.broken)
	}
}

func TestWindow(t *testing.T) {
	w := newWindow()
	w.fan = 3
	for _, number := range []uint64{1, 2, 1, 1, 2} {
		w.deliver(number)
	}
	if w.publish(); w.completed.Load() != 1 {
		t.Errorf("%d messages are with everybody, want 1", w.completed.Load())
	}
	w.deliver(2)
	w.publish()
	<-w.wake
	if w.completed.Load() != 2 {
		t.Errorf("%d messages are with everybody, want 2", w.completed.Load())
	}
}
