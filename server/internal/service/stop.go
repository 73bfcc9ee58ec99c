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
	end time.Time // streams that are still open end as unavailable
	cut time.Time // connections that are still open are closed
}

// newStopTimes divides the time that a stop may take. Clients have been asked to be gone
// by its middle.
func newStopTimes(begin time.Time, drain time.Duration) stopTimes {
	return stopTimes{
		end: begin.Add(drain - min(drain/2, 2*time.Second)),
		cut: begin.Add(drain - min(drain/8, time.Second)),
	}
}

// newHandOverTimes are those of a service whose successor can't begin before it ends: streams end
// at once, and calls in flight have little time.
func newHandOverTimes(begin time.Time, drain time.Duration) stopTimes {
	return stopTimes{end: begin, cut: begin.Add(min(drain/2, time.Second))}
}

// stop ends rooms first, so that no stream waits for events; then streams and connections
// together, so that both have the time that is left; and last what uses the store.
func (p *parts) stop(times stopTimes, served <-chan error, failed error) error {
	p.closeRooms()
	return errors.Join(failed, p.disconnect(times, served))
}

// handOver is stop that lets calls in flight finish: what they ask for is not refused. Connections
// that nobody has accepted wait for the successor.
func (p *parts) handOver(times stopTimes, served <-chan error) error {
	patience, cancel := context.WithDeadline(context.Background(), times.cut)
	defer cancel()
	defer context.AfterFunc(patience, p.closeRooms)()
	return p.disconnect(times, served)
}

// disconnect ends streams and connections, and closes what uses the store.
func (p *parts) disconnect(times stopTimes, served <-chan error) error {
	patience, cancel := context.WithDeadline(context.Background(), times.cut)
	defer cancel()
	var stopping sync.WaitGroup
	stopping.Go(func() { p.api.Stop(patience) })
	err := errors.Join(p.server.Shutdown(patience), <-served, p.keys.Close(patience))
	stopping.Wait()
	p.closeOpened()
	return err
}
