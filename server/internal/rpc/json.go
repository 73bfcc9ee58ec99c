package rpc

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/schema"
)

// maxJSONDepth bounds how deep messages may be in each other. Each payload in a
// payload is decoded once more for each that it is in: 64 KiB of them take 2.5 s
// with the default of protojson.
const maxJSONDepth = 32

// newJSONCodec returns the codec for JSON, in which payloads of an application's
// kinds are JSON, too.
func newJSONCodec(kinds *schema.Schema) *codec {
	j := &jsonForm{kinds: kinds, resolver: kinds.Resolver()}
	return &codec{
		name:      "json",
		frame:     formJSON,
		hello:     formHelloJSON,
		marshal:   j.marshal,
		unmarshal: j.unmarshal,
		culprit:   j.culprit,
	}
}

type jsonForm struct {
	kinds    *schema.Schema
	resolver schema.Resolver
}

// marshal leaves out the payloads that the server doesn't know any more: those were
// stored when it was started with another schema.
func (j *jsonForm) marshal(dst []byte, m proto.Message) ([]byte, error) {
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

// dropUnknown clears the payloads in a message that have no JSON form here, and
// tells whether there were any.
func (j *jsonForm) dropUnknown(m protoreflect.Message) (dropped bool) {
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

// unmarshal skips fields that it doesn't know: clients and servers need not have
// the same version of the contract.
func (j *jsonForm) unmarshal(data []byte, m proto.Message) error {
	return protojson.UnmarshalOptions{DiscardUnknown: true, Resolver: j.resolver, RecursionLimit: maxJSONDepth}.Unmarshal(data, m)
}

// culprit decodes once more, watching for what goes wrong.
func (j *jsonForm) culprit(data []byte, m proto.Message) *validate.Violations {
	if path, found := j.invalidUTF8(data, m); found {
		return notUTF8(path)
	}
	unknown := &unknownKind{Resolver: j.resolver}
	scratch := m.ProtoReflect().New().Interface()
	_ = protojson.UnmarshalOptions{DiscardUnknown: true, Resolver: unknown, RecursionLimit: maxJSONDepth}.Unmarshal(data, scratch)
	if unknown.url == "" {
		return nil
	}
	err := inPayload(j.kinds.Check(&anypb.Any{TypeUrl: unknown.url}))
	if _, onStream := m.(*chatv1.ChatRequest); onStream {
		err = inField("send", err)
	}
	if payload, ok := errors.AsType[*schema.InvalidError](err); ok {
		return payload.Detail()
	}
	return nil
}

// unknownKind is a resolver that notes what it was asked for and did not find.
type unknownKind struct {
	schema.Resolver
	url string
}

func (u *unknownKind) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	found, err := u.Resolver.FindMessageByURL(url)
	if errors.Is(err, protoregistry.NotFound) {
		u.url = url
	}
	return found, err
}

// invalidUTF8 decodes once more with a mark in place of the invalid bytes, and
// looks where the mark turns up.
func (j *jsonForm) invalidUTF8(data []byte, m proto.Message) (path string, found bool) {
	if utf8.Valid(data) {
		return "", false
	}
	mark := rand.Text()
	marked := m.ProtoReflect().New()
	if j.unmarshal(bytes.ToValidUTF8(data, []byte(mark)), marked.Interface()) != nil {
		return "", false
	}
	return holder(marked, mark)
}

// holder returns the path of the first string in a message that contains mark.
func holder(m protoreflect.Message, mark string) (path string, found bool) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		values := []protoreflect.Value{v}
		if field.IsList() {
			values = nil
			for i := range v.List().Len() {
				values = append(values, v.List().Get(i))
			}
		}
		for _, v := range values {
			switch field.Kind() {
			case protoreflect.StringKind:
				if found = strings.Contains(v.String(), mark); found {
					path = string(field.Name())
				}
			case protoreflect.MessageKind:
				var below string
				if below, found = holder(v.Message(), mark); found {
					path = string(field.Name()) + "." + below
				}
			}
			if found {
				return false
			}
		}
		return true
	})
	return path, found
}
