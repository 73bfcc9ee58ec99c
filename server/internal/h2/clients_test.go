package h2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type text = wrapperspb.StringValue

const (
	unaryPath  = "/test.T/Unary"
	serverPath = "/test.T/Server"
	bidiPath   = "/test.T/Bidi"
)

// connectHandler is a service of each shape of call. Unary echoes, Server sends
// its text as often as it is long, Bidi echoes. Texts that begin with "fail" end
// the call with an error.
func connectHandler() http.Handler {
	fail := func(s string) error {
		if strings.HasPrefix(s, "fail") {
			return connect.NewError(connect.CodeResourceExhausted, errors.New(s))
		}
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle(unaryPath, connect.NewUnaryHandler(unaryPath, func(_ context.Context, r *connect.Request[text]) (*connect.Response[text], error) {
		response := connect.NewResponse(r.Msg)
		response.Header().Set("X-Header", "h")
		response.Trailer().Set("X-Trailer", "t")
		return response, fail(r.Msg.Value)
	}))
	mux.Handle(serverPath, connect.NewServerStreamHandler(serverPath, func(_ context.Context, r *connect.Request[text], s *connect.ServerStream[text]) error {
		s.ResponseTrailer().Set("X-Trailer", "t")
		for range r.Msg.Value {
			if err := s.Send(r.Msg); err != nil {
				return err
			}
		}
		return fail(r.Msg.Value)
	}))
	mux.Handle(bidiPath, connect.NewBidiStreamHandler(bidiPath, func(_ context.Context, s *connect.BidiStream[text, text]) error {
		for {
			m, err := s.Receive()
			if errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := errors.Join(fail(m.Value), s.Send(m)); err != nil {
				return err
			}
		}
	}))
	return mux
}

func grpcClient(t testing.TB, addr string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	cc, err := grpc.NewClient("passthrough:///"+addr, append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	return cc
}

func TestGRPCClient(t *testing.T) {
	f := serve(t, &Server{Handler: connectHandler()})
	cc := grpcClient(t, f.addr)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	for _, size := range []int{0, 1, 10_000, 3_000_000} {
		in, out := wrapperspb.String(strings.Repeat("x", size)), new(text)
		if err := cc.Invoke(ctx, unaryPath, in, out); err != nil || out.Value != in.Value {
			t.Errorf("unary call with %d bytes = %d bytes, %v, want an echo", size, len(out.Value), err)
		}
	}
	if err := cc.Invoke(ctx, unaryPath, wrapperspb.String("fail now"), new(text)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("failing unary call = %v, want code resource exhausted", err)
	}

	for _, in := range []string{"", "abc", "fail", strings.Repeat("long", 1000)} {
		s, err := cc.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, serverPath)
		if err != nil {
			t.Fatalf("NewStream = %v", err)
		}
		if err := errors.Join(s.SendMsg(wrapperspb.String(in)), s.CloseSend()); err != nil {
			t.Fatalf("SendMsg = %v", err)
		}
		n := 0
		for err = s.RecvMsg(new(text)); err == nil; err = s.RecvMsg(new(text)) {
			n++
		}
		want := io.EOF
		if in == "fail" {
			want = nil
		}
		if n != len(in) || want != nil && !errors.Is(err, want) || want == nil && status.Code(err) != codes.ResourceExhausted {
			t.Errorf("stream of %.10q = %d messages and %v, want %d", in, n, err, len(in))
		}
		if got := s.Trailer().Get("x-trailer"); len(got) != 1 || got[0] != "t" {
			t.Errorf("trailer of the stream = %q, want t", got)
		}
	}
	pingPong(t, ctx, cc)
}

// pingPong sends on a bidirectional stream, each message after the answer to the
// one before.
func pingPong(t *testing.T, ctx context.Context, cc *grpc.ClientConn) {
	t.Helper()
	s, err := cc.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, bidiPath)
	if err != nil {
		t.Fatalf("NewStream = %v", err)
	}
	for i := range 100 {
		in, out := wrapperspb.String(fmt.Sprint(i, strings.Repeat("x", i*100))), new(text)
		if err := errors.Join(s.SendMsg(in), s.RecvMsg(out)); err != nil || out.Value != in.Value {
			t.Fatalf("message %d = %.20q, %v, want an echo", i, out.Value, err)
		}
	}
	if err := s.CloseSend(); err != nil {
		t.Fatalf("CloseSend = %v", err)
	}
	if err := s.RecvMsg(new(text)); !errors.Is(err, io.EOF) {
		t.Errorf("end of the stream = %v, want EOF", err)
	}
}

func TestConnectClient(t *testing.T) {
	f := serve(t, &Server{Handler: connectHandler()})
	for name, opts := range map[string][]connect.ClientOption{
		"connect":  {connect.WithProtoJSON()},
		"grpc":     {connect.WithGRPC()},
		"grpc-web": {connect.WithGRPCWeb()},
	} {
		t.Run(name, func(t *testing.T) {
			hc := h2cClient(t)
			unary := connect.NewClient[text, text](hc, f.url+unaryPath, opts...)
			response, err := unary.CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("hi")))
			if err != nil || response.Msg.Value != "hi" || response.Header().Get("X-Header") != "h" || response.Trailer().Get("X-Trailer") != "t" {
				t.Errorf("unary call = %v, %v, want an echo with header and trailer", response, err)
			}
			if _, err := unary.CallUnary(t.Context(), connect.NewRequest(wrapperspb.String("fail"))); connect.CodeOf(err) != connect.CodeResourceExhausted {
				t.Errorf("failing unary call = %v, want code resource exhausted", err)
			}
			stream, err := connect.NewClient[text, text](hc, f.url+serverPath, opts...).CallServerStream(t.Context(), connect.NewRequest(wrapperspb.String("fail")))
			if err != nil {
				t.Fatalf("stream = %v", err)
			}
			defer stream.Close()
			n := 0
			for stream.Receive() {
				n++
			}
			if n != len("fail") || connect.CodeOf(stream.Err()) != connect.CodeResourceExhausted || stream.ResponseTrailer().Get("X-Trailer") != "t" {
				t.Errorf("stream = %d messages, %v, trailer %v; want 4, resource exhausted, and one", n, stream.Err(), stream.ResponseTrailer())
			}
			bidi := connect.NewClient[text, text](hc, f.url+bidiPath, opts...).CallBidiStream(t.Context())
			for _, in := range []string{"one", "two"} {
				err := bidi.Send(wrapperspb.String(in))
				out, receiveErr := bidi.Receive()
				if err != nil || receiveErr != nil || out.Value != in {
					t.Errorf("bidi message %q = %v, %v, %v, want an echo", in, out, err, receiveErr)
				}
			}
			if err := errors.Join(bidi.CloseRequest(), bidi.CloseResponse()); err != nil {
				t.Errorf("end of bidi stream = %v, want nil", err)
			}
		})
	}
}

func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		if os.Getenv("CHATROOM_TEST_REQUIRE") == "1" {
			t.Fatalf("curl is needed, as CHATROOM_TEST_REQUIRE=1: %v", err)
		}
		t.Skipf("no curl: %v", err)
	}
	for name, f := range map[string]*front{
		"h2c": serve(t, &Server{Handler: connectHandler()}),
		"tls": serveTLS(t, &Server{Handler: connectHandler()}),
	} {
		args := []string{"--silent", "--show-error", "--max-time", "20", "--http2-prior-knowledge", "--insecure", "--write-out", " %{http_version} %{http_code}", "--header", "Content-Type: application/json"}
		large := `"` + strings.Repeat("x", 200_000) + `"`
		for _, body := range []string{`"hi"`, large} {
			cmd := exec.CommandContext(t.Context(), curl, append(args, "--data-binary", "@-", f.url+unaryPath)...)
			cmd.Stdin = strings.NewReader(body)
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != body+" 2 200" {
				t.Errorf("curl over %s = %.100q, %v, want an echo of %.20q over HTTP/2", name, out, err, body)
			}
		}
	}
}
