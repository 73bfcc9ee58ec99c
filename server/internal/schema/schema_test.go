package schema_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"chatroom/server/internal/schema"
)

// The application's sets, without comments since they are the larger part.
//
//go:generate go -C ../../.. tool -modfile=tools/go.mod buf build . --config server/internal/schema/testdata/workspace.yaml --path server/internal/schema/testdata/game --exclude-source-info -o server/internal/schema/testdata/app.binpb
//go:generate go -C ../../.. tool -modfile=tools/go.mod buf build . --config server/internal/schema/testdata/workspace.yaml --path server/internal/schema/testdata/kinds --exclude-source-info -o server/internal/schema/testdata/kinds.binpb

// kinds is the set that has all that a set may have.
const kinds = "testdata/kinds.binpb"

func open(t testing.TB, path string) *schema.Schema {
	t.Helper()
	s, err := schema.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t testing.TB, path string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(data, set); err != nil {
		t.Fatal(err)
	}
	return set
}

func encode(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func file(set *descriptorpb.FileDescriptorSet, path string) *descriptorpb.FileDescriptorProto {
	i := slices.IndexFunc(set.File, func(f *descriptorpb.FileDescriptorProto) bool { return f.GetName() == path })
	return set.File[i]
}

func without(set *descriptorpb.FileDescriptorSet, prefix string) {
	set.File = slices.DeleteFunc(set.File, func(f *descriptorpb.FileDescriptorProto) bool {
		return strings.HasPrefix(f.GetName(), prefix)
	})
}

func TestTypes(t *testing.T) {
	for path, want := range map[string][]string{
		"testdata/app.binpb": {"game.v1.Move", "game.v1.Resign"},
		kinds: {"kinds.v1.Addition", "kinds.v1.Edition", "kinds.v1.Known", "kinds.v1.Legacy", "kinds.v1.Legacy.Old",
			"kinds.v1.Ruled", "kinds.v1.Ruled.Inner", "kinds.v1.Scalars"},
	} {
		s := open(t, path)
		if got := s.Types(); !slices.Equal(got, want) {
			t.Errorf("Types() of %s = %q, want %q", path, got, want)
		}
		s.Types()[0] = "changed" // the caller's
		if got := s.Types(); !slices.Equal(got, want) {
			t.Errorf("Types() of %s, then = %q, want %q", path, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for name, change := range map[string]func(*descriptorpb.FileDescriptorSet){
		"as it is":                      func(*descriptorpb.FileDescriptorSet) {},
		"without the imports of Google": func(set *descriptorpb.FileDescriptorSet) { without(set, "google/") },
		"without the rules' own file":   func(set *descriptorpb.FileDescriptorSet) { without(set, "buf/validate/") },
		"imports come last":             func(set *descriptorpb.FileDescriptorSet) { slices.Reverse(set.File) },
		"another version of an import": func(set *descriptorpb.FileDescriptorSet) {
			file(set, "google/protobuf/timestamp.proto").MessageType[0].Field = nil
		},
		"with names that the binary has": func(set *descriptorpb.FileDescriptorSet) { add(set, "chat/v1/event.proto", "chat.v1", "Event") },
		"with an unlinked file of Google's": func(set *descriptorpb.FileDescriptorSet) {
			add(set, "google/protobuf/new.proto", "google.protobuf", "New")
		},
	} {
		t.Run(name, func(t *testing.T) {
			set := read(t, kinds)
			change(set)
			s, err := schema.Parse(encode(t, set))
			if err != nil {
				t.Fatalf("Parse = %v", err)
			}
			if types := s.Types(); !slices.Contains(types, "kinds.v1.Known") || slices.Contains(types, "google.protobuf.New") {
				t.Errorf("Types() = %q, want the application's", types)
			}
			// The binary's own descriptor is used, so this is a time in JSON.
			known, err := s.Resolver().FindMessageByName("kinds.v1.Known")
			if err != nil {
				t.Fatal(err)
			}
			got := known.Descriptor().Fields().ByName("time").Message()
			if want := (&timestamppb.Timestamp{}).ProtoReflect().Descriptor(); got != want {
				t.Errorf("descriptor of a time = %v, want the one linked in", got)
			}
		})
	}
}

func add(set *descriptorpb.FileDescriptorSet, path, pkg, message string) *descriptorpb.DescriptorProto {
	m := &descriptorpb.DescriptorProto{Name: proto.String(message)}
	set.File = append(set.File, &descriptorpb.FileDescriptorProto{
		Name: proto.String(path), Package: proto.String(pkg), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{m},
	})
	return m
}

func TestParseErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*descriptorpb.FileDescriptorSet)
		want   string
	}{
		"no files":          {func(set *descriptorpb.FileDescriptorSet) { set.File = nil }, "must contain a file"},
		"imports alone":     {func(set *descriptorpb.FileDescriptorSet) { without(set, "kinds/") }, "must declare a message"},
		"import missing":    {func(set *descriptorpb.FileDescriptorSet) { without(set, "kinds/v1/rules.proto") }, "kinds/v1/modern.proto: imports kinds/v1/rules.proto, which the set must contain"},
		"file twice":        {func(set *descriptorpb.FileDescriptorSet) { set.File = append(set.File, set.File...) }, "must be in the set once"},
		"file without name": {func(set *descriptorpb.FileDescriptorSet) { file(set, "kinds/v1/legacy.proto").Name = nil }, "path must be populated"},
		"imports itself": {func(set *descriptorpb.FileDescriptorSet) {
			imports(set, "kinds/v1/rules.proto", "kinds/v1/modern.proto")
		}, "must not import itself"},
		"name twice":       {func(set *descriptorpb.FileDescriptorSet) { add(set, "other.proto", "kinds.v1", "Known") }, `file "other.proto" has a name conflict over kinds.v1.Known`},
		"name of Google's": {func(set *descriptorpb.FileDescriptorSet) { add(set, "other.proto", "google.protobuf", "Timestamp") }, "name conflict over google.protobuf.Timestamp"},
		"unknown field type": {func(set *descriptorpb.FileDescriptorSet) {
			file(set, "kinds/v1/modern.proto").MessageType[1].Field[0].TypeName = proto.String(".gone.Gone")
		}, `message field "kinds.v1.Known.any" cannot resolve type`},
		"rule that doesn't compile": {func(set *descriptorpb.FileDescriptorSet) { breakRule(t, set, "this % 2 == 0", "this ? 2 == 0") },
			"the rules of kinds.v1.Ruled must compile"},
		"rule of a message that doesn't compile": {func(set *descriptorpb.FileDescriptorSet) {
			breakRule(t, set, "this.low <= this.high", "this.low <= this.hihg")
		},
			"the rules of kinds.v1.Ruled must compile"},
		"rule after one that can't be evaluated": {func(set *descriptorpb.FileDescriptorSet) {
			breakRule(t, set, "this.low <= this.high", "1/this.low<=this.high")
			breakRule(t, set, "12 % (this - 1) == 0", "12 ? (this - 1) == 0")
		}, "the rules of kinds.v1.Ruled must compile"},
		"rule that is not known": {func(set *descriptorpb.FileDescriptorSet) {
			rules := file(set, "kinds/v1/rules.proto")
			rules.Extension[0].Number = proto.Int32(80048953)
		}, "the rules of kinds.v1.Ruled must compile"},
	} {
		t.Run(name, func(t *testing.T) {
			set := read(t, kinds)
			tt.change(set)
			s, err := schema.Parse(encode(t, set))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Parse = %v, %v, want an error with %q", s, err, tt.want)
			}
		})
	}
}

func imports(set *descriptorpb.FileDescriptorSet, path, imported string) {
	f := file(set, path)
	f.Dependency = append(f.Dependency, imported)
}

// breakRule changes a rule in the options of kinds.v1.Ruled.
func breakRule(t *testing.T, set *descriptorpb.FileDescriptorSet, from, to string) {
	t.Helper()
	if len(from) > len(to) {
		to += strings.Repeat(" ", len(from)-len(to))
	}
	before := encode(t, set)
	after := bytes.ReplaceAll(before, []byte(from), []byte(to)[:len(from)])
	if bytes.Equal(before, after) {
		t.Fatalf("no rule %q", from)
	}
	if err := proto.Unmarshal(after, set); err != nil {
		t.Fatal(err)
	}
}

func TestParseCorrupt(t *testing.T) {
	app, err := os.ReadFile("testdata/app.binpb")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing":   nil,
		"text":      []byte(`syntax = "proto3";`),
		"JSON":      []byte(`{"file":[{"name":"game/v1/move.proto"}]}`),
		"gzip":      {0x1f, 0x8b, 8, 0, 0, 0, 0, 0},
		"truncated": app[:len(app)-1],
		"too long":  make([]byte, schema.MaxSize+1),
	} {
		s, err := schema.Parse(data)
		if err == nil || !strings.HasPrefix(err.Error(), "must ") || !strings.Contains(err.Error(), "buf build") {
			t.Errorf("Parse(%s) = %v, %v, want an error that says what to do", name, s, err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone.binpb")
	if _, err := schema.Open(gone); !errors.Is(err, os.ErrNotExist) || strings.Count(err.Error(), gone) != 1 {
		t.Errorf("Open of no file = %v, want one that is os.ErrNotExist and names the file", err)
	}
	long := filepath.Join(t.TempDir(), "long.binpb")
	if err := os.WriteFile(long, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(long, 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Open(long); err == nil || !strings.Contains(err.Error(), long+": must be at most 16 MiB") {
		t.Errorf("Open of a terabyte = %v, want one that names the file and the bound", err)
	}
	if _, err := schema.Open(t.TempDir()); err == nil {
		t.Error("Open of a directory = nil, want an error")
	}
}

func TestResolver(t *testing.T) {
	for name, s := range map[string]*schema.Schema{"schema": open(t, kinds), "no schema": nil} {
		// Details of errors are shown as JSON too.
		for _, linked := range []protoreflect.FullName{"buf.validate.Violations", "google.protobuf.Timestamp"} {
			if _, err := s.Resolver().FindMessageByURL("type.googleapis.com/" + string(linked)); err != nil {
				t.Errorf("%s: FindMessageByURL of %s = %v", name, linked, err)
			}
			if _, err := s.Resolver().FindMessageByName(linked); err != nil {
				t.Errorf("%s: FindMessageByName(%s) = %v", name, linked, err)
			}
		}
		if _, err := s.Resolver().FindExtensionByName("buf.validate.field"); err != nil {
			t.Errorf("%s: FindExtensionByName of a linked one = %v", name, err)
		}
		if _, err := s.Resolver().FindExtensionByNumber("google.protobuf.FieldOptions", 1159); err != nil {
			t.Errorf("%s: FindExtensionByNumber of a linked one = %v", name, err)
		}
	}
	var none *schema.Schema
	if got := none.Types(); len(got) != 0 {
		t.Errorf("Types() of none = %q, want none", got)
	}
	r := open(t, kinds).Resolver()
	for _, own := range []protoreflect.FullName{"kinds.v1.nick", "kinds.v1.Addition.addition"} {
		if _, err := r.FindExtensionByName(own); err != nil {
			t.Errorf("FindExtensionByName(%s) = %v", own, err)
		}
	}
	if x, err := r.FindExtensionByNumber("kinds.v1.Legacy", 101); err != nil || x.TypeDescriptor().FullName() != "kinds.v1.Addition.addition" {
		t.Errorf("FindExtensionByNumber(kinds.v1.Legacy, 101) = %v, %v", x, err)
	}
}
