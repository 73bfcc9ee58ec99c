package schema

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

const (
	// maxViolations is the largest number of violations in an error.
	maxViolations = 16
	// allViolationsSize is the size of a payload, in bytes, up to which all its violations
	// are collected. A larger one could have tens of thousands, of half a kilobyte each:
	// only its first one is.
	allViolationsSize = 4 << 10
)

// newValidator compiles the rules of all messages, so that an error in a rule is found now and
// not when the first message of its type arrives.
func newValidator(all []protoreflect.MessageDescriptor, r *resolver) (protovalidate.Validator, error) {
	v, err := protovalidate.New(
		protovalidate.WithMessageDescriptors(all...),
		protovalidate.WithDisableLazy(), // all rules are compiled here
		protovalidate.WithExtensionTypeResolver(r),
	)
	if err != nil {
		return nil, err
	}
	for _, message := range all {
		if err := compiled(v, message); err != nil {
			return nil, fmt.Errorf("the rules of %s must compile: %w", message.FullName(), err)
		}
	}
	return v, nil
}

// compiled returns the error in the rules of a message. The validator returns it only when it
// uses the rule, and stops at the first rule that fails, so the rules are tried one by one.
func compiled(v protovalidate.Validator, message protoreflect.MessageDescriptor) error {
	empty := dynamicpb.NewMessage(message)
	try := func(only protoreflect.Descriptor) error {
		err := v.Validate(empty, protovalidate.WithFilter(protovalidate.FilterFunc(
			func(_ protoreflect.Message, d protoreflect.Descriptor) bool { return d == only })))
		if broken, found := errors.AsType[*protovalidate.CompilationError](err); found {
			return broken
		}
		return nil
	}
	if err := try(message); err != nil {
		return err
	}
	for i := range message.Fields().Len() {
		if err := try(message.Fields().Get(i)); err != nil {
			return err
		}
	}
	return nil
}

// rules returns the violations of a message's rules.
func (s *Schema) rules(m proto.Message, size int) []*validate.Violation {
	var options []protovalidate.ValidationOption
	if size > allViolationsSize {
		options = failFast
	}
	err := s.validator.Validate(m, options...)
	if err == nil {
		return nil
	}
	invalid, found := errors.AsType[*protovalidate.ValidationError](err)
	if !found {
		// The rules are valid, so this is a value for which they can't be evaluated, because of
		// a division by zero for example.
		return []*validate.Violation{violation("rule.evaluated",
			fmt.Sprintf("must be something that the rules of %s can be evaluated for: %v", m.ProtoReflect().Descriptor().FullName(), err))}
	}
	violations := make([]*validate.Violation, 0, min(len(invalid.Violations), maxViolations))
	for _, v := range invalid.Violations[:cap(violations)] {
		v.Proto.Message = proto.String(reword(v.Proto.GetMessage()))
		violations = append(violations, v.Proto)
	}
	return violations
}

var failFast = []protovalidate.ValidationOption{protovalidate.WithFailFast()}

// rewordings are messages that say what a value must be, where those of protovalidate say
// what it is not.
var rewordings = [...]struct{ theirs, ours string }{
	{"value is required", "must be set"},
	{"value is empty, which is not a valid ", "must be a valid "},
	{"value must ", "must "},
	{"does not ", "must "},
	{"contains ", "must not contain "},
	{"type URL must be ", "must have a type URL that is "},
	{"type URL must not be ", "must have a type URL that is not "},
	{"exactly one field is required in oneof", "must have one field set"},
}

// reword returns a message in the form of this service's errors. Any other words are left, those of
// the application's own rules above all.
func reword(message string) string {
	for _, w := range rewordings {
		if rest, found := strings.CutPrefix(message, w.theirs); found {
			return w.ours + rest
		}
	}
	return message
}
