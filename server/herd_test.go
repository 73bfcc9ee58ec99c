package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/crash"
)

const (
	herdEvents  = 1_000 // in the room
	herdMissed  = 100   // events that each subscriber has to be sent
	herdStreams = 100   // on each connection
)

// BenchmarkHerd restarts a server whose subscribers all come back at once, each
// to be sent the last hundred events. It says how long it takes until all are
// live, and the server's peak memory. CHATROOM_BENCH_SUBSCRIBERS sets how many
// there are, 1,000 by default; the clients share the machine.
func BenchmarkHerd(b *testing.B) {
	subscribers := 1_000
	if n, err := strconv.Atoi(os.Getenv("CHATROOM_BENCH_SUBSCRIBERS")); err == nil {
		subscribers = n
	}
	program, err := crash.Build(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	data := b.TempDir()
	server := startHerdServer(b, program, data)
	after := server.fill(b)
	server.stop(b)
	for b.Loop() {
		b.StopTimer()
		server = startHerdServer(b, program, data)
		b.StartTimer()
		server.stampede(b, subscribers, after)
		b.StopTimer()
		b.ReportMetric(server.peak(b), "MiB-peak")
		server.stop(b)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms-until-live")
	b.ReportMetric(float64(subscribers), "subscribers")
}

// herdServer is a server in a process of its own, so that its memory is.
type herdServer struct {
	command *exec.Cmd
	url     string
}

func startHerdServer(b *testing.B, program, data string) *herdServer {
	command := exec.Command(program, "-listen", "127.0.0.1:0", "-data", data, "-drain", "1ms")
	stdout, err := command.StdoutPipe()
	if err = cmp.Or(err, command.Start()); err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatalf("the server said %q, %v, want where it listens", line, err)
	}
	return &herdServer{command, strings.TrimSuffix(strings.TrimPrefix(line, "chatroom: open "), "/\n")}
}

func (s *herdServer) stop(b *testing.B) {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	if err := s.command.Wait(); err != nil {
		b.Errorf("the server ended with %v, want nil", err)
	}
}

func (s *herdServer) client() (chatv1connect.ChatRoomClient, *http.Transport) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	return chatv1connect.NewChatRoomClient(&http.Client{Transport: transport}, s.url), transport
}

// fill says something and returns the cursor that the last hundred come after.
func (s *herdServer) fill(b *testing.B) *chatv1.Cursor {
	client, transport := s.client()
	defer transport.CloseIdleConnections()
	cursor := new(chatv1.Cursor)
	for i := range herdEvents {
		response, err := client.Send(b.Context(), saying("lobby", fmt.Sprint("event ", i)))
		if err != nil {
			b.Fatal(err)
		}
		if i == herdEvents-herdMissed-1 {
			cursor.Epoch, cursor.Sequence = response.GetEpoch(), response.GetSequence()
		}
	}
	return cursor
}

// stampede opens all streams at once and returns when each is live.
func (s *herdServer) stampede(b *testing.B, subscribers int, after *chatv1.Cursor) {
	ctx, cancel := context.WithTimeout(b.Context(), 2*time.Minute)
	var live, gone sync.WaitGroup
	live.Add(subscribers)
	for first := 0; first < subscribers; first += herdStreams {
		client, transport := s.client()
		defer transport.CloseIdleConnections()
		for range min(herdStreams, subscribers-first) {
			gone.Go(func() {
				if err := becomeLive(ctx, client, after, live.Done); err != nil {
					b.Error(err)
					live.Done()
				}
			})
		}
	}
	live.Wait()
	b.StopTimer()
	cancel()
	gone.Wait()
}

// becomeLive calls live once everything missed has come, and stays until ctx
// ends.
func becomeLive(ctx context.Context, client chatv1connect.ChatRoomClient, after *chatv1.Cursor, live func()) error {
	stream, err := client.Subscribe(ctx, only(&chatv1.Subscription{
		Room: "lobby", Start: &chatv1.Subscription_After{After: after},
	}))
	if err != nil {
		return err
	}
	defer stream.Close()
	events := 0
	for stream.Receive() {
		switch frame := stream.Msg().GetFrame(); {
		case isEphemeral(frame):
		case frame.GetEvent() != nil:
			events++
		case frame.GetCaughtUp() != nil && events != herdMissed:
			return fmt.Errorf("%d events before the stream is live, want %d", events, herdMissed)
		case frame.GetCaughtUp() != nil:
			live()
			<-ctx.Done()
			return nil
		}
	}
	return fmt.Errorf("the stream ended before it was live: %w", stream.Err())
}

// peak returns the most memory that the server has had, in MiB.
func (s *herdServer) peak(b *testing.B) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	if err != nil {
		b.Skipf("peak memory is read from /proc: %v", err)
	}
	kib := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if kib == nil {
		b.Fatalf("no VmHWM in %s", status)
	}
	n, _ := strconv.ParseFloat(string(kib[1]), 64)
	return n / 1024
}
