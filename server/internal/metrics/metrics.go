// Package metrics turns the figures of a server's parts into metrics for Prometheus. The
// parts count plain numbers, and are asked for them at each scrape. Labels have values from
// the code alone, never names of rooms, members or addresses: how many series there are does
// not depend on what clients do.
package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/health"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/logsample"
	"chatroom/server/internal/rpc"
)

const (
	namespace = "chatroom_"
	// maxScrapes is how many scrapes may run at the same time.
	maxScrapes    = 2
	scrapeTimeout = 10 * time.Second
)

// Sources are where the figures are from. Each may be nil: its metrics are missing then.
type Sources struct {
	Health *health.Health
	Hub    func() hub.Stats
	RPC    func() rpc.Stats
	HTTP   func() httpd.Stats
	Disk   func() (Disk, error)
	// SignIn are the sign-ins on the page that were refused, by the reason. They are collected
	// with RPC and HTTP only.
	SignIn   func() map[string]uint64
	LogLines *LogLines
}

// Disk are figures of a store on a disk.
type Disk struct{ Bytes, FreeBytes int64 }

// Metrics are the metrics of a server. Create it with New.
type Metrics struct {
	registry *prometheus.Registry
	appends  *appends
	log      *slog.Logger
}

// New returns the metrics of the process, without sources.
func New(log *slog.Logger) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), appends: newAppends(), log: log}
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
		m.appends,
	)
	return m
}

// scrapeLog logs what goes wrong in a scrape. If the scraper goes away that is an error for each
// family of metrics.
type scrapeLog struct{ peers *logsample.Logger }

func newScrapeLog(log *slog.Logger) scrapeLog { return scrapeLog{&logsample.Logger{Log: log}} }

// Println implements promhttp.Logger.
func (l scrapeLog) Println(v ...any) {
	l.peers.Warn(context.Background(), "a scrape of metrics has failed", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}

// Add has sources collected from now on. It may be called once for each source.
func (m *Metrics) Add(s Sources) { m.registry.MustRegister(&collector{s}) }

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            newScrapeLog(m.log),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeTimeout,
	})
}
