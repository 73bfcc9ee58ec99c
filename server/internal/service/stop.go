package service

import "time"

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
