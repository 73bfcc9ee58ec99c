package rpc

import (
	"errors"
	"fmt"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	"chatroom/server/internal/schema"
)

// maxViolations bounds what an error says of a request that breaks many rules: the details
// are headers or trailers of gRPC, which its clients bound.
const maxViolations = 16

// validator checks the rules of the contract. Its errors have the text of all other refusals,
// "field: must be …", and say bounds in words.
type validator struct{ protovalidate.Validator }

// requests validates requests.
var requests = validator{protovalidate.GlobalValidator}

// Validate implements protovalidate.Validator. An error about rules is an *invalidRequest.
func (v validator) Validate(m proto.Message, options ...protovalidate.ValidationOption) error {
	err := v.Validator.Validate(m, options...)
	if invalid, ok := errors.AsType[*protovalidate.ValidationError](err); ok {
		return newInvalidRequest(invalid)
	}
	return err
}

// invalidRequest is a *protovalidate.ValidationError with another text.
type invalidRequest struct {
	*protovalidate.ValidationError
	text string
}

func newInvalidRequest(err *protovalidate.ValidationError) *invalidRequest {
	said := err.Violations[:min(len(err.Violations), maxViolations)]
	request := &invalidRequest{ValidationError: &protovalidate.ValidationError{Violations: make([]*protovalidate.Violation, len(said))}}
	var texts schema.InvalidError
	for i, v := range said {
		worded := *v
		worded.Proto = proto.CloneOf(v.Proto) // its parts may be shared with the rules
		worded.Proto.Message = proto.String(boundInWords(v.Proto, v.RuleValue.IsValid(), v.RuleValue.String()))
		request.Violations[i] = &worded
		texts.Violations = append(texts.Violations, worded.Proto)
	}
	request.text = texts.Error()
	if more := len(err.Violations) - len(said); more > 0 {
		request.text += fmt.Sprintf("; and %d more", more)
	}
	return request
}

func (r *invalidRequest) Error() string { return r.text }
func (r *invalidRequest) Unwrap() error { return r.ValidationError }

// patterns are the regular expressions of the contract, in words.
var patterns = map[string]string{
	"^[a-z0-9._-]{1,64}$": "must be 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen",
	"^[a-z0-9-]{0,64}$":   "must be the next_page_token of a page of this list, or empty",
}

// boundInWords returns what a value must be that breaks a rule.
func boundInWords(v *validate.Violation, hasRule bool, rule string) string {
	switch v.GetRuleId() {
	case "string.pattern":
		if words, found := patterns[rule]; found && hasRule {
			return words
		}
	case "required":
		if path := v.GetField().GetElements(); len(path) > 0 && path[len(path)-1].FieldNumber == nil { // a oneof
			return "exactly one field is required"
		}
		return "must be set"
	case "string.min_len":
		if hasRule && rule == "1" {
			return "must not be empty"
		}
	case "enum.defined_only":
		return "must be one of the values of the contract"
	}
	return v.GetMessage()
}
