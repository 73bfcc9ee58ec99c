package crash

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
)

var shiftLine = regexp.MustCompile(`(?m)^room "([^"]+)": sequence 1 of the file is (\d+) here$`)

// shiftsIn returns by how much an import has shifted the sequences of each room, as its output
// says.
func shiftsIn(out string) map[string]uint64 {
	shifts := make(map[string]uint64)
	for _, match := range shiftLine.FindAllStringSubmatch(out, -1) {
		if first, err := strconv.ParseUint(match[2], 10, 64); err == nil && first > 0 {
			shifts[match[1]] = first - 1
		}
	}
	return shifts
}

// unshift gives an event that was imported the sequences of the room that was exported.
func (b backup) unshift(e *Event) {
	by := b.shifts[e.Room]
	for _, sequence := range []*uint64{&e.Sequence, &e.Previous, &e.Body.Target} {
		if *sequence != 0 {
			*sequence -= by
		}
	}
}

// exportedLine is what is needed of a line.
type exportedLine struct {
	Sequence string          `json:"sequence"`
	Previous string          `json:"previous"`
	Deletion json.RawMessage `json:"deletion"`
	Reaction json.RawMessage `json:"reaction"`
	Edit     json.RawMessage `json:"edit"`
	Message  json.RawMessage `json:"message"`
	Trailer  *struct {
		Room   string `json:"room"`
		Events int    `json:"events"`
		SHA256 string `json:"sha256"`
	} `json:"trailer"`
}

func (l exportedLine) is(kind BodyKind) bool {
	return map[BodyKind]json.RawMessage{Message: l.Message, Edit: l.Edit, Deletion: l.Deletion, Reaction: l.Reaction}[kind] != nil
}

// oldestOf returns the lowest sequence of a kind of event in an export: its sender has had the
// acknowledgement for the longest time.
func oldestOf(text []byte, kind BodyKind) string {
	oldest, lowest := "", uint64(0)
	for line := range bytes.Lines(text) {
		var l exportedLine
		if json.Unmarshal(line, &l) != nil || !l.is(kind) {
			continue
		}
		if sequence, err := strconv.ParseUint(l.Sequence, 10, 64); err == nil && (oldest == "" || sequence < lowest) {
			oldest, lowest = l.Sequence, sequence
		}
	}
	return oldest
}

// dropLine removes the oldest event of a kind from an export, and corrects the chain and the
// checksum, so that only a comparison with what was acknowledged finds out.
func dropLine(file string, kind BodyKind) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	oldest := oldestOf(text, kind)
	var out bytes.Buffer
	var dropped *exportedLine
	relink, section := false, sha256.New()
	for line := range bytes.Lines(text) {
		var l exportedLine
		if err := json.Unmarshal(line, &l); err != nil {
			return err
		}
		switch {
		case oldest != "" && l.Sequence == oldest:
			dropped, relink = &l, true
			continue
		case relink && l.Sequence != "":
			relink = false
			line = relinked(line, l, *dropped)
		case relink && l.Trailer != nil:
			relink = false
		}
		if l.Trailer != nil {
			events := bytes.Count(out.Bytes(), []byte(fmt.Sprintf(`{"room":%q,`, l.Trailer.Room)))
			line = fmt.Appendf(nil, `{"trailer":{"room":%q,"events":%d,"sha256":"%x"}}`+"\n", l.Trailer.Room, events, section.Sum(nil))
			section.Reset()
		} else {
			section.Write(line)
		}
		out.Write(line)
	}
	if dropped == nil {
		return fmt.Errorf("%s has no %s to drop", file, kind)
	}
	return os.WriteFile(file, out.Bytes(), 0o600)
}

// relinked returns a line whose previous is that of the line that was before it.
func relinked(line []byte, l, dropped exportedLine) []byte {
	previous := fmt.Appendf(nil, `"previous":%q,`, l.Previous)
	var instead []byte
	if dropped.Previous != "" {
		instead = fmt.Appendf(nil, `"previous":%q,`, dropped.Previous)
	}
	return bytes.Replace(line, previous, instead, 1)
}
