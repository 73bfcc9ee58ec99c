// Package failure says why a call has failed, in the words of the server and in one line.
package failure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"chatroom/client"
	"chatroom/client/chat/internal/printable"
)

// IsRefusal reports whether a server has answered with the error, other than that it is
// stopping or busy, or would: for a value that can't be sent.
func IsRefusal(err error) bool {
	code := connect.CodeOf(err)
	if !connect.IsWireError(err) {
		return code == connect.CodeInvalidArgument
	}
	return code != connect.CodeUnavailable && code != connect.CodeDeadlineExceeded && code != connect.CodeCanceled && code != connect.CodeAborted
}

// Text returns the reason of an error, and until when it applies, as a time of the day in
// the location of now.
func Text(err error, now time.Time) string {
	text := err.Error()
	coded, ok := errors.AsType[*connect.Error](err)
	if ok {
		text = coded.Message()
		for _, d := range coded.Details() {
			text += detail(d, now)
		}
	}
	if errors.Is(err, client.ErrUnknownOutcome) {
		text = "it may be stored or not: " + text
	}
	if ok && !connect.IsWireError(err) && coded.Code() == connect.CodeUnavailable && !errors.Is(err, context.Canceled) {
		text = "no connection: " + text
	}
	return printable.Line(text)
}

func detail(d *connect.ErrorDetail, now time.Time) string {
	value, err := d.Value()
	if err != nil {
		return "" // a type that this program does not know
	}
	switch v := value.(type) {
	case *errdetails.ErrorInfo:
		text := ""
		if until, err := time.Parse(time.RFC3339, v.GetMetadata()["until"]); err == nil {
			text += " until " + Moment(until, now)
		}
		if reason := v.GetMetadata()["reason"]; reason != "" {
			text += fmt.Sprintf(" (%s)", reason)
		}
		return text
	case *errdetails.RetryInfo:
		if delay := v.GetRetryDelay().AsDuration(); delay > 0 {
			return fmt.Sprintf(" (again in %v)", max(delay.Round(time.Second), time.Second))
		}
	}
	return ""
}

// Moment returns a time as people would say it at another one: with the date only if that
// is a different one.
func Moment(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2 January 2006, 15:04")
}
