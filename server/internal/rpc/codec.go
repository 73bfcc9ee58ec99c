package rpc

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
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
	// culprit finds what is wrong with data that can't be decoded: a field that is
	// not valid UTF-8, or a payload of an unknown kind. It returns nil for all else.
	culprit func(data []byte, m proto.Message) *validate.Violations
}

var protoCodec = &codec{
	name:    "proto",
	frame:   formProto,
	hello:   formHelloProto,
	marshal: proto.MarshalOptions{}.MarshalAppend,
	// Unknown fields are of no use here, and nobody but this codec notes
	// violations in one.
	unmarshal: proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal,
	culprit: func(data []byte, m proto.Message) *validate.Violations {
		if path, found := invalidUTF8(data, m.ProtoReflect().Descriptor()); found {
			return notUTF8(path)
		}
		return nil
	},
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
		noteUndecodable(m, violations("", ruleSize, boundSize))
		return nil
	}
	err := c.unmarshal(data, m)
	if err == nil {
		return nil
	}
	proto.Reset(m)
	wrong := c.culprit(data, m)
	if wrong == nil {
		wrong = violations("", "request."+c.name, fmt.Sprintf("the request must be a %s in %s form: %v", m.ProtoReflect().Descriptor().FullName(), c.name, err))
	}
	noteUndecodable(m, wrong)
	return nil
}

func notUTF8(path string) *validate.Violations {
	return violations(path, "utf8", "must be valid UTF-8")
}

// undecodableField is the number of the unknown field that holds a violation:
// the largest there is, so that no contract will use it.
const undecodableField = protowire.MaxValidNumber

func noteUndecodable(m proto.Message, wrong *validate.Violations) {
	note, err := proto.Marshal(wrong)
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
