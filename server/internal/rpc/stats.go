package rpc

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/tally"
)

// Stats are figures of a Server. Those without "now" are counts since it began.
type Stats struct {
	Streams map[StreamKind]StreamStats
	Calls   map[CallKind]uint64 // unary calls that were decoded and have ended
	// StreamErrors are streams that could not begin, or have ended with an error. What a credential or
	// a limit on streams refuses before, and a cut, is not among them.
	StreamErrors map[CallKind]uint64
	Delivered    uint64            // events that were appended to streams
	Waited       uint64            // writes to connections of HTTP/1 that had to wait
	Readers      [BehindRanges]int // by how many events of a room they have not taken, now
	Refused      map[string]uint64 // calls, by the limit or another reason
	Cut          map[string]uint64 // streams and calls that were cut, by the reason
}

// StreamKind is a method, such as "chat.v1.ChatRoom/Chat", and the protocol that it is called by: "connect", "grpc" or
// "grpc-web".
type StreamKind struct{ Method, Protocol string }

// StreamStats are figures of the streams of a kind.
type StreamStats struct {
	Open  int // now
	Begun uint64
}

// CallKind is a method and the code that it has ended with: 0 is success.
type CallKind struct {
	Method string
	Code   connect.Code
}

// BehindRanges is how many ranges of Stats.Readers there are. The first is of those that
// have taken everything, the last has no bound.
const BehindRanges = 5

// BehindBounds are the greatest numbers of events in the ranges but the last.
var BehindBounds = [BehindRanges - 1]uint64{0, 10, 100, 1000}

// streamCount counts the streams of a kind. Server.mu guards it.
type streamCount struct {
	open  int
	begun uint64
}

// countLocked counts a stream that begins.
func (s *Server) countLocked(st *stream) {
	kind := StreamKind{strings.TrimPrefix(st.origin.path, "/"), protocolOf(st.origin.contentType)}
	if st.count = s.kinds[kind]; st.count == nil {
		st.count = new(streamCount)
		s.kinds[kind] = st.count
	}
	st.count.open++
	st.count.begun++
}

func protocolOf(contentType string) string {
	switch {
	case strings.HasPrefix(contentType, "application/grpc-web"):
		return "grpc-web"
	case strings.HasPrefix(contentType, "application/grpc"):
		return "grpc"
	default:
		return "connect"
	}
}

// counts are what handlers count. Its zero value is ready to use.
type counts struct {
	refused, cut         tally.Tally
	calls, failedStreams codeCounts
}

// begin has what can be counted begin at 0, for the methods of services.
func (c *counts) begin(services []string) {
	for _, limit := range ratelimit.Names() {
		if limit != ratelimit.Error.String()+"."+ratelimit.Address.String() { // it refuses nothing
			c.refused.Begin(limit)
		}
	}
	c.refused.Begin(refusedCredential, refusedIssuer, refusedRights)
	c.cut.Begin(cutSlowReader, cutSlowRequest)
	for _, service := range services {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
		if err != nil {
			continue // it is not generated: it can't be served
		}
		methods := d.(protoreflect.ServiceDescriptor).Methods()
		for i := range methods.Len() {
			m, of := methods.Get(i), &c.calls
			if m.IsStreamingServer() {
				of = &c.failedStreams
			}
			of.of("/" + service + "/" + string(m.Name()))
		}
	}
}

// Reasons of refusals and cuts that are no limits.
const (
	refusedCredential = "credential"
	refusedIssuer     = "issuer_unavailable"
	refusedRights     = "rights"
	cutSlowReader     = "slow_reader"
	cutSlowRequest    = "slow_request"
)

// codes is one more than the greatest code.
const codes = int(connect.CodeUnauthenticated) + 1

// codeCounts counts by procedure and code. Its zero value is ready to use.
type codeCounts struct{ procedures sync.Map } // *[codes]atomic.Uint64 by procedure

func (c *codeCounts) of(procedure string) *[codes]atomic.Uint64 {
	all, ok := c.procedures.Load(procedure)
	if !ok {
		all, _ = c.procedures.LoadOrStore(procedure, new([codes]atomic.Uint64))
	}
	return all.(*[codes]atomic.Uint64)
}

// add counts one that has ended.
func (c *codeCounts) add(procedure string, code connect.Code) {
	c.of(procedure)[min(int(code), codes-1)].Add(1)
}

// counts returns all counts that are not 0, and those of the codes that begin at 0.
func (c *codeCounts) counts(begun ...connect.Code) map[CallKind]uint64 {
	counts := make(map[CallKind]uint64)
	c.procedures.Range(func(procedure, all any) bool {
		for code := range all.(*[codes]atomic.Uint64) {
			n, code := all.(*[codes]atomic.Uint64)[code].Load(), connect.Code(code)
			if n > 0 || slices.Contains(begun, code) {
				counts[CallKind{strings.TrimPrefix(procedure.(string), "/"), code}] = n
			}
		}
		return true
	})
	return counts
}

// countRefusal counts a call that a limit refuses, by its name.
func (s *Server) countRefusal(err error) {
	var rate *ratelimit.Refusal
	var full *ratelimit.FullError
	switch {
	case errors.As(err, &rate):
		s.counts.refused.Add(rate.Limit())
	case errors.As(err, &full):
		s.counts.refused.Add(full.Limit)
	}
}

// Stats returns figures as of now. It looks at each stream.
func (s *Server) Stats() Stats {
	stats := Stats{
		Streams:      make(map[StreamKind]StreamStats),
		Calls:        s.counts.calls.counts(0, connect.CodeInternal),
		StreamErrors: s.counts.failedStreams.counts(connect.CodeInternal),
		Delivered:    s.pool.Counted(),
		Waited:       s.taken.Waited(),
		Refused:      s.counts.refused.Counts(),
		Cut:          s.counts.cut.Counts(),
	}
	s.mu.Lock()
	for kind, c := range s.kinds {
		stats.Streams[kind] = StreamStats{c.open, c.begun}
	}
	streams := make([]*stream, 0, len(s.streams))
	for st := range s.streams {
		streams = append(streams, st)
	}
	s.mu.Unlock()
	for _, st := range streams {
		st.feed.Behind(func(events uint64) { stats.Readers[behindRange(events)]++ })
	}
	return stats
}

func behindRange(events uint64) int {
	for i, most := range BehindBounds {
		if events <= most {
			return i
		}
	}
	return BehindRanges - 1
}
