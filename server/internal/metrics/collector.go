package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"chatroom/server/internal/health"
	"chatroom/server/internal/rpc"
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+name, help, labels, nil)
}

var (
	ready    = desc("ready", "Whether the server is to receive calls.")
	notReady = desc("not_ready", "Whether a cause keeps the server from being ready.", "cause")

	rooms          = desc("rooms", "Rooms that have readers on this node.")
	roomsListed    = desc("rooms_listed", "Rooms on the list of all rooms, as far as it was read.")
	members        = desc("members", "Members who are in a room on this node, each counted once.")
	catchUps       = desc("catch_ups_total", "Readers that read the store: resumed ones began with events of the past, lagging ones fell behind what memory holds.", "cause")
	replayed       = desc("replayed_events_total", "Events that were read from the store for readers that catch up.")
	memoryUsed     = desc("memory_bytes", "What is charged to -memory-bytes.")
	erasures       = desc("erasures_pending", "Deleted messages whose text is not erased from the store's files yet.")
	erasuresFailed = desc("erasure_failures_total", "Attempts to erase texts from the store's files that have failed.")

	streams       = desc("streams", "Open streams.", "method", "protocol")
	streamsUsed   = desc("streams_begun_total", "Streams that have begun.", "method", "protocol")
	streamsFailed = desc("stream_errors_total", "Streams that could not begin, or have ended with an error.", "method", "code")
	calls         = desc("calls_total", "Unary calls that have ended.", "method", "code")
	deliveries    = desc("deliveries_total", "Events that were appended to streams.")
	readers       = desc("readers", "Readers of a room by how many of its events they have not taken.", "behind")
	cut           = desc("cut_total", "Streams and calls that the server has cut.", "reason")
	refused       = desc("refused_total", "Connections, requests and calls that were refused, by the limit or another reason.", "reason")

	connections = desc("connections", "Open connections.", "protocol")
	waited      = desc("writes_waited_total", "Writes to connections that had to wait for the client.")
	tripped     = desc("http2_budgets_tripped_total", "HTTP/2 connections that were closed for a budget.", "budget")

	storeBytes = desc("store_bytes", "Size of the store's files.")
	storeFree  = desc("store_free_bytes", "Free space on the disk of the store.")

	certificateExpires = desc("certificate_expiry_timestamp_seconds", "When the TLS certificate in use that expires first does, in Unix seconds.")
	logLines           = desc("log_lines_total", "Lines of the log with a level of warn or more.", "level")
)

// collector asks sources for their figures.
type collector struct{ sources Sources }

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descriptions() {
		out <- d
	}
}

func (c *collector) descriptions() (all []*prometheus.Desc) {
	if c.sources.Health != nil {
		all = append(all, ready, notReady)
	}
	if c.sources.Hub != nil {
		all = append(all, rooms, roomsListed, members, catchUps, replayed, memoryUsed, erasures, erasuresFailed)
	}
	if c.sources.RPC != nil {
		all = append(all, streams, streamsUsed, streamsFailed, calls, deliveries, readers, cut)
	}
	if c.sources.HTTP != nil {
		all = append(all, connections, waited, tripped, refused, certificateExpires)
	}
	if c.sources.Disk != nil {
		all = append(all, storeBytes, storeFree)
	}
	if c.sources.LogLines != nil {
		all = append(all, logLines)
	}
	return all
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	m := emitter{out}
	if c.sources.Health != nil {
		m.health(c.sources.Health)
	}
	if c.sources.Hub != nil {
		m.hub(c)
	}
	if c.sources.RPC != nil && c.sources.HTTP != nil {
		m.traffic(c)
	}
	if lines := c.sources.LogLines; lines != nil {
		m.counter(logLines, lines.warnings.Load(), "warn")
		m.counter(logLines, lines.errors.Load(), "error")
	}
	if c.sources.Disk != nil {
		disk, err := c.sources.Disk()
		if err != nil {
			out <- prometheus.NewInvalidMetric(storeBytes, err)
			return
		}
		m.gauge(storeBytes, float64(disk.Bytes))
		m.gauge(storeFree, float64(disk.FreeBytes))
	}
}

// emitter sends metrics.
type emitter struct{ out chan<- prometheus.Metric }

func (m emitter) gauge(d *prometheus.Desc, value float64, labels ...string) {
	m.out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (m emitter) counter(d *prometheus.Desc, value uint64, labels ...string) {
	m.out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

// causes are the values of the label cause, in the order of health.Cause.
var causes = map[health.Cause]string{health.Starting: "starting", health.Draining: "draining", health.StoreFailed: "store"}

func (m emitter) health(h *health.Health) {
	held := make(map[health.Cause]float64)
	for _, c := range h.Causes() {
		held[c] = 1
	}
	if len(held) == 0 {
		m.gauge(ready, 1)
	} else {
		m.gauge(ready, 0)
	}
	for c, name := range causes {
		m.gauge(notReady, held[c], name)
	}
}

func (m emitter) hub(c *collector) {
	s := c.sources.Hub()
	m.gauge(rooms, float64(s.Rooms))
	m.gauge(roomsListed, float64(s.Listed))
	m.gauge(members, float64(s.Members))
	m.counter(catchUps, s.Resumed, "resumed")
	m.counter(catchUps, s.Lagged, "lagged")
	m.counter(replayed, s.Replayed)
	m.gauge(memoryUsed, float64(s.MemoryBytes))
	m.gauge(erasures, float64(s.Erasure.Pending))
	m.counter(erasuresFailed, uint64(s.Erasure.Failures))
}

// traffic has the figures that several layers of the wire have a part of.
func (m emitter) traffic(c *collector) {
	s, h := c.sources.RPC(), c.sources.HTTP()
	for kind, n := range s.Streams {
		m.gauge(streams, float64(n.Open), kind.Method, kind.Protocol)
		m.counter(streamsUsed, n.Begun, kind.Method, kind.Protocol)
	}
	for kind, n := range s.StreamErrors {
		m.counter(streamsFailed, n, kind.Method, kind.Code.String())
	}
	for kind, n := range s.Calls {
		code := "ok"
		if kind.Code != 0 {
			code = kind.Code.String()
		}
		m.counter(calls, n, kind.Method, code)
	}
	m.counter(deliveries, s.Delivered)
	for i, n := range s.Readers {
		m.gauge(readers, float64(n), behindName(i))
	}
	for reason, n := range s.Cut {
		m.counter(cut, n, reason)
	}
	all, refusals := make(map[string]uint64), []map[string]uint64{s.Refused, h.Refused}
	if c.sources.SignIn != nil {
		refusals = append(refusals, c.sources.SignIn())
	}
	for _, counts := range refusals {
		for reason, n := range counts {
			all[reason] += n
		}
	}
	for reason, n := range all {
		m.counter(refused, n, reason)
	}
	m.gauge(connections, float64(max(0, h.Connections-h.HTTP2.Connections)), "http1")
	m.gauge(connections, float64(h.HTTP2.Connections), "http2")
	m.counter(waited, s.Waited+h.HTTP2.Waited)
	for budget, n := range h.HTTP2.OverBudget {
		m.counter(tripped, uint64(n), budget)
	}
	if !h.CertificateExpires.IsZero() { // there is one
		m.gauge(certificateExpires, float64(h.CertificateExpires.Unix()))
	}
}

// behindName is the value of the label behind for a range of rpc.Stats.Readers.
func behindName(i int) string {
	if i == rpc.BehindRanges-1 {
		return fmt.Sprintf("over_%d", rpc.BehindBounds[i-1])
	}
	return fmt.Sprintf("up_to_%d", rpc.BehindBounds[i])
}
