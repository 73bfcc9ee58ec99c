package schema_test

import (
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"pgregory.net/rapid"

	"chatroom/server/internal/schema"
)

// Whatever Check accepts can be shown to a browser, and a browser that sends it
// back sends the same.
func TestJSONRoundTrip(t *testing.T) {
	s := open(t, kinds)
	for _, name := range s.Types() {
		t.Run(name, func(t *testing.T) {
			accepted := 0
			rapid.Check(t, func(t *rapid.T) {
				sent := draw{t, s}.any(name, 4)
				if s.Check(sent) == nil {
					accepted++
					roundTrip(t, s, sent)
				}
			})
			if accepted == 0 {
				t.Error("nothing was accepted: the property says nothing")
			}
		})
	}
}

// roundTrip sends a payload through JSON and compares.
func roundTrip(t interface{ Fatalf(string, ...any) }, s *schema.Schema, sent *anypb.Any) {
	json, err := protojson.MarshalOptions{Resolver: s.Resolver()}.Marshal(sent)
	if err != nil {
		t.Fatalf("may be sent, but not as JSON: %v", err)
	}
	var back anypb.Any
	if err := (protojson.UnmarshalOptions{Resolver: s.Resolver(), RecursionLimit: 10 * schema.MaxDepth}).Unmarshal(json, &back); err != nil {
		t.Fatalf("JSON %s: %v", json, err)
	}
	if err := s.Check(&back); err != nil {
		t.Fatalf("JSON %s comes back as what may not be sent: %v", json, err)
	}
	again, err := protojson.MarshalOptions{Resolver: s.Resolver()}.Marshal(&back)
	if err != nil {
		t.Fatalf("JSON %s comes back as what has none: %v", json, err)
	}
	// JSON has no unknown fields, and an Any's bytes are in no one order:
	// JSON is what can be compared.
	if string(again) != string(json) {
		t.Fatalf("JSON changed on its way:\n%s\n%s", json, again)
	}
}

// draw makes messages up.
type draw struct {
	*rapid.T
	s *schema.Schema
}

func (d draw) any(name string, depth int) *anypb.Any {
	t, err := d.s.Resolver().FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		d.Fatal(err)
	}
	data, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(d.message(t.New(), depth).Interface())
	if err != nil {
		d.Skip(err) // text that is not UTF-8
	}
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + name, Value: data}
}

func (d draw) message(m protoreflect.Message, depth int) protoreflect.Message {
	switch m.Descriptor().FullName() {
	case "google.protobuf.Any":
		if depth > 0 {
			known := []string{"google.protobuf.Timestamp", "google.protobuf.Value", "google.protobuf.Empty", "google.protobuf.StringValue", "buf.validate.Violation"}
			any := d.any(rapid.SampledFrom(append(d.s.Types(), known...)).Draw(d.T, "any"), depth-1)
			proto.Merge(m.Interface(), any)
		}
		return m
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if isMessage := field.Message() != nil; isMessage && depth == 0 || field.Cardinality() != protoreflect.Required && rapid.IntRange(0, 3).Draw(d.T, "absent") > 0 {
			continue
		}
		switch {
		case field.IsMap():
			for range rapid.IntRange(0, 2).Draw(d.T, "pairs") {
				m.Mutable(field).Map().Set(d.value(field.MapKey(), protoreflect.Value{}, depth).MapKey(),
					d.value(field.MapValue(), m.NewField(field).Map().NewValue(), depth))
			}
		case field.IsList():
			for range rapid.IntRange(0, 2).Draw(d.T, "elements") {
				m.Mutable(field).List().Append(d.value(field, m.NewField(field).List().NewElement(), depth))
			}
		default:
			m.Set(field, d.value(field, m.NewField(field), depth))
		}
	}
	return m
}

func (d draw) value(field protoreflect.FieldDescriptor, empty protoreflect.Value, depth int) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return protoreflect.ValueOfMessage(d.message(empty.Message(), depth-1))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.SampledFrom([]string{"", "a", "ab", "a.b", "é\U0001F600\u2028<", "\x00\"\\", "fooBar", "\xff"}).Draw(d.T, "string"))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(d.T, "bytes"))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(d.T, "bool"))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.Int32Range(-1, 3).Draw(d.T, "enum")))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(rapid.SampledFrom([]int32{0, 1, 2, 4, 101, -1, math.MinInt32, math.MaxInt32}).Draw(d.T, "int32"))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(rapid.SampledFrom([]int64{0, 1, 1 << 30, -1, math.MinInt64, math.MaxInt64}).Draw(d.T, "int64"))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(d.T, "uint32"))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(rapid.Uint64().Draw(d.T, "uint64"))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(rapid.SampledFrom([]float32{0, float32(math.Copysign(0, -1)), 0.1, math.MaxFloat32, float32(math.Inf(1)), float32(math.NaN())}).Draw(d.T, "float"))
	default:
		return protoreflect.ValueOfFloat64(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 0.1, math.MaxFloat64, math.Inf(-1), math.NaN()}).Draw(d.T, "double"))
	}
}
