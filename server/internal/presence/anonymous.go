package presence

import "time"

// anonymous counts connections without an id. They can't be told apart, so one
// that enters takes the place of the one that was lost last, if there is any:
// most likely it is the same.
type anonymous struct {
	here      int // connections to this node
	connected int // here and to other nodes
	lost      int // in grace
	fading    []fading
}

// fading are connections that were lost at the same instant, in the order of
// until.
type fading struct {
	until time.Duration // on the roster's clock
	n     int
}

func (a *anonymous) count() int { return a.connected + a.lost }

func (a *anonymous) enter(n int) {
	a.connected += n
	for n > 0 && a.lost > 0 {
		newest := &a.fading[len(a.fading)-1]
		k := min(n, newest.n)
		n -= k
		a.lost -= k
		if newest.n -= k; newest.n == 0 {
			a.fading = a.fading[:len(a.fading)-1]
		}
	}
}

func (a *anonymous) leave(n int, clean bool, until time.Duration) {
	a.connected -= n
	if clean || n == 0 {
		return
	}
	a.lost += n
	if k := len(a.fading); k > 0 && a.fading[k-1].until == until {
		a.fading[k-1].n += n
		return
	}
	a.fading = append(a.fading, fading{until, n})
}

func (a *anonymous) advance(clock time.Duration) {
	for len(a.fading) > 0 && a.fading[0].until <= clock {
		a.lost -= a.fading[0].n
		a.fading = a.fading[1:]
	}
}
