package failure_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"chatroom/client"
	"chatroom/client/chat/internal/failure"
)

func withDetail(code connect.Code, message string, detail proto.Message) error {
	err := connect.NewError(code, errors.New(message))
	d, detailErr := connect.NewErrorDetail(detail)
	if detailErr != nil {
		panic(detailErr)
	}
	err.AddDetail(d)
	return fmt.Errorf("send to room %q: %w", "lobby", err)
}

func TestText(t *testing.T) {
	now := time.Date(2026, 11, 26, 21, 4, 0, 0, time.UTC)
	muted := func(until string) error {
		return withDetail(connect.CodePermissionDenied, "you are muted", &errdetails.ErrorInfo{Metadata: map[string]string{"until": until, "reason": "spam\x1b[2J"}})
	}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{muted("2026-11-26T21:30:00Z"), "you are muted until 21:30 (spam␛[2J)"},
		{muted("2026-11-28T08:00:00Z"), "you are muted until 28 November 2026, 08:00 (spam␛[2J)"},
		{muted(""), "you are muted (spam␛[2J)"},
		{withDetail(connect.CodeResourceExhausted, "too many messages", &errdetails.RetryInfo{RetryDelay: durationpb.New(2400 * time.Millisecond)}), "too many messages (again in 2s)"},
		{fmt.Errorf("send: %w", connect.NewError(connect.CodeUnavailable, errors.New("dial: connection refused"))), "no connection: dial: connection refused"},
		{fmt.Errorf("%w: %w", client.ErrUnknownOutcome, errors.New("the answer was lost")), "it may be stored or not: client: the event may be stored or not: the answer was lost"},
	} {
		if got := failure.Text(tt.err, now); got != tt.want {
			t.Errorf("Text(%v) = %q, want %q", tt.err, got, tt.want)
		}
	}
}
