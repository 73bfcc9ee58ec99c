package service

import (
	"context"
	"errors"
	"sync"
	"time"
)

// stopTimes are the moments of a stop. What is left of Config.Drain after cut is for the
// store.
type stopTimes struct {
	begin time.Time
	end   time.Time // streams that are still open end as unavailable
	cut   time.Time // connections that are still open are closed
	flush time.Time // spans that are not exported yet are lost
}

// flushTime is how long the export of the last spans may take once clients are gone.
const flushTime = time.Second

// flushUntil returns until when to export the last spans. A receiver that does not answer makes a
// stop no longer than by flushTime.
func (s stopTimes) flushUntil(gone time.Time) time.Time {
	if until := gone.Add(flushTime); until.Before(s.flush) {
		return until
	}
	return s.flush
}

// newStopTimes divides the time that a stop may take. Clients have been asked to be gone
// by its middle.
func newStopTimes(begin time.Time, drain time.Duration) stopTimes {
	return stopTimes{
		begin: begin,
		end:   begin.Add(drain - min(drain/2, 2*time.Second)),
		cut:   begin.Add(drain - min(drain/8, time.Second)),
		flush: begin.Add(drain - min(drain/16, time.Second/2)),
	}
}

// newHandOverTimes are those of a service whose successor can't begin before it ends: streams end
// at once, and calls in flight have little time.
func newHandOverTimes(begin time.Time, drain time.Duration) stopTimes {
	cut := begin.Add(min(drain/2, time.Second))
	return stopTimes{begin: begin, end: begin, cut: cut, flush: cut}
}

// stop ends rooms first, so that no stream waits for events; then streams and connections
// together, so that both have the time that is left; and last what uses the store.
func (p *parts) stop(served <-chan error, failed error) error {
	p.closeRooms()
	return errors.Join(failed, p.disconnect(served))
}

// handOver is stop that lets calls in flight finish: what they ask for is not refused. New
// connections stay in the backlog of the sockets, for the successor.
func (p *parts) handOver(served <-chan error) error {
	patience, cancel := context.WithDeadline(context.Background(), p.times.cut)
	defer cancel()
	defer context.AfterFunc(patience, p.closeRooms)()
	return p.disconnect(served)
}

// disconnect ends streams and connections, and closes what uses the store.
func (p *parts) disconnect(served <-chan error) error {
	patience, cancel := context.WithDeadline(context.Background(), p.times.cut)
	defer cancel()
	var stopping sync.WaitGroup
	stopping.Go(func() { p.api.Stop(patience) })
	err := errors.Join(p.server.Shutdown(patience), <-served, p.keys.Close(patience))
	stopping.Wait()
	p.closeOpened()
	return err
}
