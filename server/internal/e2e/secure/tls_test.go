// Package secure tests the service with TLS: every client library, certificates that
// are replaced, and the redirect from plain HTTP.
package secure

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

func TestMain(m *testing.M) { harness.Main(m) }

// protocols are the ways into the service over TLS.
func protocols(p harness.Certificate) []harness.Protocol {
	connectTo := func(speak func(*http.Protocols, bool), options ...connect.ClientOption) func(*testing.T, *harness.Service, string) harness.Client {
		return harness.ConnectOver(func(t *testing.T) *http.Client { return p.HTTPClient(t, speak) }, options...)
	}
	return []harness.Protocol{
		{Name: "Connect over HTTP/2", Bidi: true, Open: connectTo((*http.Protocols).SetHTTP2)},
		{Name: "gRPC over HTTP/2", Bidi: true, Open: connectTo((*http.Protocols).SetHTTP2, connect.WithGRPC())},
		{Name: "Connect over HTTP/1.1", Bidi: false, Open: connectTo((*http.Protocols).SetHTTP1)},
		{Name: "gRPC-Web over HTTP/1.1", Bidi: false, Open: connectTo((*http.Protocols).SetHTTP1, connect.WithGRPCWeb())},
		{Name: "grpc-go", Bidi: true, Open: p.OpenGRPCGo},
	}
}

// stream is a stream that is live in the room "secure".
type stream struct {
	door    string
	receive harness.Frames
}

func subscribe(ctx context.Context, t *testing.T, d harness.Protocol, s *harness.Service) stream {
	t.Helper()
	receive, err := d.Open(t, s, "").Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "secure"}))
	if err != nil {
		t.Fatalf("%s: Subscribe: %v", d.Name, err)
	}
	harness.Expect(t, receive, (*chatv1.Frame).GetJoined)
	harness.Expect(t, receive, (*chatv1.Frame).GetCaughtUp)
	return stream{d.Name, receive}
}

// receives checks that the next message has a text.
func (l stream) receives(t *testing.T, text string) {
	t.Helper()
	for {
		f, err := l.receive()
		if err != nil {
			t.Errorf("%s: %v, want the message %q", l.door, err, text)
			return
		}
		if m := f.GetEvent().GetMessage(); m != nil {
			if m.GetText() != text {
				t.Errorf("%s: message %q, want %q", l.door, m.GetText(), text)
			}
			return
		}
	}
}

func send(ctx context.Context, t *testing.T, v harness.Client, text string) {
	t.Helper()
	_, err := v.Send(ctx, harness.TextRequest("secure", text))
	if err != nil {
		t.Errorf("Send: %v", err)
	}
}

// Every client library is delivered to over TLS what any other sends. Streams that are
// open go on when the certificate is replaced, and new connections get the new one.
func TestTLS(t *testing.T) {
	t.Parallel()
	ctx, dir := harness.Context(t), t.TempDir()
	first := harness.NewCertificate(t, dir)
	s := harness.Start(t, harness.InMemory, first.Option)
	if s.URL != "https://"+s.Addr {
		t.Errorf("the server says that it is at %s, want https", s.URL)
	}
	var listening []stream
	clients := make(map[string]harness.Client)
	for _, d := range protocols(first) {
		listening = append(listening, subscribe(ctx, t, d, s))
		clients[d.Name] = d.Open(t, s, "")
	}
	everyoneSends := func(when string) {
		for name, v := range clients {
			text := name + ", " + when
			send(ctx, t, v, text)
			for _, l := range listening {
				l.receives(t, text)
			}
		}
	}
	everyoneSends("with the first certificate")

	second := harness.NewCertificate(t, dir)
	for served := false; !served; {
		if ctx.Err() != nil {
			t.Fatal("the second certificate is not used")
		}
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: second.Roots}}).DialContext(ctx, "tcp", s.Addr)
		if served = err == nil; served {
			_ = conn.Close()
		}
	}
	for _, d := range protocols(second) {
		listening = append(listening, subscribe(ctx, t, d, s))
	}
	everyoneSends("with the second certificate")
}

// Chat works over TLS as it does without.
func TestTLSChat(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	p := harness.NewCertificate(t, t.TempDir())
	s := harness.Start(t, harness.InMemory, p.Option)
	for _, d := range protocols(p) {
		if !d.Bidi {
			continue
		}
		chat, err := d.Open(t, s, "").Chat(ctx)
		if err != nil {
			t.Fatalf("%s: Chat: %v", d.Name, err)
		}
		harness.Must(t, chat.Send(harness.JoinAction(&chatv1.Subscription{Room: "secure"})))
		harness.Expect(t, chat.Receive, (*chatv1.Frame).GetJoined)
		harness.Expect(t, chat.Receive, (*chatv1.Frame).GetCaughtUp)
		harness.Must(t, chat.Send(harness.SendAction(harness.TextRequest("secure", d.Name))))
		stream{d.Name, chat.Receive}.receives(t, d.Name)
	}
}

// curl trusts the certificate, over both versions of HTTP, and receives a stream.
func TestTLSCurl(t *testing.T) {
	t.Parallel()
	curl := harness.RequireTool(t, "curl")
	ctx := harness.Context(t)
	p := harness.NewCertificate(t, t.TempDir())
	s := harness.Start(t, harness.InMemory, p.Option)
	for version, want := range map[string]string{"--http1.1": "1.1 200", "--http2": "2 200"} {
		url := s.URL + chatv1connect.ChatRoomListRoomsProcedure
		out, err := exec.CommandContext(ctx, curl, "-sS", version, "--cacert", p.CertFile, "-w", "%{http_version} %{http_code}",
			"-H", "Content-Type: application/json", "-d", "{}", url).CombinedOutput()
		if err != nil || !strings.HasSuffix(string(out), want) {
			t.Errorf("curl %s = %v, %s, want %s", version, err, out, want)
		}

		command := exec.CommandContext(ctx, curl, "-sSN", version, "--cacert", p.CertFile, "-H", "Content-Type: application/connect+json",
			"--data-binary", "@-", s.URL+chatv1connect.ChatRoomSubscribeProcedure)
		command.Stdin = strings.NewReader("\x00\x00\x00\x00\x1d" + `{"rooms":[{"room":"secure"}]}`)
		out1, err := command.StdoutPipe()
		harness.Must(t, err)
		harness.Must(t, command.Start())
		lines := bufio.NewReader(out1)
		for text := ""; !strings.Contains(text, "caughtUp"); {
			part, err := lines.ReadString('}')
			if err != nil {
				t.Errorf("curl %s: the stream ended after %q", version, text)
				break
			}
			text += part
		}
		_ = command.Process.Kill()
		_, _ = io.Copy(io.Discard, out1)
		_ = command.Wait()
	}
	// Without --cacert it does not.
	if out, err := exec.CommandContext(ctx, curl, "-sS", s.URL).CombinedOutput(); err == nil {
		t.Errorf("curl without the certificate succeeded: %s", out)
	}
}

// -tls-self-signed says the fingerprint of the certificate that it serves, and
// -http-redirect leads to the page.
func TestTLSSelfSigned(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory, func(c *service.Config) {
		c.TLS = service.TLSConfig{SelfSigned: true, Redirect: "127.0.0.1:0"}
	})
	line := regexp.MustCompile(`sha256=([0-9A-F:]+)`).FindStringSubmatch(s.Log.String())
	at := regexp.MustCompile(`redirecting plain HTTP to HTTPS" address=(\S+)`).FindStringSubmatch(s.Log.String())
	if line == nil || at == nil {
		t.Fatalf("log = %s, want a fingerprint and an address that redirects", s.Log.String())
	}
	c := harness.NewHTTPClient(t, (*http.Protocols).SetHTTP2)
	c.Transport.(*http.Transport).Protocols.SetHTTP1(true)
	var seen string
	c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{
		InsecureSkipVerify: true, // in favour of the fingerprint
		VerifyConnection: func(state tls.ConnectionState) error {
			seen = fmt.Sprintf("% X", sha256.Sum256(state.PeerCertificates[0].Raw))
			return nil
		},
	}
	response, err := c.Get("http://" + at[1] + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.Request.URL.String() != s.URL+"/" || !strings.Contains(string(body), "<title>") {
		t.Errorf("GET of plain HTTP led to %v with %.40q, %v, want the page at %s", response.Request.URL, body, err, s.URL)
	}
	if want := strings.ReplaceAll(line[1], ":", " "); seen != want {
		t.Errorf("the certificate has the fingerprint %s, want the one in the log, %s", seen, want)
	}
}
