package schema_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"chatroom/server/internal/schema"
)

// A file that is no descriptor set, or a strange one, is an error or a schema
// that works: for each of its types an empty message can be judged.
func FuzzParse(f *testing.F) {
	// The files of the set alone, since the others are those linked in.
	for path, imports := range map[string][]string{"testdata/app.binpb": {"buf/", "google/"}, kinds: {"buf/", "google/"}} {
		set := read(f, path)
		for _, prefix := range imports {
			without(set, prefix)
		}
		f.Add(encode(f, set))
		for _, one := range set.File {
			set.File = set.File[:0:0]
			set.File = append(set.File, one)
			f.Add(encode(f, set))
		}
	}
	app, err := os.ReadFile("testdata/app.binpb")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(app)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := schema.Parse(data)
		if err != nil {
			return
		}
		for _, name := range s.Types() {
			judge(t, s, &anypb.Any{TypeUrl: "/" + name})
		}
	})
}

// Any bytes are judged: refused with at least one violation, or good for JSON.
func FuzzCheck(f *testing.F) {
	s := open(f, kinds)
	for _, json := range []string{
		ruled(`"low":1,"high":2,"names":["a"],"scores":{"a":101},"past":"2001-02-03T04:05:06Z","inner":{"colour":7}`),
		known(`"any":{"@type":"/kinds.v1.Known","any":{"@type":"/google.protobuf.Timestamp","value":"2001-02-03T04:05:06Z"}}`),
		known(`"mask":"a.b","value":{"a":[1,null,true]},"duration":"1.5s","string":"x","known":{"list":[1]}`),
		`{"@type":"/kinds.v1.Legacy","name":"n","Old":{"name":"o"},"[kinds.v1.nick]":"x","[kinds.v1.Addition.addition]":{"amount":1}}`,
		`{"@type":"/kinds.v1.Scalars","string":"x","byName":{"a":{"double":"NaN"}},"numbers":[1,2],"scalars":{}}`,
		`{"@type":"/kinds.v1.Edition","needed":"","delimited":{"needed":""}}`,
	} {
		p := payload(f, s, json)
		f.Add(strings.TrimPrefix(p.GetTypeUrl(), "/kinds.v1."), p.GetValue())
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		judge(t, s, &anypb.Any{TypeUrl: "/kinds.v1." + name, Value: data})
	})
}

func judge(t *testing.T, s *schema.Schema, p *anypb.Any) {
	err := s.Check(p)
	if err != nil {
		invalid, ok := errors.AsType[*schema.InvalidError](err)
		if !ok || len(invalid.Violations) == 0 || len(invalid.Violations) > 16 {
			t.Fatalf("Check = %T %v, want an *InvalidError with 1 to 16 violations", err, err)
		}
		if size := proto.Size(invalid.Detail()); size > 128<<10 {
			t.Fatalf("an answer of %d bytes", size)
		}
		if _, err := proto.Marshal(invalid.In("custom", "payload").Detail()); err != nil {
			t.Fatalf("the detail of %v: %v", invalid, err)
		}
		return
	}
	if _, err := (protojson.MarshalOptions{Resolver: s.Resolver()}).Marshal(p); err != nil {
		t.Fatalf("may be sent, but not as JSON: %v", err)
	}
}
