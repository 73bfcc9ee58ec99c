package schema_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"chatroom/server/internal/schema"
)

// payload returns what the JSON form of an Any stands for.
func payload(t testing.TB, s *schema.Schema, json string) *anypb.Any {
	t.Helper()
	any := new(anypb.Any)
	if err := (protojson.UnmarshalOptions{Resolver: s.Resolver(), AllowPartial: true}).Unmarshal([]byte(json), any); err != nil {
		t.Fatal(err)
	}
	return any
}

// found returns the violations as "path rule: message".
func found(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[*schema.InvalidError](err)
	if !ok || len(invalid.Violations) == 0 {
		t.Errorf("Check = %T %v, want an *InvalidError with violations", err, err)
		return nil
	}
	var all []string
	for _, v := range invalid.Violations {
		all = append(all, fmt.Sprintf("%s %s: %s", protovalidate.FieldPathString(v.GetField()), v.GetRuleId(), v.GetMessage()))
	}
	return all
}

func TestCheckRules(t *testing.T) {
	app, all := open(t, "testdata/app.binpb"), open(t, kinds)
	for _, tt := range []struct {
		s    *schema.Schema
		json string
		want string // of the violations, one a line; empty if it may be sent
	}{
		{app, `{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":3,"y":7}`, ""},
		{app, `{"@type":"/game.v1.Move","piece":"queen"}`, ""},
		{app, `{"@type":"/game.v1.Move","piece":"queen","x":8}`, "x int32.gte_lte: must be greater than or equal to 0 and less than or equal to 7"},
		{app, `{"@type":"/game.v1.Move","piece":"Q","y":-1}`,
			"piece string.pattern: must match regex pattern `^[a-z]{1,16}$`\n" +
				"y int32.gte_lte: must be greater than or equal to 0 and less than or equal to 7"},
		{app, `{"@type":"/game.v1.Resign","farewell":"` + strings.Repeat("ü", 200) + `"}`, ""},
		{app, `{"@type":"/game.v1.Resign","farewell":"` + strings.Repeat("ü", 201) + `"}`, "farewell string.max_len: must be at most 200 characters"},

		{all, `{"@type":"/kinds.v1.Scalars"}`, ""},
		{all, ruled(``), ""},
		{all, ruled(`"low":2,"high":1`), " ruled.ordered: must have low below high"},
		{all, ruled(`"names":["a",""]`), "names[1] string.min_len: must be at least 1 characters"},
		{all, ruled(`"scores":{"a":100,"b":101}`), `scores["b"] int32.lte: must be less than or equal to 100`},
		{all, ruled(`"past":"2001-02-03T04:05:06Z"`), ""},
		{all, ruled(`"past":"9001-02-03T04:05:06Z"`), "past timestamp.lt_now: must be less than now"},
		{all, ruled(`"wrapped":"abc"`), ""},
		{all, ruled(`"wrapped":"abcd"`), "wrapped string.max_len: must be at most 3 characters"},
		{all, ruled(`"word":"lower"`), ""},
		{all, ruled(`"word":"UPPER"`), "word string.lower: must be in lower case"},
		{all, ruled(`"even":4`), ""},
		{all, ruled(`"even":3`), "even even: must be even"},
		{all, ruled(`"inner":{"name":"x"}`), ""},
		{all, ruled(`"inner":{"colour":7}`), "inner.colour enum.defined_only: must be one of the defined enum values\ninner.name required: must be set"},
		{all, ruled(`"left":"l"`), ""},
		{all, ruled(`"left":"l","right":"r"`), " message.oneof: only one of left, right can be set"},
		{all, ruled(`"divisor":4`), ""},
		{all, ruled(`"divisor":8`), "divisor divides: must divide 12"},
		{all, ruled(`"divisor":1`), " rule.evaluated: must be something that the rules of kinds.v1.Ruled can be evaluated for: runtime error: error evaluating divides: modulus by zero"},

		{all, `{"@type":"/kinds.v1.Legacy","name":"n","Old":{"name":"o"},"[kinds.v1.nick]":"x","[kinds.v1.Addition.addition]":{"amount":1}}`, ""},
		{all, `{"@type":"/kinds.v1.Legacy"}`, "name required: must be set"},
		{all, `{"@type":"/kinds.v1.Legacy","name":"n","children":[{"name":"c"},{}]}`, "children[1].name required: must be set"},
		{all, `{"@type":"/kinds.v1.Edition","needed":"","delimited":{"needed":""}}`, ""},
		{all, `{"@type":"/kinds.v1.Edition","needed":"","delimited":{}}`, "delimited.needed required: must be set"},
		{all, `{"@type":"/kinds.v1.Edition","needed":"","delimited":{"needed":"","bounded":"1234"}}`, "delimited.bounded string.max_len: must be at most 3 characters"},

		{all, known(`"any":{}`), ""},
		{all, known(`"any":{"@type":"x.com/kinds.v1.Known","any":{"@type":"/google.protobuf.Timestamp","value":"2001-02-03T04:05:06Z"}}`), ""},
		{all, known(`"any":{"@type":"/google.protobuf.Any","value":{"@type":"/kinds.v1.Addition"}}`), ""},
		{all, known(`"any":{"@type":"/buf.validate.Violation","rule_id":"x"}`), ""},
		{all, known(`"anys":[{},{"@type":"/kinds.v1.Edition"}]`), "anys[1].needed required: must be set"},
		{all, known(`"anyByName":{"a":{"@type":"/kinds.v1.Edition","needed":"","bounded":"1234"}}`), `any_by_name["a"].bounded string.max_len: must be at most 3 characters`},
	} {
		if got := strings.Join(found(t, tt.s.Check(payload(t, tt.s, tt.json))), "\n"); got != tt.want {
			t.Errorf("Check(%s) =\n%s\nwant\n%s", tt.json, got, tt.want)
		}
	}
}

func ruled(fields string) string { return object("kinds.v1.Ruled", fields) }
func known(fields string) string { return object("kinds.v1.Known", fields) }

func object(name, fields string) string {
	if fields != "" {
		fields = "," + fields
	}
	return `{"@type":"type.googleapis.com/` + name + `"` + fields + `}`
}

func TestCheckTypes(t *testing.T) {
	app := open(t, "testdata/app.binpb")
	const knows = "must be of a type in the server's schema, which are game.v1.Move and game.v1.Resign, and not "
	for _, tt := range []struct{ url, want string }{
		{"", ` type.url: must have a type URL like type.googleapis.com/game.v1.Move, and not ""`},
		{"game.v1.Resign", ` type.url: must have a type URL like type.googleapis.com/game.v1.Move, and not "game.v1.Resign"`},
		{"https://example.com/game.v1.Resign", ` type.url: must have a type URL like type.googleapis.com/game.v1.Move, and not "https://example.com/game.v1.Resign"`},
		{"type.googleapis.com/", ` type.known: ` + knows + `""`},
		{"//game.v1.Move", ` type.known: ` + knows + `"/game.v1.Move"`},
		{"/game.v1.Gone", ` type.known: ` + knows + `"game.v1.Gone"`},
		// Linked into the binary, or imported by the set, is not enough.
		{"/google.protobuf.Timestamp", ` type.known: ` + knows + `"google.protobuf.Timestamp"`},
		{"/buf.validate.Violation", ` type.known: ` + knows + `"buf.validate.Violation"`},
		{"/" + strings.Repeat("a", 200), ` type.known: ` + knows + `"` + strings.Repeat("a", 100) + `"`},
		{"/\xff", ` type.known: ` + knows + `"\xff"`},
	} {
		got := strings.Join(found(t, app.Check(&anypb.Any{TypeUrl: tt.url})), "\n")
		if rest, _ := strings.CutPrefix(got, tt.want); got == rest || rest != "" && rest != ": the server can be started with another schema" {
			t.Errorf("Check of type %q = %s, want %s", tt.url, got, tt.want)
		}
	}
	var none *schema.Schema
	for _, p := range []*anypb.Any{nil, {TypeUrl: "/google.protobuf.Timestamp"}} {
		got := strings.Join(found(t, none.Check(p)), "\n")
		if want := " type.known: must not be sent: this server knows no types of events, since it was started without -schema"; got != want {
			t.Errorf("Check(%v) without a schema = %s, want %s", p, got, want)
		}
	}
}

// wire is the bytes of a message, field by field.
type wire []byte

func (w wire) bytes(field protowire.Number, value ...byte) wire {
	return protowire.AppendBytes(protowire.AppendTag(w, field, protowire.BytesType), value)
}

func (w wire) varint(field protowire.Number, value uint64) wire {
	return protowire.AppendVarint(protowire.AppendTag(w, field, protowire.VarintType), value)
}

// anyOf returns the bytes of an Any.
func anyOf(name string, value wire) wire {
	return wire(nil).bytes(1, []byte("/"+name)...).bytes(2, value...)
}

func nest(depth int, field protowire.Number, inner wire) wire {
	for range depth {
		inner = wire(nil).bytes(field, inner...)
	}
	return inner
}

func nestAny(depth int) wire {
	inner := anyOf("kinds.v1.Addition", nil)
	for range depth {
		inner = anyOf("google.protobuf.Any", inner)
	}
	return inner
}

func TestCheckBytes(t *testing.T) {
	s := open(t, kinds)
	legacy := slices.Clip(wire(nil).bytes(1, 'n'))
	for name, tt := range map[string]struct {
		typ   string
		value wire
		want  string // a part of the violations
	}{
		"nothing":                     {"Scalars", nil, ""},
		"unknown fields":              {"Scalars", wire(nil).varint(9999, 1).bytes(9998, 0xff), ""},
		"unknown enum value":          {"Scalars", wire(nil).varint(16, 99), ""},
		"truncated":                   {"Scalars", wire(nil).bytes(14, []byte("abc")...)[:4], " type.binary: must be a kinds.v1.Scalars in binary form: proto:"},
		"key of another wire type":    {"Scalars", wire(nil).bytes(19, wire(nil).bytes(1, 'k').varint(1, 1)...), " type.binary: must be a kinds.v1.Scalars in binary form: can't decode: "},
		"group without end":           {"Scalars", wire{0x83, 0x06}, " type.binary: must be"},
		"UTF-8":                       {"Scalars", wire(nil).bytes(14, 0xff), "string utf8: must be valid UTF-8"},
		"UTF-8, below":                {"Scalars", wire(nil).bytes(22, wire(nil).bytes(14, 0xff)...), "scalars.string utf8: must be valid UTF-8"},
		"UTF-8, key":                  {"Scalars", wire(nil).bytes(19, wire(nil).bytes(1, 0xff)...), "by_name.key utf8: must be valid UTF-8"},
		"UTF-8, proto2":               {"Legacy", legacy.bytes(3, 0xff), "note utf8: must be valid UTF-8"},
		"UTF-8, proto2 key":           {"Legacy", legacy.bytes(4, wire(nil).bytes(1, 0xff)...), "notes utf8: must be valid UTF-8"},
		"UTF-8, proto2 value":         {"Legacy", legacy.bytes(4, wire(nil).bytes(1, 'k').bytes(2, 0xff)...), `notes["k"] utf8: must be valid UTF-8`},
		"UTF-8, extension":            {"Legacy", legacy.bytes(100, 0xff), "[kinds.v1.nick] utf8: must be valid UTF-8"},
		"UTF-8, lax":                  {"Edition", wire(nil).bytes(4).bytes(2, 0xff), "lax utf8: must be valid UTF-8"},
		"extension that is broken":    {"Legacy", legacy.bytes(101, 0xff), " type.binary: must be"},
		"as deep as may be":           {"Known", nest(schema.MaxDepth-1, 13, nil), ""},
		"too deep":                    {"Known", nest(schema.MaxDepth, 13, nil), " type.binary: must be"},
		"far too deep":                {"Known", nest(10000, 13, nil), " type.binary: must be"},
		"value without a kind":        {"Known", wire(nil).bytes(8), "value type.json: must have a form in JSON"},
		"value that is not a number":  {"Known", wire(nil).bytes(8, protowire.AppendFixed64(protowire.AppendTag(nil, 2, protowire.Fixed64Type), 0x7ff8000000000001)...), "value type.json: must"},
		"time out of range":           {"Known", wire(nil).bytes(4, wire(nil).varint(2, 1e9)...), "time type.json: must have a form in JSON"},
		"duration out of range":       {"Known", wire(nil).bytes(5, wire(nil).varint(1, 1e15)...), "duration type.json: must have a form in JSON"},
		"mask that can't be reversed": {"Known", wire(nil).bytes(6, wire(nil).bytes(1, []byte("fooBar")...)...), "mask type.json: must have a form in JSON"},
		"any, unknown":                {"Known", wire(nil).bytes(1, anyOf("gone.Gone", nil)...), `any type.known: must hold a type that the server knows, from its schema or by itself, and not "/gone.Gone"`},
		"any without type":            {"Known", wire(nil).bytes(1, wire(nil).bytes(2, 'x')...), "any type.known: must hold"},
		"any, truncated":              {"Known", wire(nil).bytes(2).bytes(2, anyOf("kinds.v1.Known", wire{8})...), "anys[1] type.binary: must be a kinds.v1.Known in binary form"},
		"any, truncated, linked":      {"Known", wire(nil).bytes(1, anyOf("google.protobuf.Duration", wire{8})...), "any type.binary: must be a google.protobuf.Duration"},
		"any, time out of range":      {"Known", wire(nil).bytes(1, anyOf("google.protobuf.Timestamp", wire(nil).varint(2, 1e9))...), "any type.json: must"},
		"any, UTF-8":                  {"Known", wire(nil).bytes(1, anyOf("kinds.v1.Scalars", wire(nil).bytes(14, 0xff))...), "any.string utf8: must"},
		"any, as deep as may be":      {"Known", wire(nil).bytes(1, nestAny(7)...), ""},
		"any, too deep":               {"Known", wire(nil).bytes(1, nestAny(8)...), "any type.depth: must be in at most 8 others of its kind"},
		"key, too long for an answer": {"Ruled", wire(nil).bytes(4, wire(nil).bytes(1, []byte("x"+strings.Repeat("ü", 100))...).varint(2, 101)...), `scores["x` + strings.Repeat("ü", 31) + `…"] int32.lte`},
	} {
		t.Run(name, func(t *testing.T) {
			p := &anypb.Any{TypeUrl: "type.googleapis.com/kinds.v1." + tt.typ, Value: tt.value}
			before := proto.CloneOf(p)
			got := strings.Join(found(t, s.Check(p)), "\n")
			if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
				t.Errorf("Check = %q, want %q", got, tt.want)
			}
			if !proto.Equal(p, before) {
				t.Errorf("Check changed the payload to %v", p)
			}
			if got != "" {
				return
			}
			if _, err := (protojson.MarshalOptions{Resolver: s.Resolver()}).Marshal(p); err != nil {
				t.Errorf("may be sent, but not as JSON: %v", err)
			}
		})
	}
}

// What is answered to one payload is bounded, however much is wrong with it.
func TestCheckAnswerIsBounded(t *testing.T) {
	s := open(t, kinds)
	many := func(n int) *anypb.Any {
		var names wire
		for range n {
			names = names.bytes(3)
		}
		return &anypb.Any{TypeUrl: "/kinds.v1.Ruled", Value: names}
	}
	if got := found(t, s.Check(many(15))); len(got) != 15 {
		t.Errorf("%d violations of 15, want all: %q", len(got), got)
	}
	if got := found(t, s.Check(many(2000))); len(got) != 16 {
		t.Errorf("%d violations of 2,000, want 16: %q", len(got), got)
	}
	if got := found(t, s.Check(many(30000))); len(got) != 1 {
		t.Errorf("%d violations in a long payload, want 1: %q", len(got), got)
	}
}

func TestInvalidErrorIn(t *testing.T) {
	app := open(t, "testdata/app.binpb")
	err := app.Check(payload(t, app, `{"@type":"/game.v1.Move","piece":"Q","y":-1}`))
	invalid, _ := errors.AsType[*schema.InvalidError](err)
	for _, tt := range []struct {
		err  *schema.InvalidError
		want string
	}{
		{invalid.In("custom", "payload"), "custom.payload.piece: must match regex pattern `^[a-z]{1,16}$`; custom.payload.y: must be greater than or equal to 0 and less than or equal to 7"},
		{invalid, "piece: must match regex pattern `^[a-z]{1,16}$`; y: must be greater than or equal to 0 and less than or equal to 7"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("Error() = %s, want %s", got, tt.want)
		}
	}
	whole, _ := errors.AsType[*schema.InvalidError](app.Check(new(anypb.Any)))
	if got, want := protovalidate.FieldPathString(whole.In("custom", "payload").Detail().GetViolations()[0].GetField()), "custom.payload"; got != want {
		t.Errorf("path of the payload as a whole = %q, want %q", got, want)
	}
	if _, err := anypb.New(invalid.Detail()); err != nil {
		t.Errorf("the detail can't be encoded: %v", err)
	}
}

// Violations are the caller's: one that changes them changes no other answer.
func TestCheckConcurrently(t *testing.T) {
	s := open(t, kinds)
	p := payload(t, s, ruled(`"scores":{"`+strings.Repeat("k", 100)+`":101},"inner":{"colour":7}`))
	want := fmt.Sprint(found(t, s.Check(p)))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				err := s.Check(p)
				if got := fmt.Sprint(found(t, err)); got != want {
					t.Errorf("Check = %s, want %s", got, want)
				}
				invalid, _ := errors.AsType[*schema.InvalidError](err)
				for _, v := range invalid.In("custom").Violations {
					v.Message = nil
					v.Field.Elements = append(v.Field.Elements[:1], &validate.FieldPathElement{})
				}
			}
		})
	}
	wg.Wait()
}
