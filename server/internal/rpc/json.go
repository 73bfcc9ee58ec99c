package rpc

import (
	"encoding/json"
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/schema"
)

// maxJSONDepth bounds how deep messages may be nested. An Any is decoded once more for each
// Any around it: 64 KiB of nested ones take 2.5 s with protojson's default of 10,000.
const maxJSONDepth = 32

// newJSONCodec returns the codec for JSON. The payloads of custom events are JSON, too.
func newJSONCodec(kinds *schema.Schema) *codec {
	j := &jsonFormat{kinds: kinds, resolver: kinds.Resolver()}
	return &codec{
		name:        "json",
		eventForm:   formJSON,
		helloForm:   formHelloJSON,
		marshal:     j.marshal,
		unmarshal:   j.unmarshal,
		invalidUTF8: invalidUTF8InJSON,

		invalidField: j.invalidFieldInJSON,
	}
}

// jsonFormat encodes and decodes messages as JSON, with the types of a schema.
type jsonFormat struct {
	kinds    *schema.Schema
	resolver schema.Resolver
}

// marshal leaves out payloads of types that the server doesn't know: they were stored when
// it ran with another schema.
func (j *jsonFormat) marshal(dst []byte, m proto.Message) ([]byte, error) {
	options := protojson.MarshalOptions{Resolver: j.resolver}
	data, err := options.MarshalAppend(dst, m)
	if err == nil {
		return data, nil
	}
	known := proto.Clone(m)
	if !j.dropUnknown(known.ProtoReflect()) {
		return nil, err
	}
	return options.MarshalAppend(dst, known)
}

// dropUnknown removes the payloads of custom events that can't be encoded as JSON, and
// returns whether there were any.
func (j *jsonFormat) dropUnknown(m protoreflect.Message) (dropped bool) {
	if custom, ok := m.Interface().(*chatv1.Custom); ok {
		if _, err := (protojson.MarshalOptions{Resolver: j.resolver}).Marshal(custom.GetPayload()); err != nil {
			custom.Payload = nil
			return true
		}
		return false
	}
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsMap() || field.Message() == nil:
		case field.IsList():
			for i := range v.List().Len() {
				dropped = j.dropUnknown(v.List().Get(i).Message()) || dropped
			}
		default:
			dropped = j.dropUnknown(v.Message()) || dropped
		}
		return true
	})
	return dropped
}

// unmarshal ignores fields that it doesn't know: clients may have a newer contract. For
// a payload of an unknown type the error is an *schema.InvalidError.
func (j *jsonFormat) unmarshal(data []byte, m proto.Message) error {
	resolver := &recordingResolver{Resolver: j.resolver}
	err := protojson.UnmarshalOptions{DiscardUnknown: true, Resolver: resolver, RecursionLimit: maxJSONDepth}.Unmarshal(data, m)
	if err == nil || resolver.notFound == "" {
		return err
	}
	invalid := j.kinds.Check(&anypb.Any{TypeUrl: resolver.notFound})
	if invalid == nil {
		return err
	}
	invalid = inPayload(invalid)
	if _, onStream := m.(*chatv1.ChatRequest); onStream {
		invalid = inField("send", invalid)
	}
	return invalid
}

// recordingResolver records the type URL that it did not find: protojson's error has it
// only as text.
type recordingResolver struct {
	schema.Resolver
	notFound string
}

// FindMessageByURL implements protoregistry.MessageTypeResolver.
func (r *recordingResolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	found, err := r.Resolver.FindMessageByURL(url)
	if errors.Is(err, protoregistry.NotFound) {
		r.notFound = url
	}
	return found, err
}

// invalidUTF8InJSON returns the path of the first field of a message, in the order of
// its descriptor, whose JSON is not valid UTF-8, or "". It ends where the descriptor does:
// at the payload of a custom event, for example. The elements of repeated fields are not
// numbered.
func invalidUTF8InJSON(data []byte, d protoreflect.MessageDescriptor) string {
	var members map[string]json.RawMessage
	if utf8.Valid(data) || json.Unmarshal(data, &members) != nil {
		return ""
	}
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		value, found := members[field.JSONName()]
		if !found {
			value = members[field.TextName()]
		}
		if utf8.Valid(value) {
			continue
		}
		path := string(field.Name())
		if field.Message() == nil {
			return path
		}
		elements := []json.RawMessage{value}
		if field.IsList() && json.Unmarshal(value, &elements) != nil {
			return path
		}
		for _, element := range elements {
			if below := invalidUTF8InJSON(element, field.Message()); below != "" {
				return path + "." + below
			}
		}
		return path
	}
	return ""
}
