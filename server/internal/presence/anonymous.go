package presence

import "time"

// anonymous counts connections without an id. They can't be told apart, so one that enters
// replaces the one that was lost last, if there is any: most likely it is the same.
type anonymous struct {
	connected int
	lost      int     // connections in grace
	inGrace   []batch // the lost connections, by the end of their grace
}

// batch is connections that were lost at the same instant.
type batch struct {
	end time.Duration // of their grace, on the roster's clock
	n   int
}

func (a *anonymous) count() int { return a.connected + a.lost }

func (a *anonymous) enter() {
	a.connected++
	if a.lost == 0 {
		return
	}
	a.lost--
	newest := &a.inGrace[len(a.inGrace)-1]
	if newest.n--; newest.n == 0 {
		a.inGrace = a.inGrace[:len(a.inGrace)-1]
	}
}

// leave removes a connection, if there is any. If it is lost its grace ends at graceEnd.
func (a *anonymous) leave(explicit bool, graceEnd time.Duration) {
	if a.connected == 0 {
		return
	}
	a.connected--
	if explicit {
		return
	}
	a.lost++
	if k := len(a.inGrace); k > 0 && a.inGrace[k-1].end == graceEnd {
		a.inGrace[k-1].n++
		return
	}
	a.inGrace = append(a.inGrace, batch{graceEnd, 1})
}

func (a *anonymous) advance(clock time.Duration) {
	for len(a.inGrace) > 0 && a.inGrace[0].end <= clock {
		a.lost -= a.inGrace[0].n
		a.inGrace = a.inGrace[1:]
	}
}
