package schema_test

import (
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	"chatroom/server/internal/schema"
)

func BenchmarkCheck(b *testing.B) {
	app, all := open(b, "testdata/app.binpb"), open(b, kinds)
	for _, bb := range []struct {
		name string
		s    *schema.Schema
		p    *anypb.Any
	}{
		{"move", app, payload(b, app, `{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":3,"y":7}`)},
		{"refused", app, payload(b, app, `{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":3,"y":8}`)},
		{"unknown type", app, &anypb.Any{TypeUrl: "type.googleapis.com/game.v1.Gone"}},
		{"CEL", all, payload(b, all, ruled(`"low":1,"high":2,"word":"w","even":2,"inner":{"name":"n"}`))},
		{"nested any", all, payload(b, all, known(`"any":{"@type":"/kinds.v1.Known","time":"2001-02-03T04:05:06Z"}`))},
		{"64 KiB of names", all, &anypb.Any{TypeUrl: "/kinds.v1.Ruled", Value: manyNames(20 << 10)}},
		{"64 KiB of messages", all, &anypb.Any{TypeUrl: "/kinds.v1.Known", Value: manyAnys(32 << 10)}},
		{"64 KiB of anys in anys", all, &anypb.Any{TypeUrl: "/kinds.v1.Known", Value: wire(nil).bytes(1, nestAny(1200)...)}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.p.GetValue())))
			for b.Loop() {
				_ = bb.s.Check(bb.p)
			}
		})
	}
}

func manyNames(n int) (w wire) {
	for range n {
		w = w.bytes(3, 'n')
	}
	return w
}

func manyAnys(n int) (w wire) {
	for range n {
		w = w.bytes(2)
	}
	return w
}

func BenchmarkJSON(b *testing.B) {
	app := open(b, "testdata/app.binpb")
	p := payload(b, app, `{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":3,"y":7}`)
	marshal := protojson.MarshalOptions{Resolver: app.Resolver()}
	unmarshal := protojson.UnmarshalOptions{Resolver: app.Resolver(), DiscardUnknown: true}
	json, err := marshal.Marshal(p)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("marshal", func(b *testing.B) {
		b.ReportAllocs()
		var buffer []byte
		for b.Loop() {
			if buffer, err = marshal.MarshalAppend(buffer[:0], p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := unmarshal.Unmarshal(json, new(anypb.Any)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, path := range []string{"testdata/app.binpb", kinds} {
		data, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := schema.Parse(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
