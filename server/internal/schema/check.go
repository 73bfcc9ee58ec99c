package schema

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

const (
	// MaxDepth is how deep messages in a payload may be nested: what decoders of
	// other languages accept.
	MaxDepth = 100
	// maxNested is how deep an Any may be nested in an Any. Each level is copied and decoded
	// separately.
	maxNested = 8
)

// Check returns nil if the payload may be sent: its type is one of Types, its
// bytes are such a message, and the message satisfies the type's rules. Otherwise it returns
// an *InvalidError.
//
// The type URL is type.googleapis.com/ or / and the type's name. Check changes neither the
// URL nor the bytes.
//
// An Any inside the payload may have any type that the Resolver knows. It must decode, and
// satisfy its rules if its type is one of the set's.
func (s *Schema) Check(payload *anypb.Any) error {
	t, v := s.find(payload.GetTypeUrl())
	if v != nil {
		return &InvalidError{[]*validate.Violation{v}}
	}
	violations := s.content(t, payload.GetValue(), 0)
	if len(violations) == 0 {
		return nil
	}
	for _, v := range violations {
		shorten(v)
	}
	return &InvalidError{violations}
}

// find returns the type for a URL, or a violation.
func (s *Schema) find(url string) (protoreflect.MessageType, *validate.Violation) {
	if s == nil {
		return nil, violation("type.known", "must not be sent: this server knows no types of events, since it was started without -schema")
	}
	name, found := strings.CutPrefix(strings.TrimPrefix(url, "type.googleapis.com"), "/")
	if !found {
		return nil, violation("type.url", fmt.Sprintf("must have a type URL like type.googleapis.com/%s, and not %.100q", s.types[0], url))
	}
	t, found := s.sendable[protoreflect.FullName(name)]
	if !found {
		return nil, violation("type.known", fmt.Sprintf("must be of a type in the server's schema, which are %s, and not %.100q: the server can be started with another schema", s.known, name))
	}
	return t, nil
}

// content returns the violations of the bytes of a message, which is inside of nested Anys.
func (s *Schema) content(t protoreflect.MessageType, data []byte, nested int) []*validate.Violation {
	m := t.New()
	if err := s.decode(data, m.Interface()); err != nil {
		if v := invalidUTF8(data, m.Descriptor()); v != nil {
			return []*validate.Violation{v}
		}
		return []*validate.Violation{violation("type.binary", fmt.Sprintf("must be a %s in binary form: %v", m.Descriptor().FullName(), err))}
	}
	if v := s.showable(m, nested); v != nil {
		return []*validate.Violation{v}
	}
	if _, err := s.resolver.own.FindMessageByName(m.Descriptor().FullName()); err != nil {
		return nil // the binary's types have no rules for applications
	}
	return s.rules(m.Interface(), len(data))
}

func (s *Schema) decode(data []byte, m proto.Message) (err error) {
	defer func() {
		// protobuf-go 1.36.12 panics in a dynamic message if the key of a map entry occurs
		// twice, the second time with another wire type.
		if p := recover(); p != nil {
			err = fmt.Errorf("can't decode: %v", p)
		}
	}()
	return proto.UnmarshalOptions{
		Resolver:       s.resolver,
		RecursionLimit: MaxDepth,
		AllowPartial:   true, // showable finds the path of missing fields
		DiscardUnknown: true, // in the decoded copy, not in what is sent
	}.Unmarshal(data, m)
}

// showable returns the violations that prevent a message from being written as JSON, and
// those of missing required fields.
func (s *Schema) showable(m protoreflect.Message, nested int) *validate.Violation {
	d := m.Descriptor()
	switch d.FullName() {
	case "google.protobuf.Any":
		return s.showableAny(m, nested)
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask",
		"google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue":
		// Not all of their values can be written as JSON, and the rules are long.
		if _, err := protojson.Marshal(m.Interface()); err != nil {
			return violation("type.json", fmt.Sprintf("must have a form in JSON: %v", err))
		}
		return nil
	}
	for i := range d.RequiredNumbers().Len() {
		if field := d.Fields().ByNumber(d.RequiredNumbers().Get(i)); !m.Has(field) {
			return at(violation("required", "must be set"), field)
		}
	}
	var found *validate.Violation
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsMap():
			found = s.showableMap(field, value.Map(), nested)
		case field.IsList():
			for i := 0; i < value.List().Len() && found == nil; i++ {
				found = atIndex(s.showableValue(field, value.List().Get(i), nested), field, i)
			}
		default:
			found = at(s.showableValue(field, value, nested), field)
		}
		return found == nil
	})
	return found
}

func (s *Schema) showableMap(field protoreflect.FieldDescriptor, m protoreflect.Map, nested int) (found *validate.Violation) {
	m.Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
		// A key that is not valid UTF-8 can't be in the path.
		found = at(s.showableValue(field.MapKey(), key.Value(), nested), field)
		if found == nil {
			found = atKey(s.showableValue(field.MapValue(), value, nested), field, key)
		}
		return found == nil
	})
	return found
}

func (s *Schema) showableValue(field protoreflect.FieldDescriptor, value protoreflect.Value, nested int) *validate.Violation {
	switch field.Kind() {
	case protoreflect.StringKind:
		// Decoding does not check the strings of proto2, but writing JSON does.
		if !utf8.ValidString(value.String()) {
			return violation("utf8", "must be valid UTF-8")
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return s.showable(value.Message(), nested)
	}
	return nil
}

func (s *Schema) showableAny(m protoreflect.Message, nested int) *validate.Violation {
	fields := m.Descriptor().Fields()
	url, data := m.Get(fields.ByName("type_url")).String(), m.Get(fields.ByName("value")).Bytes()
	if url == "" && len(data) == 0 {
		return nil
	}
	if nested == maxNested {
		return violation("type.depth", fmt.Sprintf("must be in at most %d others of its kind", maxNested))
	}
	t, err := s.resolver.FindMessageByURL(url)
	if err != nil {
		return violation("type.known", fmt.Sprintf("must hold a type that the server knows, from its schema or by itself, and not %.100q", url))
	}
	if violations := s.content(t, data, nested+1); len(violations) > 0 {
		return violations[0]
	}
	return nil
}

// invalidUTF8 returns the violation for the first string in a message that is not valid
// UTF-8, if there is one.
func invalidUTF8(data []byte, d protoreflect.MessageDescriptor) *validate.Violation {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return nil
		}
		value := data[n : n+size]
		data = data[n+size:]
		field := d.Fields().ByNumber(number)
		if field == nil || kind != protowire.BytesType {
			continue
		}
		value, _ = protowire.ConsumeBytes(value)
		var v *validate.Violation
		switch field.Kind() {
		case protoreflect.StringKind:
			if !utf8.Valid(value) {
				v = violation("utf8", "must be valid UTF-8")
			}
		case protoreflect.MessageKind:
			v = invalidUTF8(value, field.Message())
		}
		if v != nil {
			return at(v, field)
		}
	}
	return nil
}

// known lists types in a message to callers: the first ones if there are many.
func known(types []string) string {
	const most = 8
	if len(types) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(types[:most], ", "), len(types)-most)
	}
	if len(types) == 1 {
		return types[0]
	}
	last := len(types) - 1
	return strings.Join(slices.Clone(types[:last]), ", ") + " and " + types[last]
}
