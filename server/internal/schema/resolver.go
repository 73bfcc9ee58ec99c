package schema

import (
	"errors"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Resolver finds types by their names. It is the type of the Resolver option of protojson and
// proto.
type Resolver interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// linked holds the types that are linked into the binary.
var linked Resolver = protoregistry.GlobalTypes

// resolver prefers the types of a set to those linked into the binary. It is immutable.
type resolver struct{ own *protoregistry.Types }

func newResolver(files []protoreflect.FileDescriptor) (*resolver, error) {
	r := &resolver{new(protoregistry.Types)}
	for _, file := range files {
		if err := r.addExtensions(file.Extensions()); err != nil {
			return nil, err
		}
		for message := range messages(file.Messages()) {
			if err := r.own.RegisterMessage(dynamicpb.NewMessageType(message)); err != nil {
				return nil, err
			}
			if err := r.addExtensions(message.Extensions()); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func (r *resolver) addExtensions(list protoreflect.ExtensionDescriptors) error {
	for i := range list.Len() {
		if err := r.own.RegisterExtension(dynamicpb.NewExtensionType(list.Get(i))); err != nil {
			return err
		}
	}
	return nil
}

func (r *resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	t, err := r.own.FindMessageByName(name)
	if errors.Is(err, protoregistry.NotFound) {
		return linked.FindMessageByName(name)
	}
	return t, err
}

func (r *resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	t, err := r.own.FindMessageByURL(url)
	if errors.Is(err, protoregistry.NotFound) {
		return linked.FindMessageByURL(url)
	}
	return t, err
}

func (r *resolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	t, err := r.own.FindExtensionByName(name)
	if errors.Is(err, protoregistry.NotFound) {
		return linked.FindExtensionByName(name)
	}
	return t, err
}

func (r *resolver) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	t, err := r.own.FindExtensionByNumber(message, number)
	if errors.Is(err, protoregistry.NotFound) {
		return linked.FindExtensionByNumber(message, number)
	}
	return t, err
}
