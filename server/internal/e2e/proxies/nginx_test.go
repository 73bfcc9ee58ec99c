package proxies

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// nginx is a running nginx in front of a service, without TLS.
type nginx struct {
	grpc, http *harness.Service // the same service, at the addresses of nginx
}

// newNginx starts nginx with the documented servers, once for HTTP/2 and once for HTTP/1.1:
// without TLS, nginx has no port for both. Below /chat/ it has another service.
func newNginx(t *testing.T, s, below *harness.Service) nginx {
	t.Helper()
	listeners := []*net.TCPListener{listen(t), listen(t)}
	config := ""
	for i, parameters := range []string{" http2", ""} {
		config += documented(t, "nginx.conf",
			"listen 443 ssl http2;", fmt.Sprintf("listen %s%s;", listeners[i].Addr(), parameters),
			"\tssl_certificate /etc/ssl/chat.example.com.pem;\n", "",
			"\tssl_certificate_key /etc/ssl/chat.example.com.key;\n", "",
			"rewrite ^/chat(/.*)$ $1 last;", "proxy_pass "+below.URL+"/; proxy_set_header Host $http_host;",
			"127.0.0.1:8080", s.Addr,
		)
	}
	startNginx(t, config, listeners...)
	return nginx{at("http", listeners[0].Addr().String()), at("http", listeners[1].Addr().String())}
}

// startNginx starts nginx with servers. It inherits sockets that listen already, as it does
// from an nginx that it replaces: so the ports are its own, and calls can begin at once.
func startNginx(t *testing.T, servers string, listeners ...*net.TCPListener) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = harness.RequireTool(t, "/usr/sbin/nginx") // where Debian has it, which may not be in PATH
	}
	dir := t.TempDir()
	command := exec.Command(program, "-p", dir, "-c", "nginx.conf", "-e", "stderr")
	command.Stderr = t.Output()
	inherited := ""
	for _, l := range listeners {
		file, err := l.File()
		harness.Must(t, err)
		harness.Must(t, l.Close())
		defer file.Close()
		const standard = 3 // files that a process has before its extra ones
		inherited += fmt.Sprint(standard+len(command.ExtraFiles), ";")
		command.ExtraFiles = append(command.ExtraFiles, file)
	}
	config := `
daemon off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
access_log off;
client_body_temp_path body;
proxy_temp_path proxy;
fastcgi_temp_path fastcgi;
scgi_temp_path scgi;
uwsgi_temp_path uwsgi;
` + servers + "}\n"
	if os.Geteuid() == 0 {
		config = "user root;" + config // or its workers can't use its directory
	}
	harness.Must(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600))
	command.Env = append(os.Environ(), "NGINX="+inherited)
	run(t, command)
}

// Behind nginx with grpc_pass, gRPC clients chat and subscribe, and receive codes and
// details.
func TestNginxGRPC(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	s := harness.Start(t, harness.InMemory)
	v := harness.OpenGRPCGo(t, newNginx(t, s, s).grpc, "")
	subscribed, err := v.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	harness.Must(t, err)
	subscribed.Joined(t)
	stream, err := v.Chat(ctx)
	harness.Must(t, err)
	c := &harness.ChatSession{ChatStream: stream, Room: "lobby"}
	c.MustSend(t, harness.JoinAction(&chatv1.Subscription{Room: c.Room}))
	c.Receive.Joined(t)
	last := uint64(0)
	const n = 100 // together more than nginx's default limit for a request
	for i := range n {
		send := harness.TextRequest(c.Room, harness.LongestText)
		send.Id = fmt.Sprint(i)
		c.MustSend(t, harness.SendAction(send))
		_, event := c.Answered(t)
		if event.GetId() != fmt.Sprint(i) {
			t.Errorf("event %d by Chat = %v", i, event)
		}
		last = harness.Follow(t, last, event)
	}
	for i, id := range harness.EventIDs(subscribed.Events(t, 0, n)) {
		if id != fmt.Sprint(i) {
			t.Errorf("event %d by Subscribe has id %q", i, id)
		}
	}
	_, err = v.Send(ctx, harness.TextRequest("not a room", "x"))
	if code := harness.CodeOf(err); code != connect.CodeInvalidArgument || !hasDetail[*validate.Violations](err) {
		t.Errorf("Send to no room = %v with %v, want invalid_argument with Violations", err, status.Convert(err).Details())
	}
	s.BeginStop()
	for name, receive := range map[string]harness.Frames{"Subscribe": subscribed, "Chat": c.Receive} {
		err := receive.End()
		if harness.CodeOf(err) != connect.CodeUnavailable || !hasDetail[*errdetails.RetryInfo](err) {
			t.Errorf("end of %s = %v with %v, want unavailable with RetryInfo", name, err, status.Convert(err).Details())
		}
	}
}

// hasDetail reports whether an error of grpc-go has a detail of a type.
func hasDetail[Detail any](err error) bool {
	for _, d := range status.Convert(err).Details() {
		if _, ok := d.(Detail); ok {
			return true
		}
	}
	return false
}

// Behind nginx with proxy_pass, the page is served, and events come when they are sent:
// nginx does not hold them back.
func TestNginxHTTP1(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	s := harness.Start(t, harness.InMemory)
	front := newNginx(t, s, s).http
	for name, options := range map[string][]connect.ClientOption{
		"Connect": nil, "gRPC-Web": {connect.WithGRPCWeb()},
	} {
		t.Run(name, func(t *testing.T) {
			room := strings.ToLower(name)
			receivesAtOnce(t, harness.ConnectOver(harness.HTTP1Client, options...)(t, front, ""), room)
			list := harness.RoomList{Client: chatv1connect.NewChatRoomClient(harness.HTTP1Client(t), s.URL)}
			list.AwaitMembers(harness.Context(t), t, map[string]uint32{room: 0})
		})
	}
	client := harness.HTTP1Client(t)
	page := httpGet(ctx, t, client, front.URL+"/")
	scripts := scriptTag.FindAllStringSubmatch(page, -1)
	if len(scripts) == 0 {
		t.Fatalf("the page has no script:\n%s", page)
	}
	for _, script := range scripts {
		httpGet(ctx, t, client, front.URL+"/"+strings.TrimPrefix(script[1], "/"))
	}
}

var scriptTag = regexp.MustCompile(`<script[^>]* src="([^"]+)"`)

// httpGet returns the body of an answer, which must be 200.
func httpGet(ctx context.Context, t *testing.T, client *http.Client, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	harness.Must(t, err)
	response, err := client.Do(request)
	harness.Must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || len(body) == 0 {
		t.Errorf("GET %s = %s with %d bytes, %v, want 200 and a body", url, response.Status, len(body), err)
	}
	return string(body)
}

// Behind a proxy that is trusted, limits count for its clients, and behind another one
// for the proxy.
func TestNginxTellsAddresses(t *testing.T) {
	t.Parallel()
	for _, trusted := range []string{"127.0.0.1", ""} {
		s := harness.Start(t, harness.InMemory, harness.WithLimits("list.address=1/h:1"), func(c *service.Config) { c.TrustedProxies = trusted })
		front := newNginx(t, s, s).http
		// list calls from an address, with a header that the client makes up.
		list := func(from string) error {
			t.Helper()
			dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
			transport := &http.Transport{DialContext: dialer.DialContext}
			t.Cleanup(transport.CloseIdleConnections)
			ctx, call := connect.NewClientContext(harness.Context(t))
			call.RequestHeader().Set("X-Forwarded-For", "203.0.113."+strings.TrimPrefix(from, "127.0.0."))
			_, err := chatv1connect.NewChatRoomClient(&http.Client{Transport: transport}, front.URL).ListRooms(ctx, &chatv1.ListRoomsRequest{})
			return err
		}
		harness.Must(t, list("127.0.0.2"))
		for from, passes := range map[string]bool{"127.0.0.2": false, "127.0.0.3": trusted != ""} {
			if err := list(from); (err == nil) != passes || !passes && connect.CodeOf(err) != connect.CodeResourceExhausted {
				t.Errorf("trusting %q, a call from %s = %v, want it to pass = %t", trusted, from, err, passes)
			}
		}
	}
}
