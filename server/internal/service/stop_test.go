package service

import (
	"testing"
	"time"
)

// The last spans have a second once clients are gone, within the drain.
func TestFlushUntil(t *testing.T) {
	begin := time.Now()
	for _, tt := range []struct {
		times      stopTimes
		gone, want time.Duration
	}{
		{newStopTimes(begin, DefaultDrain), 0, time.Second},
		{newStopTimes(begin, DefaultDrain), 6 * time.Second, 7 * time.Second},
		{newStopTimes(begin, DefaultDrain), 7 * time.Second, 7500 * time.Millisecond},
		{newStopTimes(begin, time.Hour), time.Minute, 61 * time.Second},
		{newHandOverTimes(begin, DefaultDrain), 0, time.Second},
		{newHandOverTimes(begin, DefaultDrain), 900 * time.Millisecond, time.Second},
	} {
		if got := tt.times.flushUntil(begin.Add(tt.gone)).Sub(begin); got != tt.want {
			t.Errorf("%+v: flushUntil(%v) = %v, want %v", tt.times, tt.gone, got, tt.want)
		}
	}
}

// Streams end after the moments at which clients are asked to reconnect, connections are
// closed after that, and some of the time is left for the store.
func TestStopTimes(t *testing.T) {
	begin := time.Now()
	for _, tt := range []struct{ drain, end, cut time.Duration }{
		{time.Second, time.Second / 2, 875 * time.Millisecond},
		{DefaultDrain, 6 * time.Second, 7 * time.Second},
		{time.Minute, 58 * time.Second, 59 * time.Second},
		{1, 1, 1},
	} {
		got := newStopTimes(begin, tt.drain)
		if got.end.Sub(begin) != tt.end || got.cut.Sub(begin) != tt.cut {
			t.Errorf("newStopTimes(%v) = %v and %v, want %v and %v", tt.drain, got.end.Sub(begin), got.cut.Sub(begin), tt.end, tt.cut)
		}
	}
}

// A successor waits for a second at most, and streams wait for nothing.
func TestHandOverTimes(t *testing.T) {
	begin := time.Now()
	for _, tt := range []struct{ drain, cut time.Duration }{
		{DefaultDrain, time.Second},
		{time.Second, time.Second / 2},
	} {
		if got := newHandOverTimes(begin, tt.drain); !got.end.Equal(begin) || got.cut.Sub(begin) != tt.cut {
			t.Errorf("newHandOverTimes(%v) = %v and %v, want 0 and %v", tt.drain, got.end.Sub(begin), got.cut.Sub(begin), tt.cut)
		}
	}
}
