package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatroom/server/internal/chat"
)

// The values of the label outcome.
const (
	outcomeStored    = "stored"
	outcomeDuplicate = "duplicate" // the journal has recognized the key
	outcomeRefused   = "refused"   // its target is gone
	outcomeFailed    = "failed"    // the store could not write, or did not answer
)

// appends counts what a journal is given.
type appends struct {
	outcomes *prometheus.CounterVec
	duration prometheus.Histogram

	stored, duplicate, refused, failed prometheus.Counter // of outcomes
}

func newAppends() *appends {
	a := &appends{
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: namespace + "appends_total",
			Help: "Events that were given to the store, by outcome: stored, duplicate (a retried send), refused (its target is gone), or failed.",
		}, []string{"outcome"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    namespace + "append_duration_seconds",
			Help:    "Time from giving an event to the store until it is stored or refused.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
	a.stored, a.duplicate = a.outcomes.WithLabelValues(outcomeStored), a.outcomes.WithLabelValues(outcomeDuplicate)
	a.refused, a.failed = a.outcomes.WithLabelValues(outcomeRefused), a.outcomes.WithLabelValues(outcomeFailed)
	return a
}

// Describe implements prometheus.Collector.
func (a *appends) Describe(out chan<- *prometheus.Desc) {
	a.outcomes.Describe(out)
	a.duration.Describe(out)
}

// Collect implements prometheus.Collector.
func (a *appends) Collect(out chan<- prometheus.Metric) {
	a.outcomes.Collect(out)
	a.duration.Collect(out)
}

func (a *appends) observe(took time.Duration, outcome *chat.Appended) {
	a.duration.Observe(took.Seconds())
	switch {
	case outcome.Err == nil && outcome.Duplicate:
		a.duplicate.Inc()
	case outcome.Err == nil:
		a.stored.Inc()
	case errors.Is(outcome.Err, chat.ErrTargetGone):
		a.refused.Inc()
	default:
		a.failed.Inc()
	}
}

// Journal returns a journal that counts what is submitted to it, and how long that takes.
func (m *Metrics) Journal(j chat.Journal) chat.Journal { return &journal{j, m.appends} }

type journal struct {
	chat.Journal
	appends *appends
}

// Submit implements chat.Journal.
func (j *journal) Submit(ctx context.Context, e chat.Entry, done func(chat.Appended)) {
	begin := time.Now()
	j.Journal.Submit(ctx, e, func(outcome chat.Appended) {
		j.appends.observe(time.Since(begin), &outcome)
		done(outcome)
	})
}
