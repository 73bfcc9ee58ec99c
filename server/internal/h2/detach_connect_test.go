package h2

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type writerKey struct{}

// A connect handler sends the first message of a server stream and detaches; the
// rest is written without it. What connect writes when the handler returns is
// discarded.
func TestDetachInConnectHandler(t *testing.T) {
	streams := make(chan *Stream, 1)
	h := connect.NewServerStreamHandler(serverPath, func(ctx context.Context, r *connect.Request[text], s *connect.ServerStream[text]) error {
		if err := s.Send(wrapperspb.String("first")); err != nil {
			return err
		}
		d, err := Detach(ctx.Value(writerKey{}).(http.ResponseWriter), newRecorder())
		if err != nil {
			return err
		}
		streams <- d
		return errors.New("detached: the client does not receive this")
	})
	f := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), writerKey{}, w)))
	})})
	cc := grpcClient(t, f.addr)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, code := range []codes.Code{codes.OK, codes.Unavailable} {
		s, err := cc.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, serverPath)
		if err != nil {
			t.Fatalf("NewStream = %v", err)
		}
		if err := errors.Join(s.SendMsg(wrapperspb.String("")), s.CloseSend()); err != nil {
			t.Fatalf("SendMsg = %v", err)
		}
		d := <-streams
		for _, value := range []string{"second", "third"} {
			m, err := proto.Marshal(wrapperspb.String(value))
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Append(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(m))), m...)); err != nil {
				t.Errorf("Append = %v", err)
			}
			d.Conn().Flush()
		}
		trailers := http.Header{"Grpc-Status": {"0"}}
		if code != codes.OK {
			trailers = http.Header{"Grpc-Status": {"14"}, "Grpc-Message": {"going away"}}
		}
		d.Finish(trailers)
		d.Conn().Flush()
		for _, want := range []string{"first", "second", "third"} {
			m := new(text)
			if err := s.RecvMsg(m); err != nil || m.Value != want {
				t.Errorf("message = %q, %v, want %q", m.Value, err, want)
			}
		}
		if err := s.RecvMsg(new(text)); code == codes.OK && !errors.Is(err, io.EOF) || code != codes.OK && status.Code(err) != code {
			t.Errorf("end of the stream = %v, want %v", err, code)
		}
	}
}
