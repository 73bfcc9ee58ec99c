// Package lines prints the events of a room as lines, for pipes.
package lines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"chatroom/client"
	"chatroom/client/chat/internal/printable"
	chatv1 "chatroom/gen/chat/v1"
)

// Printer prints events. Each Write of an event ends with the end of its last line, so that
// a reader never waits for the rest.
type Printer struct {
	Out io.Writer
	// JSON selects one JSON object per event, as in ListEventsResponse.events, and for
	// events that can't be delivered {"reset":…} as in Frame. Without it, messages and
	// edits are printed, in lines that each begin with time and name.
	JSON     bool
	Location *time.Location
}

// Update prints what a feed yields, if it is for printing.
func (p *Printer) Update(u client.Update) error {
	switch u := u.(type) {
	case client.Event:
		if p.JSON {
			return p.writeJSON(u.Event)
		}
		return p.writeText(u.Event)
	case client.Reset:
		if p.JSON {
			return p.writeJSON(&chatv1.Frame{Kind: &chatv1.Frame_Reset_{Reset_: &chatv1.Reset{Room: u.Room, Epoch: u.Epoch, Oldest: u.Oldest, Head: u.Head}}})
		}
	}
	return nil
}

func (p *Printer) writeJSON(m proto.Message) error {
	encoded, err := protojson.Marshal(m)
	if e, ok := m.(*chatv1.Event); err != nil && ok && e.GetCustom() != nil {
		// The type of the payload is the application's. It is unset, as in the responses of a
		// server that does not know the type.
		e = proto.CloneOf(e)
		e.GetCustom().Payload = nil
		encoded, err = protojson.Marshal(e)
	}
	if err != nil {
		return err
	}
	var line bytes.Buffer // protojson adds spaces at random
	if err := json.Compact(&line, encoded); err != nil {
		return err
	}
	_, err = io.WriteString(p.Out, escape(line.String())+"\n")
	return err
}

// escape escapes what controls a terminal. In JSON it occurs in strings only.
func escape(encoded string) string {
	control := func(r rune) bool { return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Bidi_Control, r) }
	if !strings.ContainsFunc(encoded, control) {
		return encoded
	}
	var b strings.Builder
	for _, r := range encoded {
		if control(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (p *Printer) writeText(e *chatv1.Event) error {
	text, mark := e.GetMessage().GetText(), ""
	if e.GetEdit() != nil {
		text, mark = e.GetEdit().GetText(), " (edit)"
	}
	if text == "" {
		return nil
	}
	// Each line has the name: otherwise a message could contain lines that look like those
	// of others.
	prefix := fmt.Sprintf("%s %s%s: ", e.GetTime().AsTime().In(p.Location).Format(time.DateTime), printable.Line(e.GetSender().GetName()), mark)
	var b strings.Builder
	for line := range strings.SplitSeq(printable.Text(text), "\n") {
		b.WriteString(prefix + line + "\n")
	}
	_, err := io.WriteString(p.Out, b.String())
	return err
}
