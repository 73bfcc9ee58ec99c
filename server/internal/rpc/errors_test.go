package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/identity"
)

// violationIn returns the field and the rule of an error's only violation.
func violationIn(err *connect.Error) (field, rule string) {
	for _, detail := range err.Details() {
		value, decodeErr := detail.Value()
		if v, ok := value.(*validate.Violations); ok && decodeErr == nil && len(v.GetViolations()) == 1 {
			first := v.GetViolations()[0]
			return protovalidate.FieldPathString(first.GetField()), first.GetRuleId()
		}
	}
	return "", ""
}

func expectViolation(t *testing.T, err *connect.Error, field, rule string) {
	t.Helper()
	if gotField, gotRule := violationIn(err); gotField != field || gotRule != rule {
		t.Errorf("%v names %q, %q, want %q, %q", err, gotField, gotRule, field, rule)
	}
}

func TestToError(t *testing.T) {
	coded := connect.NewError(connect.CodeAborted, errors.New("as it is"))
	field := &chat.FieldError{Field: "message.text", Rule: "text.length", Bound: "must be short"}
	lost := &chat.CursorLostError{Room: "room", Epoch: "E", Oldest: 7}
	delayed := &chat.ErasureDelayedError{Receipt: chat.Receipt{At: chat.Cursor{Epoch: "E", Sequence: 7}}, Err: errors.New("secret: disk 7 is full")}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithTimeout(t.Context(), -1)
	defer cancelLate()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		err     error
		code    connect.Code
		details []string
	}{
		{"not decoded", t.Context(), connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("unmarshal message: %w", &decodeError{errTooLarge()})),
			connect.CodeResourceExhausted, []string{"buf.validate.Violations"}},
		{"coded", t.Context(), coded, connect.CodeAborted, nil},
		{"coded, wrapped", t.Context(), fmt.Errorf("while: %w", coded), connect.CodeAborted, nil},
		{"field", t.Context(), fmt.Errorf("send: %w", field), connect.CodeInvalidArgument, []string{"buf.validate.Violations"}},
		{"cursor", t.Context(), fmt.Errorf("list: %w", lost), connect.CodeOutOfRange, []string{"google.rpc.ErrorInfo"}},
		{"unreachable store", t.Context(), fmt.Errorf("read: %w", chat.ErrUnreachable), connect.CodeUnavailable, []string{"google.rpc.RetryInfo"}},
		{"unknown outcome", t.Context(), fmt.Errorf("send: %w", chat.ErrUnknownOutcome), connect.CodeUnavailable, []string{"google.rpc.RetryInfo"}},
		{"unknown room", t.Context(), chat.ErrUnknownRoom, connect.CodeNotFound, []string{"buf.validate.Violations"}},
		{"token", t.Context(), fmt.Errorf("%w: expired", identity.ErrInvalidToken), connect.CodeUnauthenticated, []string{"google.rpc.ErrorInfo"}},
		{"service closed", t.Context(), chat.ErrClosed, connect.CodeUnavailable, []string{"google.rpc.RetryInfo"}},
		{"journal closed", t.Context(), fmt.Errorf("append: %w", chat.ErrStoreClosed), connect.CodeUnavailable, []string{"google.rpc.RetryInfo"}},
		{"not erased yet", t.Context(), fmt.Errorf("send: %w", delayed), connect.CodeUnavailable, []string{"google.rpc.ErrorInfo", "google.rpc.RetryInfo"}},
		{"not erased yet, and the caller gone", cancelled, &chat.ErasureDelayedError{Err: context.Canceled}, connect.CodeUnavailable, []string{"google.rpc.ErrorInfo", "google.rpc.RetryInfo"}},
		{"going away", t.Context(), errGoingAway, connect.CodeUnavailable, []string{"google.rpc.RetryInfo"}},
		{"going away, and the caller too", cancelled, errGoingAway, connect.CodeUnavailable, []string{"google.rpc.RetryInfo"}},
		{"cancelled", cancelled, context.Canceled, connect.CodeCanceled, nil},
		{"cancelled, with another error", cancelled, errors.New("broken pipe"), connect.CodeCanceled, nil},
		{"deadline", late, context.DeadlineExceeded, connect.CodeDeadlineExceeded, nil},
		{"deadline, with another error", late, errors.New("broken pipe"), connect.CodeDeadlineExceeded, nil},
		{"internal", t.Context(), errors.New("secret: disk 7 is full"), connect.CodeInternal, nil},
	} {
		var log lockedBuffer
		got := toError(tt.ctx, slog.New(slog.NewTextHandler(&log, nil)), tt.err)
		var details []string
		for _, d := range got.Details() {
			details = append(details, d.Type())
		}
		if got.Code() != tt.code || !slices.Equal(details, tt.details) || got.Message() == "" {
			t.Errorf("toError, %s = %v with details %v, want code %v with %v", tt.name, got, details, tt.code, tt.details)
		}
		if strings.Contains(got.Message(), "secret") {
			t.Errorf("toError, %s = %q, want the cause kept", tt.name, got.Message())
		}
		if logged := strings.Contains(log.String(), "level=ERROR"); logged != (tt.code == connect.CodeInternal) {
			t.Errorf("toError, %s logged %q, want only internal errors logged", tt.name, log.String())
		}
	}
	expectViolation(t, toError(t.Context(), slog.Default(), field), "message.text", "text.length")
}

// A deletion that is not erased yet is refused, and its stream continues: the deletion is
// stored, so there is no reason to reconnect.
func TestDelayedErasureKeepsTheStream(t *testing.T) {
	server := New(Config{})
	defer server.Stop(t.Context())
	c := &chatRoom{server: server}
	request := &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: &chatv1.SendRequest{Id: "7", Room: "room"}}}
	delayed := &chat.ErasureDelayedError{Receipt: chat.Receipt{At: chat.Cursor{Epoch: "E", Sequence: 7}}, Err: errors.New("disk full")}
	frame, err := c.refuse(t.Context(), request, delayed)
	rejected := frame.GetRejected()
	if err != nil || rejected.GetId() != "7" || rejected.GetRoom() != "room" || connect.Code(rejected.GetCode()) != connect.CodeUnavailable || len(rejected.GetDetails()) != 2 {
		t.Errorf("refuse = %v, %v, want Rejected with code unavailable and two details", frame, err)
	}
	if _, err := c.refuse(t.Context(), request, chat.ErrClosed); err == nil {
		t.Error("refuse at the end of the service = nil, want the error that ends the stream")
	}
}

func TestCallers(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		signedIn, err := w.client.SignIn(t.Context(), &chatv1.SignInRequest{Name: "gopher"})
		if err != nil {
			t.Fatalf("SignIn = %v, want nil", err)
		}
		for _, tt := range []struct {
			name, authorization string
			want                *chatv1.Member // nil if the caller is refused
		}{
			{"nobody", "", eventpb.FromMember(chat.Anonymous)},
			{"a guest", "Bearer " + signedIn.GetToken(), signedIn.GetMember()},
			{"a guest in lower case", "bearer " + signedIn.GetToken(), signedIn.GetMember()},
			{"a bad token", "Bearer gopher", nil},
			{"no token", "Bearer", nil},
			{"a user of a proxy in front", "Basic Z29waGVyOg==", eventpb.FromMember(chat.Anonymous)},
			{"another scheme", "Digest gopher", nil},
			{"a token alone", signedIn.GetToken(), nil},
		} {
			ctx, call := connect.NewClientContext(t.Context())
			if tt.authorization != "" {
				call.RequestHeader().Set("Authorization", tt.authorization)
			}
			ctx, cancel := context.WithCancel(ctx)
			stream, err := w.client.Subscribe(ctx, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: "lobby"}}})
			if err != nil {
				t.Fatalf("Subscribe by %s = %v, want nil", tt.name, err)
			}
			if tt.want == nil {
				_ = expectEnd(t, subscribed{stream}, connect.CodeUnauthenticated)
			} else if got := expect(t, subscribed{stream}, "joined").GetJoined().GetMember(); got.String() != tt.want.String() {
				t.Errorf("Joined.member of %s = %v, want %v", tt.name, got, tt.want)
			}
			cancel()
			_ = stream.Close()
		}
	})
}
