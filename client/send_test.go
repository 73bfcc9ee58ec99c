package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// All attempts have the same id and body, whatever error caused the retry.
func TestSendRetries(t *testing.T) {
	accepted := time.Unix(1_700_000_000, 0).UTC()
	s := &script{send: func(ctx context.Context, n int) (*chatv1.SendResponse, error) {
		switch n {
		case 0:
			return nil, unavailable()
		case 1: // until the attempt times out
			return nil, untilCanceled(ctx)
		case 2:
			panic(http.ErrAbortHandler) // the connection breaks
		case 3:
			return nil, connect.NewError(connect.CodeDeadlineExceeded, errors.New("timeout of the server"))
		default:
			return &chatv1.SendResponse{Epoch: "E", Sequence: 7, Duplicate: true, Time: timestamppb.New(accepted)}, nil
		}
	}}
	withServer(t, s, client.Config{Token: client.StaticToken("secret"), AttemptTimeout: 3 * time.Second}, func(t *testing.T, c *client.Client) {
		receipt, err := c.Send(t.Context(), "lobby", client.Text("hello"), client.WithID("1"), client.WithSender("ada", "Ada"))
		want := client.Receipt{Cursor: client.Cursor{Epoch: "E", Sequence: 7}, ID: "1", Time: accepted, Duplicate: true}
		if err != nil || receipt != want {
			t.Errorf("Send = %v, %v, want %v, nil", receipt, err, want)
		}
		request := &chatv1.SendRequest{Room: "lobby", Id: "1", Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: "hello"}}, SendAs: &chatv1.SendAs{Id: "ada", Name: "Ada"}}
		for i, got := range s.sends {
			if !proto.Equal(got, request) || s.tokens[i] != "Bearer secret" {
				t.Errorf("attempt %d was %v with token %q, want %v", i, got, s.tokens[i], request)
			}
		}
		if len(s.sends) != 5 {
			t.Fatalf("there were %d attempts, want 5", len(s.sends))
		}
		checkBetween(t, "attempt after a timeout", s.times[2]-s.times[1], 3*time.Second, 200*time.Millisecond)
	})
}

func TestSendReturnsPermanentErrors(t *testing.T) {
	for _, code := range []connect.Code{
		connect.CodeInvalidArgument, connect.CodeUnauthenticated, connect.CodeResourceExhausted, connect.CodeInternal,
	} {
		s := &script{send: func(context.Context, int) (*chatv1.SendResponse, error) {
			return nil, connect.NewError(code, errors.New("no"))
		}}
		withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
			if receipt, err := c.Send(t.Context(), "lobby", client.Text("hello"), client.WithID("1")); connect.CodeOf(err) != code {
				t.Errorf("Send = %v, %v, want code %v", receipt, err, code)
			}
			if len(s.sends) != 1 {
				t.Errorf("after code %v there were %d attempts, want 1", code, len(s.sends))
			}
		})
	}
}

// A send that comes too often is repeated after the wait that the server asks for.
func TestSendWaitsForLimits(t *testing.T) {
	s := &script{send: func(_ context.Context, attempt int) (*chatv1.SendResponse, error) {
		if attempt == 0 {
			return nil, tooMuch(t, 7*time.Second)
		}
		return &chatv1.SendResponse{Epoch: "E", Sequence: 7}, nil
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		if receipt, err := c.Send(t.Context(), "lobby", client.Text("hello"), client.WithID("1")); err != nil || receipt.Sequence != 7 {
			t.Errorf("Send = %v, %v, want it stored", receipt, err)
		}
		if len(s.sends) != 2 {
			t.Fatalf("there were %d attempts, want 2", len(s.sends))
		}
		checkBetween(t, "the second attempt", s.times[1]-s.times[0], 7*time.Second, time.Second+200*time.Millisecond)
	})
}

// tooMuch is the error of a rate limit.
func tooMuch(t *testing.T, wait time.Duration) error {
	t.Helper()
	detail, err := connect.NewErrorDetail(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	if err != nil {
		t.Fatal(err)
	}
	refusal := connect.NewError(connect.CodeResourceExhausted, errors.New("too many requests"))
	refusal.AddDetail(detail)
	return refusal
}

// Invalid UTF-8 can't be encoded, so the client refuses it with the server's code.
func TestSendInvalidUTF8(t *testing.T) {
	withServer(t, &script{}, client.Config{}, func(t *testing.T, c *client.Client) {
		for _, text := range [][3]string{{"\xff", "1", "hello"}, {"lobby", "\xff", "hello"}, {"lobby", "1", "\xff"}} {
			if _, err := c.Send(t.Context(), text[0], client.Text(text[2]), client.WithID(text[1])); connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("Send(%q) = %v, want code invalid_argument", text, err)
			}
		}
	})
}

func TestSendEndsWithContext(t *testing.T) {
	s := &script{send: func(context.Context, int) (*chatv1.SendResponse, error) { return nil, unavailable() }}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.Send(ctx, "lobby", client.Text("hello"), client.WithID("1"))
		if !errors.Is(err, context.DeadlineExceeded) || connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("Send = %v, want %v and the last attempt's unavailable", err, context.DeadlineExceeded)
		}
		if n := len(s.sends); n < 6 {
			t.Errorf("there were %d attempts in a minute, want more", n)
		}
	})
}

// Send retries until its context ends if no server listens.
func TestSendToUnreachableServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{URL: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.Send(ctx, "lobby", client.Text("hello"), client.WithID("1")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Send = %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		url  string
		good bool
	}{
		{"http://localhost:8080", true},
		{"https://chat.example/", true},
		{"https://chat.example/below", true},
		{"", false},
		{"localhost:8080", false},
		{"chat.example", false},
		{"http://", false},
		{"ftp://chat.example", false},
		{"http://[::1", false},
	} {
		c, err := client.New(client.Config{URL: tt.url})
		if (err == nil) != tt.good {
			t.Errorf("New(%q) = %v, want good: %t", tt.url, err, tt.good)
		}
		if err == nil {
			_ = c.Close(t.Context())
		}
	}
}
