package detach

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taken is a stream whose handler has returned.
type taken struct {
	Stream
	gone, writable chan struct{}
}

// serve starts a server whose handler writes "begin\n", has its response taken
// over, writes more, and returns.
func serve(t *testing.T) (url string, streams <-chan taken) {
	t.Helper()
	var g Group
	all := make(chan taken, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		_, _ = io.WriteString(w, "begin\n")
		s := taken{gone: make(chan struct{}), writable: make(chan struct{}, 1)}
		var err error
		s.Stream, err = g.Take(w, r, Events{
			Gone: func() { close(s.gone) },
			Writable: func() {
				select {
				case s.writable <- struct{}{}:
				default:
				}
			},
		})
		if err != nil {
			t.Errorf("Take = %v, want nil", err)
			return
		}
		_, _ = io.WriteString(w, "discarded")
		all <- s
	}))
	t.Cleanup(func() {
		server.Close()
		g.Wait(context.WithoutCancel(t.Context()))
	})
	return server.URL, all
}

// A client that keeps sending after its request is cut off.
func TestHTTP1FloodAfterTheRequest(t *testing.T) {
	url, streams := serve(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	s := <-streams
	flood := make([]byte, 4<<10)
	for sent := 0; err == nil; sent += len(flood) {
		if sent > 64<<20 {
			t.Fatalf("the client could send %d bytes after its request", sent)
		}
		_, err = conn.Write(flood)
	}
	<-s.gone
}

func TestHTTP1(t *testing.T) {
	url, streams := serve(t)
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	s := <-streams
	body := bufio.NewReader(response.Body)
	line := func() string {
		text, err := body.ReadString('\n')
		if err != nil {
			t.Fatalf("reading the response: %v", err)
		}
		return text
	}
	if got := line(); got != "begin\n" {
		t.Errorf("the response begins with %q, want what the handler wrote", got)
	}
	for i := range 3 {
		if !s.Append(fmt.Appendf(nil, "line %d\n", i)) {
			t.Fatal("Append = false for a client that reads")
		}
		s.Flush()
		if got, want := line(), fmt.Sprintf("line %d\n", i); got != want {
			t.Errorf("the response continues with %q, want %q", got, want)
		}
	}
	if !s.Stalled().IsZero() {
		t.Error("Stalled() is set for a client that reads")
	}
	s.Append([]byte("one "))
	s.Finish([]byte("end"), http.Header{"Grpc-Status": {"14"}})
	rest, err := io.ReadAll(body)
	if err != nil || string(rest) != "one end" {
		t.Errorf("the response ends with %q, %v, want what was appended and the end", rest, err)
	}
	if got := response.Trailer.Get("Grpc-Status"); got != "14" {
		t.Errorf("trailer = %q, want 14", got)
	}
	select {
	case <-s.gone:
		t.Error("Gone was called after Finish")
	default:
	}
}

// Clients of HTTP/1.0 know no chunks: the end of the connection is that of the
// response.
func TestHTTP10(t *testing.T) {
	url, streams := serve(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	s := <-streams
	s.Append([]byte("more\n"))
	s.Finish([]byte("end"), nil)
	all, err := io.ReadAll(conn)
	if _, body, _ := bytes.Cut(all, []byte("\r\n\r\n")); err != nil || string(body) != "begin\nmore\nend" {
		t.Errorf("the body is %q, %v, want it without chunks", body, err)
	}
}

func TestHTTP1ClientGoes(t *testing.T) {
	url, streams := serve(t)
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	s := <-streams
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	<-s.gone
	s.Append([]byte("nobody reads this"))
	s.Flush()
	s.Abort()
}

// A client that does not read stalls its stream, and nothing else. It gets
// everything when it reads again.
func TestHTTP1ClientStalls(t *testing.T) {
	url, streams := serve(t)
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	s := <-streams
	line, lines := bytes.Repeat([]byte("x"), 64<<10), 0
	line[len(line)-1] = '\n'
	for s.Append(line) {
		s.Flush()
		lines++
	}
	if s.Finish(nil, nil) {
		t.Error("Finish = true for a client that does not read")
	}
	if s.Stalled().IsZero() {
		t.Error("Stalled() is zero for a client that does not read")
	}
	body := bufio.NewReaderSize(response.Body, len(line))
	for i := range lines + 1 {
		got, err := body.ReadSlice('\n')
		if err != nil || i > 0 && !bytes.Equal(got, line) {
			t.Fatalf("line %d: %d bytes, %v", i, len(got), err)
		}
	}
	<-s.writable
	if !s.Finish(nil, nil) {
		t.Error("Finish = false after Writable was called")
	}
	if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
		t.Errorf("the response ends with %d bytes, %v, want none", len(rest), err)
	}
}

// A client that never reads is cut off by Abort. The Group's Wait, at the end of the
// test, returns.
func TestHTTP1Abort(t *testing.T) {
	url, streams := serve(t)
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	s := <-streams
	for s.Append(make([]byte, 64<<10)) {
		s.Flush()
	}
	s.Abort()
}

// One that stops to read just before the end is cut off, too, after a moment.
func TestHTTP1FinishIsBounded(t *testing.T) {
	url, streams := serve(t)
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	s := <-streams
	if !s.Finish(make([]byte, 32<<20), nil) {
		t.Error("Finish = false for the first that is appended")
	}
}

// The write of the end may fail, and so find the client lost within Finish.
func TestHTTP1FinishFails(t *testing.T) {
	url, streams := serve(t)
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	s := <-streams
	if err := s.Stream.(*http1).conn.(*net.TCPConn).CloseWrite(); err != nil { // writes fail from now on
		t.Fatal(err)
	}
	if !s.Finish([]byte("end"), nil) {
		t.Error("Finish = false for a client that reads")
	}
}

func TestUnsupported(t *testing.T) {
	var g Group
	_, err := g.Take(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), Events{})
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("Take of a recorder = %v, want %v", err, ErrUnsupported)
	}
}
