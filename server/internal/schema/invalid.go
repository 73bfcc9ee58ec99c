package schema

import (
	"slices"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// InvalidError says why a payload is refused.
type InvalidError struct {
	// Violations are 1 to 16. The paths of the fields start at the payload; an empty path is
	// the payload itself. The messages say what a value must be.
	Violations []*validate.Violation
}

// Error implements error: each violation as "field: must be …".
func (e *InvalidError) Error() string {
	var text strings.Builder
	for i, v := range e.Violations {
		if i > 0 {
			text.WriteString("; ")
		}
		if path := protovalidate.FieldPathString(v.GetField()); path != "" {
			text.WriteString(path + ": ")
		}
		text.WriteString(v.GetMessage())
	}
	return text.String()
}

// In returns the violations of a request that holds the payload in a field:
// In("custom", "payload") has them at custom.payload and below.
func (e *InvalidError) In(path ...string) *InvalidError {
	var prefix []*validate.FieldPathElement
	for _, name := range path {
		prefix = append(prefix, &validate.FieldPathElement{FieldName: proto.String(name)})
	}
	below := &InvalidError{Violations: make([]*validate.Violation, len(e.Violations))}
	for i, v := range e.Violations {
		v = proto.CloneOf(v)
		v.Field = &validate.FieldPath{Elements: slices.Concat(prefix, v.GetField().GetElements())}
		below.Violations[i] = v
	}
	return below
}

// Detail returns the violations as the detail of an error on the wire.
func (e *InvalidError) Detail() *validate.Violations {
	return &validate.Violations{Violations: e.Violations}
}

func violation(rule, message string) *validate.Violation {
	return &validate.Violation{RuleId: proto.String(rule), Message: proto.String(message)}
}

// at prepends a field to the path of a violation.
func at(v *validate.Violation, field protoreflect.FieldDescriptor) *validate.Violation {
	if v == nil {
		return nil
	}
	return before(v, element(field))
}

func atIndex(v *validate.Violation, field protoreflect.FieldDescriptor, i int) *validate.Violation {
	if v == nil {
		return nil
	}
	e := element(field)
	e.Subscript = &validate.FieldPathElement_Index{Index: uint64(i)}
	return before(v, e)
}

func atKey(v *validate.Violation, field protoreflect.FieldDescriptor, key protoreflect.MapKey) *validate.Violation {
	if v == nil {
		return nil
	}
	e := element(field)
	e.KeyType = descriptorpb.FieldDescriptorProto_Type(field.MapKey().Kind()).Enum()
	e.ValueType = descriptorpb.FieldDescriptorProto_Type(field.MapValue().Kind()).Enum()
	switch key := key.Interface().(type) {
	case bool:
		e.Subscript = &validate.FieldPathElement_BoolKey{BoolKey: key}
	case int32:
		e.Subscript = &validate.FieldPathElement_IntKey{IntKey: int64(key)}
	case int64:
		e.Subscript = &validate.FieldPathElement_IntKey{IntKey: key}
	case uint32:
		e.Subscript = &validate.FieldPathElement_UintKey{UintKey: uint64(key)}
	case uint64:
		e.Subscript = &validate.FieldPathElement_UintKey{UintKey: key}
	case string:
		e.Subscript = &validate.FieldPathElement_StringKey{StringKey: key}
	}
	return before(v, e)
}

func before(v *validate.Violation, e *validate.FieldPathElement) *validate.Violation {
	if v.Field == nil {
		v.Field = new(validate.FieldPath)
	}
	v.Field.Elements = slices.Insert(v.Field.Elements, 0, e)
	return v
}

func element(field protoreflect.FieldDescriptor) *validate.FieldPathElement {
	return &validate.FieldPathElement{
		FieldNumber: proto.Int32(int32(field.Number())),
		FieldName:   proto.String(field.TextName()),
		FieldType:   descriptorpb.FieldDescriptorProto_Type(field.Kind()).Enum(),
	}
}

const (
	maxElements = 32  // of a path
	maxKey      = 64  // bytes of a map's key in a path
	maxMessage  = 500 // bytes
)

// shorten bounds the size of a violation, which is sent in a trailer: the sender of the
// payload determines the depth of the path, its keys, and parts of the message.
func shorten(v *validate.Violation) {
	if elements := v.GetField().GetElements(); len(elements) > maxElements {
		v.Field.Elements = elements[:maxElements]
	}
	for i, e := range v.GetField().GetElements() {
		if key := e.GetStringKey(); len(key) > maxKey {
			e = proto.CloneOf(e) // the validator may share it
			e.Subscript = &validate.FieldPathElement_StringKey{StringKey: cut(key, maxKey)}
			v.Field.Elements[i] = e
		}
	}
	v.Message = proto.String(cut(v.GetMessage(), maxMessage))
}

// cut returns at most size bytes of a text and an ellipsis, as valid UTF-8: the message of a
// rule that formats bytes may not be valid, and could not be sent.
func cut(text string, size int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "") + "…"
}
