package rpc

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/schema"
)

// codec encodes and decodes messages in one format, in place of connect's codec of the
// same name. It differs from connect's in two ways:
//
//   - Its decoding errors are of type *decodeError and name the field, where it is
//     known, and the bound.
//   - A preEncoded message is encoded once for all streams that it is sent on.
type codec struct {
	name      string
	eventForm chat.Form // of eventFrame and roomsFrame
	helloForm chat.Form // of helloMessage
	marshal   func(dst []byte, m proto.Message) ([]byte, error)
	// unmarshal returns an error of type *schema.InvalidError if it is about the
	// payload of a custom event.
	unmarshal func(data []byte, m proto.Message) error
	// invalidUTF8 returns the path of a field whose value is not valid UTF-8, or "".
	invalidUTF8 func(data []byte, d protoreflect.MessageDescriptor) string
	// invalidField returns the path of a field whose value is not of its type, and what it
	// must be; nil for a format in which that is not known.
	invalidField func(data []byte, d protoreflect.MessageDescriptor) (path, bound string)
}

var _ connect.Codec = (*codec)(nil)

var protoCodec = &codec{
	name:      "proto",
	eventForm: formProto,
	helloForm: formHelloProto,
	marshal:   proto.MarshalOptions{}.MarshalAppend,
	// Clients may have a newer contract, but the server has no use for the fields that
	// it doesn't know.
	unmarshal:   proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal,
	invalidUTF8: invalidUTF8,
}

// Name implements connect.Codec.
func (c *codec) Name() string { return c.name }

// Marshal implements connect.Codec.
func (c *codec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

// MarshalAppend is Marshal into a buffer of the caller, which connect prefers. The bytes
// of a preEncoded message are copied, because connect reuses the buffer.
func (c *codec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	if m, ok := message.(preEncoded); ok {
		encoded, err := m.encoded(c)
		return append(dst, encoded...), err
	}
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("marshal %T: not a protobuf message", message)
	}
	return c.marshal(dst, m)
}

// Unmarshal implements connect.Codec. Its errors are of type *decodeError; the one of a
// unaryRequest is stored in the request.
func (c *codec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("unmarshal %T: not a protobuf message", message)
	}
	refusal := c.decode(data, m)
	if refusal == nil {
		return nil
	}
	err := &decodeError{refusal}
	if request, ok := message.(anyUnaryRequest); ok {
		request.setDecodeError(err)
		return nil
	}
	return err
}

// decode returns the error to refuse the request with, or nil.
func (c *codec) decode(data []byte, m proto.Message) *connect.Error {
	if len(data) > maxRequest {
		return errTooLarge()
	}
	err := c.unmarshal(data, m)
	if err == nil {
		return nil
	}
	proto.Reset(m)
	d := m.ProtoReflect().Descriptor()
	if payload, ok := errors.AsType[*schema.InvalidError](err); ok {
		return payloadError(payload)
	}
	if path := c.invalidUTF8(data, d); path != "" {
		return fieldError(connect.CodeInvalidArgument, path, "utf8", "must be valid UTF-8")
	}
	if c.invalidField != nil {
		if path, bound := c.invalidField(data, d); path != "" {
			return fieldError(connect.CodeInvalidArgument, path, "request."+c.name, bound)
		}
	}
	reason := strings.ToValidUTF8(err.Error(), "\uFFFD") // protojson quotes the request as it is
	return fieldError(connect.CodeInvalidArgument, "", "request."+c.name,
		fmt.Sprintf("the request must be a %s in %s form: %s", d.FullName(), c.name, reason))
}

// invalidUTF8 returns the path of the first string in a binary message that is not valid
// UTF-8, or "". The elements of repeated fields are not numbered.
func invalidUTF8(data []byte, d protoreflect.MessageDescriptor) string {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return ""
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return ""
		}
		value := data[n : n+size]
		data = data[n+size:]
		field := d.Fields().ByNumber(number)
		if field == nil || kind != protowire.BytesType {
			continue
		}
		value, _ = protowire.ConsumeBytes(value)
		switch field.Kind() {
		case protoreflect.StringKind:
			if !utf8.Valid(value) {
				return string(field.Name())
			}
		case protoreflect.MessageKind:
			if path := invalidUTF8(value, field.Message()); path != "" {
				return string(field.Name()) + "." + path
			}
		}
	}
	return ""
}
