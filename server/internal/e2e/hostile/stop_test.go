package hostile

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

const (
	// stopDrain is the -drain of the processes that these tests stop. Much less than
	// exitLimit, it leaves time for a slow machine; clients of these tests hold on for longer.
	stopDrain = 2 * time.Second
	exitLimit = 30 * time.Second
)

// stuckClient connects to a service, and does not let go before the test ends.
type stuckClient struct {
	name    string
	tls     bool
	connect func(ctx context.Context, t *testing.T, s *harness.Service)
}

func stuckClients() []stuckClient {
	return []stuckClient{
		{"subscriber that stays", false, func(ctx context.Context, t *testing.T, s *harness.Service) {
			subscribeAndStay(ctx, t, harness.H2CClient(t), s)
			subscribeAndStay(ctx, t, harness.HTTP1Client(t), s)
		}},
		{"half a request line", false, func(_ context.Context, t *testing.T, s *harness.Service) {
			writeTo(t, dialWithSmallBuffer(t, s), "POST /chat.v1")
		}},
		{"slow body over HTTP/1.1", false, func(_ context.Context, t *testing.T, s *harness.Service) {
			writeTo(t, dialWithSmallBuffer(t, s), "POST "+chatv1connect.ChatRoomSendProcedure+" HTTP/1.1\r\nHost: "+s.Addr+
				"\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
		}},
		{"slow body over HTTP/2", false, func(_ context.Context, t *testing.T, s *harness.Service) {
			c := newFrameClient(t, s)
			c.answer()
			c.open(t, s, 1, "application/grpc")
			c.send(t, 1, false, subscribeBody(t)[:7])
			c.checkAlive(t)
		}},
		{"stream of reflection", false, func(ctx context.Context, t *testing.T, s *harness.Service) {
			stream, err := harness.NewGRPCStream[reflectionv1.ServerReflectionRequest, reflectionv1.ServerReflectionResponse](
				ctx, harness.DialGRPC(t, s), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName)
			harness.Must(t, err)
			harness.Must(t, stream.Send(&reflectionv1.ServerReflectionRequest{
				MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{ListServices: "*"},
			}))
			_, err = stream.Recv()
			harness.Must(t, err)
		}},
		{"windows that stay closed", false, func(ctx context.Context, t *testing.T, s *harness.Service) {
			for i, contentType := range []string{"application/grpc", "application/connect+proto"} {
				c := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
				c.answer()
				c.subscribe(t, s, 1, contentType)
				awaitSharedMembers(ctx, t, s, i+1)
			}
		}},
		{"socket over HTTP/1.1 that is not read", false, func(ctx context.Context, t *testing.T, s *harness.Service) {
			conn := dialWithSmallBuffer(t, s)
			writeSubscribe(t, conn, s)
			awaitSharedMembers(ctx, t, s, 1)
			flood(ctx, t, s)
		}},
		{"socket over HTTP/2 that is not read", false, func(ctx context.Context, t *testing.T, s *harness.Service) {
			subscribeUnread(t, newFrameClient(t, s, openWindow), s)
			awaitSharedMembers(ctx, t, s, 1)
			flood(ctx, t, s)
		}},
		{"TLS over HTTP/1.1 that is not read", true, func(ctx context.Context, t *testing.T, s *harness.Service) {
			writeSubscribe(t, dialTLS(ctx, t, s, "http/1.1"), s)
			awaitSharedMembers(ctx, t, s, 1)
			flood(ctx, t, s)
		}},
		{"TLS over HTTP/2 that is not read", true, func(ctx context.Context, t *testing.T, s *harness.Service) {
			subscribeUnread(t, newFrameClientOn(t, dialTLS(ctx, t, s, "h2"), openWindow), s)
			awaitSharedMembers(ctx, t, s, 1)
			flood(ctx, t, s)
		}},
		{"TLS handshake that does not end", true, func(_ context.Context, t *testing.T, s *harness.Service) {
			writeTo(t, dialWithSmallBuffer(t, s), "\x16\x03\x01\x02\x00\x01")
		}},
	}
}

// SIGTERM ends the process within -drain, with status 0, whatever its clients do.
func TestStopIsBounded(t *testing.T) {
	for _, client := range stuckClients() {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			p := harness.StartProcess(t, harness.InMemory, func(c *service.Config) {
				c.Drain, c.WriteTimeout, c.Heartbeat = stopDrain, longWriteTimeout, longWriteTimeout
				c.TLS.SelfSigned = client.tls
			})
			if client.tls {
				p.URL = "https://" + p.Addr
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
			defer cancel()
			client.connect(ctx, t, &p.Service)
			start := time.Now()
			p.Terminate(t)
			p.AwaitExit(t, exitLimit)
			t.Logf("stopped after %v", time.Since(start))
		})
	}
}

var openWindow = http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}

// subscribeUnread subscribes with open windows, and never reads.
func subscribeUnread(t *testing.T, c *frameClient, s *harness.Service) {
	t.Helper()
	harness.Must(t, c.framer.WriteWindowUpdate(0, openWindow.Val))
	c.subscribe(t, s, 1, "application/grpc")
}

func subscribeAndStay(ctx context.Context, t *testing.T, c *http.Client, s *harness.Service) {
	t.Helper()
	stream := harness.OpenSubscribe(ctx, chatv1connect.NewChatRoomClient(c, s.URL), sharedRoom)
	t.Cleanup(stream.Close)
	harness.Must(t, stream.Joined())
}

func writeTo(t *testing.T, conn net.Conn, data string) {
	t.Helper()
	_, err := io.WriteString(conn, data)
	harness.Must(t, err)
}

func writeSubscribe(t *testing.T, conn net.Conn, s *harness.Service) {
	t.Helper()
	body := subscribeBody(t)
	writeTo(t, conn, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/connect+proto\r\nContent-Length: %d\r\n\r\n%s",
		chatv1connect.ChatRoomSubscribeProcedure, s.Addr, len(body), body))
}

func dialTLS(ctx context.Context, t *testing.T, s *harness.Service, protocol string) net.Conn {
	t.Helper()
	conn := tls.Client(dialWithSmallBuffer(t, s), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
	harness.Must(t, conn.HandshakeContext(ctx))
	return conn
}

func awaitSharedMembers(ctx context.Context, t *testing.T, s *harness.Service, n int) {
	t.Helper()
	list := harness.RoomList{Client: chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL)}
	list.AwaitMembers(ctx, t, map[string]uint32{sharedRoom: uint32(n)})
}

// flood sends more than the sockets between two processes hold.
func flood(ctx context.Context, t *testing.T, s *harness.Service) {
	t.Helper()
	client := chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL)
	for i := range 600 {
		m := harness.TextRequest(sharedRoom, harness.LongestText)
		m.Id = fmt.Sprint(i)
		_, err := client.Send(ctx, m)
		harness.Must(t, err)
	}
}

// A call that waits for events is answered when the process begins to stop, while a
// subscriber that stays keeps it from ending.
func TestStopAnswersLongPolls(t *testing.T) {
	t.Parallel()
	p := harness.StartProcess(t, harness.InMemory, func(c *service.Config) { c.Drain = time.Hour })
	ctx := harness.Context(t)
	subscribeAndStay(ctx, t, harness.H2CClient(t), &p.Service)
	answered := make(chan error, 2)
	for _, c := range []*http.Client{harness.H2CClient(t), harness.HTTP1Client(t)} {
		client := chatv1connect.NewChatRoomClient(c, p.URL)
		first, err := client.ListEvents(ctx, &chatv1.ListEventsRequest{Room: sharedRoom})
		harness.Must(t, err)
		go func() {
			_, err := client.ListEvents(ctx, &chatv1.ListEventsRequest{
				Room: sharedRoom, Page: &chatv1.ListEventsRequest_After{After: first.GetNext()}, Wait: durationpb.New(30 * time.Second),
			})
			answered <- err
		}()
	}
	p.Terminate(t)
	for range 2 {
		if err := <-answered; err != nil && connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("ListEvents = %v, want an empty page or, if the process began to stop before the call, code unavailable", err)
		}
	}
}
