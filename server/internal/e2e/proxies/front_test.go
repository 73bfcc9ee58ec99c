package proxies

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatroom/server/internal/e2e/harness"
)

// A front is a proxy with TLS before a service, as docs/operations has its configuration.
type front struct {
	*harness.Service // at the proxy's address
	certificate      harness.Certificate
}

// The name of the service in the documented configurations, and one that is not.
const (
	publicHost = "chat.example.com"
	otherHost  = "other.example"
)

// fronts are the documented proxies.
var fronts = map[string]func(*testing.T, *harness.Service) front{"nginx": nginxFront, "Caddy": caddyFront}

// documented returns a configuration of docs/operations, with its addresses and files replaced.
func documented(t *testing.T, name string, replacements ...string) string {
	t.Helper()
	config, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "operations", name))
	harness.Must(t, err)
	for pair := range len(replacements) / 2 {
		if was := replacements[2*pair]; !strings.Contains(string(config), was) {
			t.Fatalf("%s does not contain %q", name, was)
		}
	}
	return strings.NewReplacer(replacements...).Replace(string(config))
}

func nginxFront(t *testing.T, s *harness.Service) front {
	t.Helper()
	certificate := harness.NewCertificate(t, t.TempDir())
	listener := listen(t)
	config := documented(t, "nginx.conf",
		"listen 443 ssl", fmt.Sprintf("listen %s ssl", listener.Addr()),
		"/etc/ssl/chat.example.com.pem", certificate.CertFile,
		"/etc/ssl/chat.example.com.key", certificate.KeyFile,
		"127.0.0.1:8080", s.Addr,
	)
	startNginx(t, config, listener)
	return front{at("https", listener.Addr().String()), certificate}
}

func caddyFront(t *testing.T, s *harness.Service) front {
	t.Helper()
	program := harness.RequireTool(t, "caddy")
	dir := t.TempDir()
	certificate := harness.NewCertificate(t, dir)
	listener := listen(t)
	address := listener.Addr().String()
	harness.Must(t, listener.Close()) // Caddy can't inherit a socket
	site := fmt.Sprintf("\nhttps://%s", address)
	for _, host := range []string{publicHost, otherHost} {
		site += fmt.Sprintf(", https://%s:%d", host, listener.Addr().(*net.TCPAddr).Port)
	}
	config := "{\n\tadmin off\n\tgrace_period 1s\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n" + documented(t, "Caddyfile",
		"\nchat.example.com {", fmt.Sprintf("%s {\n\ttls %s %s", site, certificate.CertFile, certificate.KeyFile),
		"127.0.0.1:8080", s.Addr,
	)
	harness.Must(t, os.WriteFile(filepath.Join(dir, "Caddyfile"), []byte(config), 0o600))
	command := exec.Command(program, "run", "--config", "Caddyfile")
	command.Dir, command.Stderr = dir, t.Output()
	command.Env = append(os.Environ(), "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	run(t, command)
	awaitListening(t, address)
	return front{at("https", address), certificate}
}

// awaitListening waits until something accepts connections at an address.
func awaitListening(t *testing.T, address string) {
	t.Helper()
	ctx, again := harness.Context(t), time.NewTicker(10*time.Millisecond)
	defer again.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			harness.Must(t, conn.Close())
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("nothing listens at %s: %v", address, err)
		case <-again.C:
		}
	}
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	return l.(*net.TCPListener)
}

// run starts a program, which ends with the test.
func run(t *testing.T, command *exec.Cmd) {
	t.Helper()
	harness.Must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM) // nginx stops its workers
		if err := command.Wait(); err != nil {
			t.Errorf("%s: %v", filepath.Base(command.Path), err)
		}
	})
}

func at(scheme, address string) *harness.Service {
	return &harness.Service{Addr: address, URL: scheme + "://" + address}
}

func (f front) client(t *testing.T, speak func(*http.Protocols, bool)) *http.Client {
	return f.certificate.HTTPClient(t, speak)
}
