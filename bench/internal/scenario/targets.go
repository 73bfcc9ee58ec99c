package scenario

import "chatroom/bench/internal/report"

// Targets returns what the service should reach.
func Targets() []report.Target {
	return []report.Target{
		{Scenario: "rate", Variant: connectH2, Peer: grpcChannels, AtMost: 1.05},
		{Scenario: "rate", Variant: connectHTTP1, Peer: gorilla, AtMost: 1.05},
		{Scenario: "saturate", Variant: connectH2, Peer: grpcChannels, AtMost: 0.75},
		{Scenario: "saturate", Variant: connectHTTP1, Peer: gorilla, AtMost: 1.0},
		{Scenario: "idle", Variant: connectH2, AtMost: 48},
		{Scenario: "idle", Variant: connectHTTP1, AtMost: 28},
	}
}
