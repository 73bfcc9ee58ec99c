package proxies

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/chromedp/chromedp"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// Behind each documented proxy, every kind of client sends and receives, at the root and, where
// its protocol allows a path, below it.
func TestFronts(t *testing.T) {
	t.Parallel()
	for name, start := range fronts {
		t.Run(name, func(t *testing.T) {
			s := harness.Start(t, harness.InMemory, func(c *service.Config) { c.TrustedProxies = "loopback" })
			f := start(t, s)
			t.Run("grpc-go", func(t *testing.T) { chats(t, f.certificate.OpenGRPCGo(t, f.Service, ""), "grpc-go") })
			t.Run("gRPC-Web", func(t *testing.T) {
				web := func(t *testing.T) *http.Client { return f.client(t, (*http.Protocols).SetHTTP1) }
				receivesAtOnce(t, harness.ConnectOver(web, connect.WithGRPCWeb())(t, f.Service, ""), "grpc-web")
			})
			t.Run("path without a slash", func(t *testing.T) { addsSlash(t, f) })
			for _, prefix := range []string{"", "/chat"} {
				below := &harness.Service{Addr: f.Addr, URL: f.URL + prefix}
				room := strings.Trim("at-"+strings.TrimPrefix(prefix, "/"), "-")
				t.Run("page"+prefix, func(t *testing.T) { servesPage(t, f, below) })
				t.Run("curl"+prefix, func(t *testing.T) { curlSubscribes(t, f, below, "curl-"+room) })
				t.Run("Go client"+prefix, func(t *testing.T) { goClientFollows(t, f, below, "go-"+room) })
			}
		})
	}
}

// chats sends and receives on one Chat stream, more than a proxy would take for one request, and
// gets the end of a refused call with its details.
func chats(t *testing.T, v harness.Client, room string) {
	stream, err := v.Chat(harness.Context(t))
	harness.Must(t, err)
	c := &harness.ChatSession{ChatStream: stream, Room: room}
	c.MustSend(t, harness.JoinAction(&chatv1.Subscription{Room: room}))
	c.Receive.Joined(t)
	for i := range 100 { // 1.6 MB
		send := harness.TextRequest(room, harness.LongestText)
		send.Id = fmt.Sprint(i)
		c.MustSend(t, harness.SendAction(send))
		if _, event := c.Answered(t); event.GetId() != send.GetId() {
			t.Fatalf("event %d is %v", i, event)
		}
	}
	_, err = v.Send(harness.Context(t), harness.TextRequest("not a room", "x"))
	if code := harness.CodeOf(err); code != connect.CodeInvalidArgument {
		t.Errorf("Send to no room = %v, want invalid_argument", err)
	}
}

// receivesAtOnce sends and subscribes: the proxy passes each event on before the next one comes, and
// ends the stream when its client leaves.
func receivesAtOnce(t *testing.T, v harness.Client, room string) {
	ctx, leave := context.WithCancel(harness.Context(t))
	defer leave()
	receive, err := v.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: room}))
	harness.Must(t, err)
	receive.Joined(t)
	last := uint64(0)
	for i := range 20 {
		harness.SendTexts(ctx, t, v, room, i, 1)
		last = receive.Events(t, last, 1)[0].GetSequence()
	}
	leave()
	if err := receive.End(); harness.CodeOf(err) != connect.CodeCanceled {
		t.Errorf("end of Subscribe after its client has left = %v, want canceled", err)
	}
}

// addsSlash asks for the path as people type it, without the slash at its end.
func addsSlash(t *testing.T, f front) {
	client := f.client(t, (*http.Protocols).SetHTTP2)
	request, err := http.NewRequestWithContext(harness.Context(t), http.MethodGet, f.URL+"/chat", nil)
	harness.Must(t, err)
	response, err := client.Do(request)
	harness.Must(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Request.URL.String() != f.URL+"/chat/" {
		t.Errorf("GET /chat = %s at %s, want 200 at %s/chat/", response.Status, response.Request.URL, f.URL)
	}
}

// servesPage asks for the page and for its script, over both versions of HTTP, and chats on it.
func servesPage(t *testing.T, f front, s *harness.Service) {
	for _, speak := range []func(*http.Protocols, bool){(*http.Protocols).SetHTTP1, (*http.Protocols).SetHTTP2} {
		client := f.client(t, speak)
		page := httpGet(harness.Context(t), t, client, s.URL+"/")
		scripts := scriptTag.FindAllStringSubmatch(page, -1)
		if len(scripts) == 0 {
			t.Fatalf("the page has no script:\n%s", page)
		}
		for _, script := range scripts {
			httpGet(harness.Context(t), t, client, s.URL+"/"+strings.TrimPrefix(script[1], "/"))
		}
	}
	browser := harness.Chromium(t, chromedp.Flag("ignore-certificate-errors", true), chromedp.WindowSize(1440, 900))
	p := openPrefixTab(t, browser, s.URL+"/")
	p.signIn("Ada")
	p.do(chromedp.SendKeys(chromedp.CSS("#text"), "through the proxy\r"))
	p.awaitMessage("through the proxy")
}

// curlSubscribes receives with one curl what another one sends.
func curlSubscribes(t *testing.T, f front, s *harness.Service, room string) {
	curl := harness.NewCurl(t, s, "")
	trust := []string{"--cacert", f.certificate.CertFile}
	for i, version := range []string{"--http1.1", "--http2"} {
		ctx, leave := context.WithCancel(harness.Context(t))
		// An envelope of the Connect protocol: flags, the length in four bytes, and JSON.
		message := fmt.Sprintf(`{"rooms":[{"room":%q}]}`, room)
		subscribe := curl.Command(ctx, append(trust, version, curl.MethodURL("Subscribe"),
			"-H", "Content-Type: application/connect+json", "--data-binary", "@-")...)
		subscribe.Stdin = strings.NewReader("\x00\x00\x00\x00" + string(rune(len(message))) + message)
		out, err := subscribe.StdoutPipe()
		harness.Must(t, err)
		harness.Must(t, subscribe.Start())
		if got := readUntil(out, `"caughtUp"`); !strings.Contains(got, `"joined"`) {
			t.Errorf("curl %s Subscribe received %q, want joined", version, got)
		}
		text := fmt.Sprintf("message %d", i)
		send := curl.Command(ctx, append(trust, version, "-f", curl.MethodURL("Send"), "-H", "Content-Type: application/json",
			"-d", fmt.Sprintf(`{"room":%q,"id":%q,"message":{"text":%q}}`, room, text, text))...)
		answer, err := send.CombinedOutput()
		if err != nil || !strings.Contains(string(answer), `"sequence"`) {
			t.Errorf("curl %s Send = %v: %s", version, err, answer)
		}
		if got := readUntil(out, text); !strings.Contains(got, text) {
			t.Errorf("curl %s Subscribe received %q, want the message %q", version, got, text)
		}
		leave()
		_ = subscribe.Wait()
	}
}

// readUntil reads until the output has a text, or ends.
func readUntil(out io.Reader, text string) string {
	var read strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(read.String(), text) {
		n, err := out.Read(buffer)
		read.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	return read.String()
}

// goClientFollows sends and follows with the Go client.
func goClientFollows(t *testing.T, f front, s *harness.Service, room string) {
	ctx, cancel := context.WithCancel(harness.Context(t))
	defer cancel()
	transport := &http.Client{Transport: &http.Transport{TLSClientConfig: f.certificate.Trust(), ForceAttemptHTTP2: true}}
	defer transport.CloseIdleConnections()
	c, err := client.New(client.Config{URL: s.URL, HTTP: transport})
	harness.Must(t, err)
	defer func() { harness.Must(t, c.Close(harness.Context(t))) }()
	const n = 10
	for i := range n {
		_, err := c.Send(ctx, room, client.Text(fmt.Sprint(i)))
		harness.Must(t, err)
	}
	got := 0
	for event, err := range c.Follow(client.Recent(room, n)).Events(ctx) {
		harness.Must(t, err)
		if m := event.GetMessage(); m != nil {
			if m.GetText() != fmt.Sprint(got) {
				t.Errorf("message %d is %q", got, m.GetText())
			}
			got++
		}
		if got == n {
			break
		}
	}
}

// A proxy that is trusted says whose calls it passes on, and what its clients make up does not
// count.
func TestFrontsTellAddresses(t *testing.T) {
	t.Parallel()
	for name, start := range fronts {
		t.Run(name, func(t *testing.T) {
			s := harness.Start(t, harness.InMemory, harness.WithLimits("list.address=1/h:1"),
				func(c *service.Config) { c.TrustedProxies = "loopback" })
			f := start(t, s)
			list := func(from, madeUp string) error {
				t.Helper()
				dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
				transport := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: f.certificate.Trust()}
				t.Cleanup(transport.CloseIdleConnections)
				ctx, call := connect.NewClientContext(harness.Context(t))
				call.RequestHeader().Set("X-Forwarded-For", madeUp)
				_, err := chatv1connect.NewChatRoomClient(&http.Client{Transport: transport}, f.URL).ListRooms(ctx, &chatv1.ListRoomsRequest{})
				return err
			}
			harness.Must(t, list("127.0.0.2", "203.0.113.1"))
			if err := list("127.0.0.2", "203.0.113.2"); connect.CodeOf(err) != connect.CodeResourceExhausted {
				t.Errorf("the second call of an address = %v, want resource_exhausted", err)
			}
			harness.Must(t, list("127.0.0.3", "203.0.113.1"))
		})
	}
}

// Streams of a browser that does not say from which site a request comes, as Safari before 16.4,
// are calls of the page's own origin: the proxies pass the host on that it is compared with.
func TestFrontsPassTheHost(t *testing.T) {
	t.Parallel()
	for name, start := range fronts {
		t.Run(name, func(t *testing.T) {
			f := start(t, harness.Start(t, harness.InMemory))
			transport := &http.Transport{TLSClientConfig: f.certificate.Trust()}
			t.Cleanup(transport.CloseIdleConnections)
			for _, procedure := range []string{chatv1connect.ChatRoomSubscribeProcedure, chatv1connect.ChatRoomListRoomsProcedure} {
				request, err := http.NewRequestWithContext(harness.Context(t), http.MethodPost, f.URL+procedure, http.NoBody)
				harness.Must(t, err)
				request.Header.Set("Content-Type", "application/connect+json")
				request.Header.Set("Origin", f.URL)
				response, err := (&http.Client{Transport: transport}).Do(request)
				harness.Must(t, err)
				harness.Must(t, response.Body.Close())
				if response.StatusCode == http.StatusForbidden {
					t.Errorf("%s with the page's own origin = %s", procedure, response.Status)
				}
			}
		})
	}
}

// nginx asks for a name and a password, and passes them on: callers are anonymous.
func TestBasicAuthenticationInFront(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory)
	listener := listen(t)
	passwords := filepath.Join(t.TempDir(), "passwords")
	harness.Must(t, os.WriteFile(passwords, []byte("ada:{PLAIN}secret\n"), 0o644))
	startNginx(t, fmt.Sprintf(`
	server {
		listen %s;
		auth_basic "chat";
		auth_basic_user_file %s;
		location / { proxy_pass http://%s; proxy_http_version 1.1; proxy_set_header Host $http_host; }
	}
	`, listener.Addr(), passwords, s.Addr), listener)
	f := at("http", listener.Addr().String())
	authorized := func(t *testing.T) *http.Client {
		c := harness.HTTP1Client(t)
		c.Transport = basicAuthentication{c.Transport}
		return c
	}
	receivesAtOnce(t, harness.ConnectOver(authorized)(t, f, ""), "lobby")
	_, err := harness.ConnectOver(harness.HTTP1Client)(t, f, "").Send(harness.Context(t), harness.TextRequest("lobby", "x"))
	if connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("Send without a password = %v, want unauthenticated by nginx", err)
	}
}

// basicAuthentication sends ada's password with each request.
type basicAuthentication struct{ http.RoundTripper }

func (b basicAuthentication) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth("ada", "secret")
	return b.RoundTripper.RoundTrip(r)
}
