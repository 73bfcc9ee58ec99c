package datadir

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chatroom/server/internal/durable"
)

// Holder is the process that holds a data directory, as it has described itself.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Started time.Time `json:"started"`
	Listen  []string  `json:"listen"` // the addresses on which it listens
}

// InUseError is returned for a data directory that is locked.
type InUseError struct {
	Path   string
	Holder Holder // zero if it is not known
}

// Error begins with the path, so that callers can put the name of their setting
// before it.
func (e *InUseError) Error() string {
	const remedy = "stop that process, or name another directory"
	h := e.Holder
	if h.PID == 0 {
		return fmt.Sprintf("%s is in use by another process; %s", e.Path, remedy)
	}
	holder := fmt.Sprintf("process %d", h.PID)
	if host, _ := os.Hostname(); h.Host != host {
		holder += fmt.Sprintf(" on host %q", h.Host)
	}
	details := "started " + h.Started.UTC().Format(time.RFC3339)
	if len(h.Listen) > 0 {
		details += ", listening on " + strings.Join(h.Listen, ", ")
	}
	return fmt.Sprintf("%s is in use by %s (%s); %s", e.Path, holder, details, remedy)
}

func writeHolder(path string, addresses []string) error {
	host, _ := os.Hostname() // an unknown host is an empty one
	text, err := json.Marshal(Holder{
		PID: os.Getpid(), Host: host, Started: time.Now().UTC().Truncate(time.Second), Listen: addresses,
	})
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(path, holderName), append(text, '\n'))
}

// readHolder returns the zero Holder if the process has not described itself yet.
func readHolder(path string) Holder {
	var h Holder
	text, err := os.ReadFile(filepath.Join(path, holderName))
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}
