// Package schema knows the kinds of event that an application brings along.
//
// A [Schema] is made of the application's descriptor set, once, when the server
// starts: whatever is wrong with the set or with a rule in it is an error then,
// and never a surprise while events flow.
//
// A payload that passes [Schema.Check] has a type that the set declares, decodes
// as it, keeps its protovalidate rules, and can be written as JSON with the
// [Schema.Resolver]: what one sender got accepted never breaks the stream of a
// receiver. What a payload has beyond the set, the fields of a newer client, is
// neither looked at nor lost.
//
// The messages of google/protobuf, google/rpc and buf/validate that are linked
// into the binary are used as they are linked, whether or not a set contains or
// omits them. All other names are the set's own: it may declare the same names as
// the binary does, and neither disturbs the other.
//
// All methods are safe for concurrent use. No goroutines are started.
package schema

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// MaxSize is how long a descriptor set may be, in bytes.
const MaxSize = 16 << 20

// Schema is an application's kinds of event. A nil Schema is that of a server
// which was given none: it knows no types, and its Resolver those of the binary.
type Schema struct {
	types     []string
	sendable  map[protoreflect.FullName]protoreflect.MessageType
	resolver  *resolver
	validator protovalidate.Validator
	known     string // the types, for people
}

// Open reads a descriptor set from a file, as `buf build -o` and
// `protoc --include_imports -o` write it.
func Open(path string) (*Schema, error) {
	s, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func open(path string) (*Schema, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names the path
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// Parse makes a Schema of a google.protobuf.FileDescriptorSet in binary form.
func Parse(data []byte) (*Schema, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("must be at most %d MiB: leave source info out (buf build --exclude-source-info)", MaxSize>>20)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(data, &set); err != nil {
		return nil, fmt.Errorf("must be a descriptor set in binary form, as buf build -o app.binpb writes it: %w", err)
	}
	if len(set.GetFile()) == 0 {
		return nil, errors.New("must contain a file: write it with buf build -o app.binpb")
	}
	files, err := link(&set)
	if err != nil {
		return nil, err
	}
	s := &Schema{sendable: make(map[protoreflect.FullName]protoreflect.MessageType)}
	if s.resolver, err = newResolver(files); err != nil {
		return nil, err
	}
	var all []protoreflect.MessageDescriptor
	for _, file := range files {
		for message := range messages(file.Messages()) {
			all = append(all, message)
			if reserved(file.Path()) {
				continue
			}
			t, err := s.resolver.own.FindMessageByName(message.FullName())
			if err != nil {
				return nil, err
			}
			s.sendable[message.FullName()] = t
			s.types = append(s.types, string(message.FullName()))
		}
	}
	if len(s.types) == 0 {
		return nil, errors.New("must declare a message: a set of imports alone has nothing to send")
	}
	slices.Sort(s.types)
	s.known = known(s.types)
	if s.validator, err = newValidator(all, s.resolver); err != nil {
		return nil, err
	}
	return s, nil
}

// Types returns the full names of the messages that may be sent, sorted: all that
// the set declares, nested ones included, except for those in files below
// google/protobuf, google/rpc and buf/validate.
func (s *Schema) Types() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.types)
}

// Resolver returns the types that messages may contain: those of the set, then
// those linked into the binary. It is for the options of protojson and proto.
func (s *Schema) Resolver() Resolver {
	if s == nil {
		return linked
	}
	return s.resolver
}
