package scenario

import (
	"slices"
	"strings"

	"chatroom/bench/internal/report"
)

// Targets returns what the service should reach.
func Targets() []report.Target { return slices.Concat(delivery(), floods(), callFloods(), store()) }

// delivery returns the targets of fan-out.
func delivery() []report.Target {
	var targets []report.Target
	each := func(variants []string, t report.Target) {
		for _, v := range variants {
			t.Variant = v
			targets = append(targets, t)
		}
	}
	h2, both := []string{connectH2}, []string{connectH2, connectHTTP1}

	each(both, report.Target{Scenario: "rate-20", Metric: report.ServerMicros, Peer: rawTCP, AtMost: 1.25})
	each(h2, report.Target{Scenario: "rate-100", Metric: report.ServerMicros, Peer: rawTCP, AtMost: 1.25})
	each(h2, report.Target{Scenario: "rate-100", Metric: report.Achieved, AtLeast: 0.99})
	each(h2, report.Target{Scenario: "rate-100", Metric: report.P99, Peer: rawTCP, AtMost: 1.3})
	each(h2, report.Target{Scenario: "one-sender", Metric: report.ServerMicros, Peer: grpcChannels, AtMost: 1.25})
	for _, scenario := range []string{"window-16", "window-256"} {
		for _, peer := range []string{grpcChannels, gorilla} {
			each(both, report.Target{Scenario: scenario, Metric: report.ServerMicros, Peer: peer, AtMost: 0.8})
		}
	}
	each([]string{connectH2Shared}, report.Target{Scenario: "shared", Metric: report.ServerMicros, Peer: rawTCP, AtMost: 0.3})
	each(both, report.Target{Scenario: curveName, Metric: report.ServerMicros, Spread: true, AtMost: 1.3})
	each(both, report.Target{Scenario: curveName, Metric: report.ServerMicros, Peer: rawTCP, AtMost: 1.3})
	each(both, report.Target{Scenario: "idle", Metric: report.IdleKiB, AtMost: 12})
	returning := append(both, herdShared)
	each(returning, report.Target{Scenario: "herd", Metric: report.LiveSeconds, AtMost: 3})
	each(returning, report.Target{Scenario: "herd", Metric: report.PeakMiB, AtMost: 200})
	return targets
}

// floods returns the targets of what clients cost that mean harm.
func floods() []report.Target {
	var targets []report.Target
	for _, v := range (flood{}).Variants() {
		target := report.Target{Scenario: floodName, Variant: v.Name}
		add := func(m report.Metric, atMost float64) {
			target.Metric, target.AtMost = m, atMost
			targets = append(targets, target)
		}
		add(report.SpentCores, 0.05)
		add(report.P99Growth, 2)
		if !strings.HasPrefix(v.Name, zeroWindow) {
			add(report.ClosedMillis, 1000)
		}
	}
	return targets
}

// callFloods returns the targets of floods of calls, with the limits that are on by default.
func callFloods() []report.Target {
	var targets []report.Target
	for _, v := range (callFlood{}).Variants() {
		target := report.Target{Scenario: callFloodName, Variant: v.Name}
		target.Metric, target.AtMost = report.P99Growth, 2
		targets = append(targets, target)
		target.Metric, target.AtMost = report.PeakMiB, 200
		targets = append(targets, target)
	}
	return targets
}

// store returns the targets of what is kept: events are on disk before they are
// answered.
func store() []report.Target {
	var targets []report.Target
	cost := func(scenario, variant string, perSecond, micros float64) {
		targets = append(targets, report.Target{Scenario: scenario, Variant: variant, Metric: report.PerSecond, AtLeast: perSecond})
		if micros > 0 {
			targets = append(targets, report.Target{Scenario: scenario, Variant: variant, Metric: report.ServerMicros, AtMost: micros})
		}
	}
	cost("send", sendFewRooms, 18_000, 75)
	cost("send", sendManyRooms, 18_000, 75)
	cost("publish", bySend, 14_000, 90)
	cost("publish", byChat, 30_000, 0)
	cost("rooms", connectH2, 10_000, 120)
	return targets
}
