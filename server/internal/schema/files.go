package schema

import (
	"fmt"
	"iter"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// Linked into the binary, so that a set may import them without containing them.
	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/apipb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/sourcecontextpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/typepb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// reserved reports whether a file is one of the contract, of protobuf or of protovalidate.
func reserved(path string) bool {
	return strings.HasPrefix(path, "google/protobuf/") ||
		strings.HasPrefix(path, "google/rpc/") ||
		strings.HasPrefix(path, "buf/validate/")
}

// linker builds the descriptors of the files of a set, imports first.
type linker struct {
	given map[string]*descriptorpb.FileDescriptorProto
	// open holds the files whose imports are being linked.
	open map[string]bool
	// done holds the linked files, including the reserved ones of the binary: a set that
	// declares one of their names elsewhere is refused, as code depends on these names
	// (protojson does).
	done *protoregistry.Files
	// made holds the files that were built from the set.
	made []protoreflect.FileDescriptor
}

// link returns the files of the set, except for those that are linked into the binary.
func link(set *descriptorpb.FileDescriptorSet) ([]protoreflect.FileDescriptor, error) {
	l := &linker{
		given: make(map[string]*descriptorpb.FileDescriptorProto),
		open:  make(map[string]bool),
		done:  new(protoregistry.Files),
	}
	var err error
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if reserved(file.Path()) {
			err = l.done.RegisterFile(file)
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	for _, file := range set.GetFile() {
		if l.given[file.GetName()] != nil {
			return nil, fmt.Errorf("%s: must be in the set once", file.GetName())
		}
		l.given[file.GetName()] = file
	}
	// In the order of the set, so that the error for a set is always the same.
	for _, file := range set.GetFile() {
		if err := l.link(file); err != nil {
			return nil, err
		}
	}
	return l.made, nil
}

func (l *linker) link(file *descriptorpb.FileDescriptorProto) error {
	path := file.GetName()
	if _, err := l.done.FindFileByPath(path); err == nil {
		return nil
	}
	if l.open[path] {
		return fmt.Errorf("%s: must not import itself, be it through others", path)
	}
	l.open[path] = true
	defer delete(l.open, path)
	for _, dependency := range file.GetDependency() {
		if _, err := l.done.FindFileByPath(dependency); err == nil {
			continue
		}
		imported := l.given[dependency]
		if imported == nil {
			return fmt.Errorf("%s: imports %s, which the set must contain: build it with imports (buf build without --exclude-imports, protoc with --include_imports)", path, dependency)
		}
		if err := l.link(imported); err != nil {
			return err
		}
	}
	// Comments are not needed, and are the larger part of a set.
	bare := proto.CloneOf(file)
	bare.SourceCodeInfo = nil
	made, err := protodesc.NewFile(bare, l.done)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := l.done.RegisterFile(made); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	l.made = append(l.made, made)
	return nil
}

// messages yields the messages and those nested in them, without the entries of
// maps.
func messages(list protoreflect.MessageDescriptors) iter.Seq[protoreflect.MessageDescriptor] {
	return func(yield func(protoreflect.MessageDescriptor) bool) {
		for i := range list.Len() {
			message := list.Get(i)
			if message.IsMapEntry() {
				continue
			}
			if !yield(message) {
				return
			}
			for nested := range messages(message.Messages()) {
				if !yield(nested) {
					return
				}
			}
		}
	}
}
