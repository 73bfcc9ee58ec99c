package rpc

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"

	"chatroom/server/internal/chat"
)

// codec is connect's own codec, except that a request which can't be decoded is
// no error yet. Connect answers such an error itself, without details, and ends
// the stream. This one notes the violation in the message, as an unknown field,
// for the decoding interceptor to find.
//
// Messages that many streams are sent are encoded once for all of them. What it
// returns is a copy, as connect keeps it in its pool of buffers and writes over it.
type codec struct {
	name         string
	frame, hello chat.Form // of eventFrame and helloMessage
	marshal      func(dst []byte, m proto.Message) ([]byte, error)
	unmarshal    func(data []byte, m proto.Message) error
	// culprit finds the path of the field that is not valid UTF-8.
	culprit func(data []byte, m proto.Message) (path string, found bool)
}

var protoCodec = &codec{
	name:    "proto",
	frame:   formProto,
	hello:   formHelloProto,
	marshal: proto.MarshalOptions{}.MarshalAppend,
	// Unknown fields are of no use here, and nobody but this codec notes
	// violations in one.
	unmarshal: proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal,
	culprit: func(data []byte, m proto.Message) (string, bool) {
		return invalidUTF8(data, m.ProtoReflect().Descriptor())
	},
}

var jsonCodec = &codec{
	name:      "json",
	frame:     formJSON,
	hello:     formHelloJSON,
	marshal:   protojson.MarshalOptions{}.MarshalAppend,
	unmarshal: unmarshalJSON,
	culprit:   invalidJSONUTF8,
}

// unmarshalJSON skips fields that it doesn't know: clients and servers need not
// have the same version of the contract.
func unmarshalJSON(data []byte, m proto.Message) error {
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, m)
}

func (c *codec) Name() string { return c.name }

func (c *codec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (c *codec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	if m, ok := message.(shared); ok {
		encoded, err := m.encoded(c)
		return append(dst, encoded...), err
	}
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("marshal %T: not a protobuf message", message)
	}
	return c.marshal(dst, m)
}

func (c *codec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("unmarshal %T: not a protobuf message", message)
	}
	if len(data) > maxRequest {
		noteUndecodable(m, "", ruleSize, boundSize)
		return nil
	}
	err := c.unmarshal(data, m)
	if err == nil {
		return nil
	}
	proto.Reset(m)
	if path, found := c.culprit(data, m); found {
		noteUndecodable(m, path, "utf8", "must be valid UTF-8")
	} else {
		noteUndecodable(m, "", "request."+c.name, fmt.Sprintf("the request must be a %s in %s form: %v", m.ProtoReflect().Descriptor().FullName(), c.name, err))
	}
	return nil
}

// undecodableField is the number of the unknown field that holds a violation:
// the largest there is, so that no contract will use it.
const undecodableField = protowire.MaxValidNumber

func noteUndecodable(m proto.Message, path, rule, bound string) {
	note, err := proto.Marshal(violations(path, rule, bound))
	if err != nil {
		panic(err) // a generated message can always be encoded
	}
	unknown := protowire.AppendTag(nil, undecodableField, protowire.BytesType)
	m.ProtoReflect().SetUnknown(protowire.AppendBytes(unknown, note))
}

// undecodable returns the error for a request that the codec could not decode.
func undecodable(message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return nil
	}
	unknown := m.ProtoReflect().GetUnknown()
	number, _, n := protowire.ConsumeTag(unknown)
	if n < 0 || number != undecodableField {
		return nil
	}
	note, m2 := protowire.ConsumeBytes(unknown[n:])
	var v validate.Violations
	if m2 < 0 || proto.Unmarshal(note, &v) != nil || len(v.GetViolations()) == 0 {
		return nil
	}
	violation := v.GetViolations()[0]
	code := connect.CodeInvalidArgument
	if violation.GetRuleId() == ruleSize {
		code = connect.CodeResourceExhausted
	}
	return &refusal{fieldError(code, protovalidate.FieldPathString(violation.GetField()), violation.GetRuleId(), violation.GetMessage())}
}

// refusal is the error of one request: a stream may go on after it.
type refusal struct{ err *connect.Error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// refused returns the error to answer a request with, if it is that request's
// alone and not the stream's.
func refused(err error) (*connect.Error, bool) {
	var (
		request *refusal
		rule    *protovalidate.ValidationError
		coded   *connect.Error
	)
	if (errors.As(err, &request) || errors.As(err, &rule)) && errors.As(err, &coded) {
		return coded, true
	}
	return nil, false
}

// decoding is the interceptor that turns the codec's notes into errors. It comes
// before the one that validates.
type decoding struct{}

func (decoding) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if err := undecodable(req.Any()); err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

func (decoding) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (decoding) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		return next(ctx, decodingConn{conn})
	}
}

type decodingConn struct{ connect.StreamingHandlerConn }

func (c decodingConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return undecodable(message)
}

// invalidUTF8 returns the path of the first string in a message that is not
// valid UTF-8.
func invalidUTF8(data []byte, d protoreflect.MessageDescriptor) (path string, found bool) {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return "", false
		}
		size := protowire.ConsumeFieldValue(number, kind, data[n:])
		if size < 0 {
			return "", false
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
				return string(field.Name()), true
			}
		case protoreflect.MessageKind:
			if path, found := invalidUTF8(value, field.Message()); found {
				return string(field.Name()) + "." + path, true
			}
		}
	}
	return "", false
}

// invalidJSONUTF8 decodes once more with a mark in place of the invalid bytes, and
// looks where the mark turns up.
func invalidJSONUTF8(data []byte, m proto.Message) (path string, found bool) {
	if utf8.Valid(data) {
		return "", false
	}
	mark := rand.Text()
	marked := m.ProtoReflect().New()
	if unmarshalJSON(bytes.ToValidUTF8(data, []byte(mark)), marked.Interface()) != nil {
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
