package roomfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/schema"
)

// Writer writes rooms. Create it with NewWriter.
type Writer struct {
	out     io.Writer
	types   schema.Resolver
	options protojson.MarshalOptions
	sum     hash.Hash // of the lines of the section
	line    bytes.Buffer
	partial int
}

// NewWriter returns a writer. The kinds are those of custom events, nil for none.
func NewWriter(out io.Writer, kinds *schema.Schema) *Writer {
	types := kinds.Resolver()
	return &Writer{out: out, types: types, options: protojson.MarshalOptions{Resolver: types}, sum: sha256.New()}
}

// Partial returns how many events have been written whose custom payload has fields that its
// type does not declare. JSON can't express those.
func (w *Writer) Partial() int { return w.partial }

// Room writes a room, and returns how many events it has. The events come in the order of
// their sequences.
func (w *Writer) Room(h Header, events iter.Seq2[*chat.Event, error]) (n int, err error) {
	w.sum.Reset()
	h.Version = Version
	if err := w.value(headerLine{&h}); err != nil {
		return 0, err
	}
	for e, err := range events {
		if err != nil {
			return n, err
		}
		if err := w.event(e); err != nil {
			return n, fmt.Errorf("event %d: %w", e.Sequence, err)
		}
		n++
	}
	return n, w.value(trailerLine{&Trailer{Room: h.Room, Events: n, SHA256: hex.EncodeToString(w.sum.Sum(nil))}})
}

// value writes a header or a trailer.
func (w *Writer) value(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.write(text)
}

// event writes an event.
func (w *Writer) event(e *chat.Event) error {
	if e.Body == nil || !e.Body.Durable() {
		return errors.New("it is of a kind that this version does not know: use the release that has stored it")
	}
	m := eventpb.FromEvent(e)
	text, err := w.options.Marshal(m)
	if custom := m.GetCustom(); custom != nil {
		if err != nil {
			return fmt.Errorf("its type %q is not in the -schema, or its payload is not valid: %w", custom.GetPayload().GetTypeUrl(), err)
		}
		payload, err := resolve(w.types, custom.GetPayload())
		if err != nil {
			return err
		}
		if hasUnknown(payload.ProtoReflect()) {
			w.partial++
		}
	}
	if err != nil {
		return err
	}
	return w.write(text)
}

// resolve decodes a payload.
func resolve(types schema.Resolver, payload *anypb.Any) (proto.Message, error) {
	t, err := types.FindMessageByURL(payload.GetTypeUrl())
	if err != nil {
		return nil, err
	}
	m := t.New().Interface()
	return m, proto.UnmarshalOptions{Resolver: types, AllowPartial: true}.Unmarshal(payload.GetValue(), m)
}

// hasUnknown reports whether a message, or one in it, has fields that its type does not
// declare.
func hasUnknown(m protoreflect.Message) bool {
	found := len(m.GetUnknown()) > 0
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsMap() && field.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				found = found || hasUnknown(v.Message())
				return !found
			})
		case field.IsMap() || field.Message() == nil:
		case field.IsList():
			for i := 0; i < v.List().Len() && !found; i++ {
				found = hasUnknown(v.List().Get(i).Message())
			}
		default:
			found = found || hasUnknown(v.Message())
		}
		return !found
	})
	return found
}

// write writes a line. The white space in what protojson writes differs between builds, so it
// is removed.
func (w *Writer) write(text []byte) error {
	w.line.Reset()
	if err := json.Compact(&w.line, text); err != nil {
		return err
	}
	w.line.WriteByte('\n')
	if w.line.Len() > MaxLine {
		return fmt.Errorf("its line has %d bytes, and may have %d", w.line.Len(), MaxLine)
	}
	w.sum.Write(w.line.Bytes())
	_, err := w.out.Write(w.line.Bytes())
	return err
}
