// Package driver is the protocol by which the conformance kit drives a client under test:
// lines of JSON, commands on the standard input of a driver and reports on its standard
// output. docs/CLIENTS.md describes it.
package driver

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// The commands.
const (
	Connect = "connect" // with URL, Rooms, Token, Store, HangAt
	Join    = "join"    // with Room
	Send    = "send"    // with Ref, Room, Text
	Token   = "token"   // with Token
	Close   = "close"   // the driver ends with status 0; so it does at the end of its input
)

// The reports.
const (
	Ready    = "ready"    // with Client, Cannot
	Event    = "event"    // with Room, Sequence, Text
	Handling = "handling" // with Room, Sequence
	Reset    = "reset"    // with Room
	Sent     = "sent"     // with Ref, Sequence
	Failed   = "failed"   // with Ref, Code, Message
	Status   = "status"   // with Status, Message
	NewToken = "token"    // with Token
)

// StatusRefused is the status of a client whose credential the server refuses. It is the
// only status that the kit asks for.
const StatusRefused = "refused"

// CannotResume is what a driver cannot if its client keeps no cursors across restarts.
const CannotResume = "resume"

// Command is a line of the driver's input. Drivers ignore fields that they don't know.
type Command struct {
	Command string   `json:"command"`
	URL     string   `json:"url,omitempty"`     // of the server, without a path
	Rooms   []string `json:"rooms,omitempty"`   // to follow
	Token   string   `json:"token,omitempty"`   // the credential that the application has now
	Store   string   `json:"store,omitempty"`   // a directory for what outlives a process
	HangAt  Sequence `json:"hang_at,omitempty"` // the event whose handling never ends
	Room    string   `json:"room,omitempty"`
	Ref     string   `json:"ref,omitempty"` // names a send in Sent and Failed
	Text    string   `json:"text,omitempty"`
}

// Report is a line of the driver's output. The kit ignores fields that it does not know.
type Report struct {
	Report   string            `json:"report"`
	Client   string            `json:"client,omitempty"` // the name of the client
	Cannot   map[string]string `json:"cannot,omitempty"` // what the client does not offer, and why
	Room     string            `json:"room,omitempty"`
	Sequence Sequence          `json:"sequence,omitempty"`
	Text     string            `json:"text,omitempty"`
	Ref      string            `json:"ref,omitempty"`
	Code     string            `json:"code,omitempty"` // as in the Connect protocol: "permission_denied"
	Message  string            `json:"message,omitempty"`
	Status   string            `json:"status,omitempty"`
	Token    string            `json:"token,omitempty"`
}

// Sequence is written as a string, as in the JSON form of protobuf: it may be greater than
// the integers that every language reads from a JSON number. It is read from both.
type Sequence uint64

// MarshalJSON implements json.Marshaler.
func (s Sequence) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatUint(uint64(s), 10)), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Sequence) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseUint(strings.Trim(string(b), `"`), 10, 64)
	if err != nil {
		return fmt.Errorf("sequence %s: %w", b, err)
	}
	*s = Sequence(n)
	return nil
}

// Reporter writes reports. It is safe for concurrent use.
type Reporter struct {
	mu  sync.Mutex
	out io.Writer
}

// NewReporter returns a reporter that writes to out.
func NewReporter(out io.Writer) *Reporter { return &Reporter{out: out} }

// Report writes a report. Errors of the output are ignored: the kit is gone, and the input
// ends too.
func (r *Reporter) Report(report Report) {
	line, err := json.Marshal(report)
	if err != nil {
		panic(err) // a Report can always be encoded
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.out.Write(append(line, '\n'))
}

// Commands calls do for each command, until Close or the end of the input.
func Commands(in io.Reader, do func(Command) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c Command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("command %q: %w", lines.Text(), err)
		}
		if c.Command == Close {
			return nil
		}
		if err := do(c); err != nil {
			return fmt.Errorf("command %s: %w", c.Command, err)
		}
	}
	return lines.Err()
}
