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
	// maxViolations is how many violations of rules one answer has at most.
	maxViolations = 16
	// wordySize is the length of a payload, in bytes, up to which all its
	// violations are looked for. A longer one could have tens of thousands,
	// each of half a kilobyte, and gets the first.
	wordySize = 4 << 10
)

// newValidator compiles the rules of all the messages. An error in a rule is an
// error now, and not when the first message of its type arrives.
func newValidator(all []protoreflect.MessageDescriptor, r *resolver) (protovalidate.Validator, error) {
	v, err := protovalidate.New(
		protovalidate.WithMessageDescriptors(all...),
		protovalidate.WithDisableLazy(), // everything is compiled here
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

// compiled returns the error that was met when the rules of a message were
// compiled. The validator tells only when it comes to use a rule, and stops at
// the first one that fails: so the rules are tried one by one.
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

// rules returns how a message violates its rules.
func (s *Schema) rules(m proto.Message, size int) []*validate.Violation {
	var options []protovalidate.ValidationOption
	if size > wordySize {
		options = failFast
	}
	err := s.validator.Validate(m, options...)
	if err == nil {
		return nil
	}
	invalid, found := errors.AsType[*protovalidate.ValidationError](err)
	if !found {
		// The rules are sound, so it is a value that they can't cope with: they
		// divide by it, say.
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

// houseWords are what a value must be, where protovalidate says what it is not.
var houseWords = [...]struct{ theirs, ours string }{
	{"value is required", "must be set"},
	{"value is empty, which is not a valid ", "must be a valid "},
	{"value must ", "must "},
	{"does not ", "must "},
	{"contains ", "must not contain "},
	{"type URL must be ", "must have a type URL that is "},
	{"type URL must not be ", "must have a type URL that is not "},
	{"exactly one field is required in oneof", "must have one field set"},
}

// reword puts a message into the house's form. Any other words are left, those of
// the application's own rules above all.
func reword(message string) string {
	for _, w := range houseWords {
		if rest, found := strings.CutPrefix(message, w.theirs); found {
			return w.ours + rest
		}
	}
	return message
}
