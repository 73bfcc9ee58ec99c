package proxies

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// documentedFlags matches the flags of the server in the head of a configuration, over two lines or
// on one.
var documentedFlags = regexp.MustCompile(`The server runs\swith\s((?:-[a-z-]+ \S+ ?)+)\.`)

// documentedSettings makes a service run with the flags in the head of a configuration, but for the
// port.
func documentedSettings(t *testing.T, name string) harness.Option {
	t.Helper()
	head := strings.ReplaceAll(documented(t, name), "\n# ", "\n")
	found := documentedFlags.FindStringSubmatch(head)
	if found == nil {
		t.Fatalf("%s does not say with which flags the server runs", name)
	}
	words := strings.Fields(found[1])
	return func(c *service.Config) {
		for i := 0; i < len(words); i += 2 {
			switch value := words[i+1]; words[i] {
			case "-listen":
				host, port, _ := strings.Cut(value, ":")
				if port != "8080" {
					t.Errorf("%s: -listen %s, want the port that the proxy uses", name, value)
				}
				c.Addresses = []string{host + ":0"}
			case "-trusted-proxies":
				c.TrustedProxies = value
			case "-hosts":
				c.Hosts = value
			default:
				t.Errorf("%s: the test does not know %s", name, words[i])
			}
		}
	}
}

// With the flags in the head of each documented configuration, the server answers requests for the
// public name, whichever way the proxy passes them on, and refuses those for another one.
func TestDocumentedFlags(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"nginx": "nginx.conf", "Caddy": "Caddyfile"} {
		t.Run(name, func(t *testing.T) {
			f := fronts[name](t, harness.Start(t, harness.InMemory, documentedSettings(t, file)))
			for version, speak := range map[string]func(*http.Protocols, bool){"HTTP/1.1": (*http.Protocols).SetHTTP1, "HTTP/2": (*http.Protocols).SetHTTP2} {
				client := f.client(t, speak)
				for host, want := range map[string]int{publicHost: http.StatusOK, otherHost: http.StatusMisdirectedRequest} {
					for _, path := range []string{"", "/chat"} {
						page := httptest.NewRequest(http.MethodGet, f.URL+path+"/", nil)
						stream := httptest.NewRequest(http.MethodPost, f.URL+path+chatv1connect.ChatRoomSubscribeProcedure,
							strings.NewReader("\x00\x00\x00\x00\x1b"+`{"rooms":[{"room":"room"}]}`)) // an envelope of Connect
						stream.Header.Set("Content-Type", "application/connect+json")
						for _, r := range []*http.Request{page, stream} {
							if got := statusFor(t, client, r, host); got != want {
								t.Errorf("%s %s %s for %s = %d, want %d", version, r.Method, r.URL.Path, host, got, want)
							}
						}
					}
				}
			}
		})
	}
}

// statusFor returns the status of a request for a host.
func statusFor(t *testing.T, client *http.Client, r *http.Request, host string) int {
	t.Helper()
	ctx, leave := context.WithCancel(harness.Context(t))
	defer leave()
	r = r.WithContext(ctx)
	r.RequestURI, r.Host = "", host
	response, err := client.Do(r)
	harness.Must(t, err)
	harness.Must(t, response.Body.Close())
	return response.StatusCode
}
