package harness

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// RoomNameRule is the rule of room names, as errors name it.
const RoomNameRule = "1 to 64 characters of a-z, 0-9, dot, underscore and hyphen"

func InvalidArgument(field, bound string) WantError {
	return WantError{Code: connect.CodeInvalidArgument, Field: field, Bound: bound}
}

// WantError is the error that a request must be refused with.
type WantError struct {
	Code  connect.Code
	Field string // the path in a detail of type buf.validate.Violations
	Info  string // or the reason in one of type google.rpc.ErrorInfo
	Bound string // part of the message, if it is the same for all
}

func (w WantError) Check(t *testing.T, err error) {
	t.Helper()
	refusal := new(connect.Error)
	if !errors.As(err, &refusal) || !connect.IsWireError(err) {
		t.Errorf("error = %v, want one from the server with code %v", err, w.Code)
		return
	}
	var details []proto.Message
	for _, d := range refusal.Details() {
		detail, err := d.Value()
		if err != nil {
			t.Errorf("detail %s: %v", d.Type(), err)
			continue
		}
		details = append(details, detail)
	}
	w.CheckParts(t, refusal.Code(), refusal.Message(), details)
}

func (w WantError) CheckRejected(t *testing.T, f *chatv1.Frame) {
	t.Helper()
	rejected := f.GetRejected()
	if rejected == nil {
		t.Errorf("the answer is %v, want Rejected", f)
		return
	}
	var details []proto.Message
	for _, d := range rejected.GetDetails() {
		detail, err := d.UnmarshalNew()
		if err != nil {
			t.Errorf("detail %s: %v", d.GetTypeUrl(), err)
			continue
		}
		details = append(details, detail)
	}
	w.CheckParts(t, connect.Code(rejected.GetCode()), rejected.GetMessage(), details)
}

func (w WantError) CheckParts(t *testing.T, code connect.Code, message string, details []proto.Message) {
	t.Helper()
	if code != w.Code {
		t.Errorf("code = %v (%s), want %v", code, message, w.Code)
	}
	if message == "" || !strings.Contains(message, w.Bound) {
		t.Errorf("message = %q, want one that names the bound %q", message, w.Bound)
	}
	var named []string
	for _, d := range details {
		switch d := d.(type) {
		case *validate.Violations:
			for _, v := range d.GetViolations() {
				if v.GetRuleId() == "" || v.GetMessage() == "" {
					t.Errorf("violation %v has no rule or no message", v)
				}
				named = append(named, "field "+protovalidate.FieldPathString(v.GetField()))
			}
		case *errdetails.ErrorInfo:
			named = append(named, "info "+d.GetReason())
		}
	}
	want := "field " + w.Field
	if w.Info != "" {
		want = "info " + w.Info
	}
	if !slices.Contains(named, want) {
		t.Errorf("details name %q, want %q among them (%s)", named, want, message)
	}
}

// CodeOf returns the code of an error of any library.
func CodeOf(err error) connect.Code {
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		return coded.Code()
	}
	return connect.Code(status.Code(err))
}

// Refusal is the error that a request was refused with, on any protocol.
type Refusal struct {
	Code    connect.Code
	Message string
	Details []proto.Message
	onChat  bool // sent as Rejected
}

func (r *Refusal) String() string { return fmt.Sprintf("%v: %s %v", r.Code, r.Message, r.Details) }

func (r *Refusal) Check(t *testing.T, want WantError) {
	t.Helper()
	if r == nil {
		t.Errorf("accepted, want code %v", want.Code)
		return
	}
	if r.onChat && want.Field != "" {
		want.Field = "send." + want.Field
	}
	want.CheckParts(t, r.Code, r.Message, r.Details)
}

func RefusalOf(err error) *Refusal {
	if err == nil {
		return nil
	}
	r := &Refusal{Code: connect.CodeUnknown, Message: err.Error()}
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		r.Code, r.Message = coded.Code(), coded.Message()
		for _, d := range coded.Details() {
			if value, err := d.Value(); err == nil {
				r.Details = append(r.Details, value)
			}
		}
	} else if s, ok := status.FromError(err); ok {
		r.Code, r.Message = connect.Code(s.Code()), s.Message()
		for _, d := range s.Details() {
			if value, ok := d.(proto.Message); ok {
				r.Details = append(r.Details, value)
			}
		}
	}
	return r
}

func refusalOfRejected(rejected *chatv1.Rejected) *Refusal {
	r := &Refusal{Code: connect.Code(rejected.GetCode()), Message: rejected.GetMessage(), onChat: true}
	for _, d := range rejected.GetDetails() {
		if value, err := d.UnmarshalNew(); err == nil {
			r.Details = append(r.Details, value)
		}
	}
	return r
}
