package main

import (
	"context"
	"io"
	"slices"
	"testing"
	"testing/synctest"

	"connectrpc.com/connect"

	"chatroom/server/internal/conformance/kit"
	"chatroom/server/internal/conformance/reference"
)

// runReference runs all scenarios with a reference client, in a bubble.
func runReference(t *testing.T, config reference.Config) (results []kit.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := newNetwork()
		config.Dial = network.dial
		results = kit.Run(t.Context(), kit.Config{
			Client: kit.Func(func(ctx context.Context, in io.Reader, out io.Writer) error {
				return reference.Run(ctx, in, out, config)
			}),
			Network:  network.kit(),
			Parallel: len(kit.Scenarios()),
		})
	})
	return results
}

// checkPasses checks that a client passes all scenarios.
func checkPasses(t *testing.T, results []kit.Result) {
	t.Helper()
	for _, r := range results {
		for _, p := range r.Problems {
			t.Errorf("%s: %s", r.Scenario.Name, p)
		}
		if r.Skipped != "" {
			t.Errorf("%s is skipped: %s", r.Scenario.Name, r.Skipped)
		}
	}
	if len(results) != len(kit.Scenarios()) {
		t.Errorf("there are %d results, want %d", len(results), len(kit.Scenarios()))
	}
}

// A client that follows the rules passes, over each protocol.
func TestReferencePasses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config reference.Config
	}{
		{"Connect over HTTP/1.1", reference.Config{}},
		{"Connect with JSON over HTTP/1.1", reference.Config{Options: []connect.ClientOption{connect.WithProtoJSON()}}},
		{"gRPC over HTTP/2", reference.Config{HTTP2: true, Options: []connect.ClientOption{connect.WithGRPC()}}},
		{"gRPC-Web over HTTP/2", reference.Config{HTTP2: true, Options: []connect.ClientOption{connect.WithGRPCWeb()}}},
	} {
		t.Run(tt.name, func(t *testing.T) { checkPasses(t, runReference(t, tt.config)) })
	}
}

// Each fault is caught by the scenarios that are meant for it, and only by those where it
// shows too.
func TestFaultsAreCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs all scenarios 26 times, which takes half a minute")
	}
	resumes := []string{
		"cut", "cut-in-frame", "stream-ends", "silent", "black-hole", "events-1000", "duplicates", "ephemeral",
		"unknown-events", "sequences-64-bit", "reset-epoch", "reset-retention", "several-rooms", "join-later", "drain",
		"token-expired", "gap", "reordered", "restart", "drain-open", "send-answer-lost", "send-black-hole", "sends-in-order", "token-renewal",
	}
	for _, tt := range []struct {
		fault reference.Fault
		meant []string // fail
		also  []string // may fail; nil for all if a client with this fault has no stream for long
	}{
		{reference.CursorBeforeHandling, []string{"restart"}, []string{}},
		{reference.NewIDAtRetry, []string{"send-answer-lost", "send-black-hole"}, []string{"send-retry-info", "send-unavailable", "sends-in-order"}},
		{reference.IgnoresReset, []string{"reset-epoch", "reset-retention"}, []string{}},
		{reference.IgnoresDraining, []string{"drain", "drain-open"}, []string{}},
		{reference.NoBackOff, []string{"unavailable", "send-unavailable"}, []string{}},
		{reference.NoJitter, []string{"unavailable"}, []string{}},
		{reference.TrustsClock, []string{"clock-behind"}, []string{}},
		{reference.FailsOnUnknown, []string{"unknown-frames", "unknown-events"}, []string{}},
		{reference.AppliesDuplicates, []string{"duplicates"}, []string{"reordered"}},
		{reference.IgnoresGaps, []string{"gap", "reordered"}, []string{}},
		{reference.CountsSequences, []string{"live"}, nil},
		{reference.StartsLive, []string{"cut", "cut-in-frame", "stream-ends", "reset-epoch", "reset-retention", "events-1000", "restart"}, resumes},
		{reference.IgnoresSilence, []string{"silent", "black-hole"}, []string{}},
		{reference.IgnoresRetryInfo, []string{"retry-info", "send-retry-info"}, []string{}},
		{reference.EphemeralCursor, []string{"ephemeral"}, []string{}},
		{reference.SharedCursor, []string{"several-rooms", "join-later"}, []string{}},
		{reference.StreamPerRoom, []string{"several-rooms", "join-later"}, []string{}},
		{reference.RoundsSequences, []string{"sequences-64-bit"}, []string{}},
		{reference.SendsConcurrently, []string{"sends-in-order"}, []string{}},
		{reference.RepeatsRefused, []string{"send-refused"}, []string{}},
		{reference.GivesUpSends, []string{"send-answer-lost", "send-black-hole"}, []string{"send-retry-info", "send-unavailable", "sends-in-order"}},
		{reference.IgnoresExpiring, []string{"token-renewal"}, []string{}},
		{reference.KeepsToken, []string{"token-expired", "token-renewal"}, []string{}},
		{reference.HidesRefusal, []string{"token-refused"}, []string{}},
		{reference.ImpatientStart, []string{"slow-start"}, []string{}},
		{reference.JoinsLive, []string{"join-later"}, []string{}},
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			for _, r := range runReference(t, reference.Config{Fault: tt.fault}) {
				name, failed := r.Scenario.Name, len(r.Problems) > 0
				if slices.Contains(tt.meant, name) && !failed {
					t.Errorf("%s has not caught it", name)
				}
				if failed && !slices.Contains(tt.meant, name) && tt.also != nil && !slices.Contains(tt.also, name) {
					t.Errorf("%s has caught something else: %q", name, r.Problems)
				}
			}
		})
	}
}
