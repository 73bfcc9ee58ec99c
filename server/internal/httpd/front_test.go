package httpd

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"chatroom/server/internal/health"
)

func TestParseOrigins(t *testing.T) {
	for text, allowed := range map[string]map[string]bool{
		"": {"https://app.example.com": false, "null": false, "": false},
		"https://app.example.com, http://localhost:5173": {
			"https://app.example.com": true, "http://localhost:5173": true, "http://app.example.com": false, "https://app.example.com:8443": false,
			"https://app.example.com.evil.example": false, "https://evil.example": false, "http://localhost": false, "null": false,
		},
		"HTTPS://*.Example.com,capacitor://localhost": {
			"https://a.example.com": true, "https://a.b.example.com": true, "https://example.com": false, "https://.example.com": false,
			"https://evilexample.com": false, "http://a.example.com": false, "https://a.example.com:444": false,
			"https://evil.example/.example.com": false, "https://evil.example:80.example.com": false, "https://u@.example.com": false,
			"capacitor://localhost": true,
		},
		"https://*.example.com:8443": {"https://a.example.com:8443": true, "https://a.example.com": false},
	} {
		o, err := ParseOrigins(text)
		if err != nil {
			t.Errorf("ParseOrigins(%q) = %v, want nil", text, err)
			continue
		}
		for origin, want := range allowed {
			if got := o.allows(origin); got != want {
				t.Errorf("%q allows %q = %t, want %t", text, origin, got, want)
			}
		}
	}
	for _, text := range []string{"*", "null", "app.example.com", "https://", "https://app.example.com/", "https://app.example.com/x", "https://app.example.com?x",
		"https://*", "https://*.com", "https://a.*.com", "https://*.*.com", "https://a@b.com", "https://app.example.com:443", "http://a.com:80", "https://a.com,", "https://a b.com"} {
		if _, err := ParseOrigins(text); err == nil || !strings.Contains(err.Error(), "must") {
			t.Errorf("ParseOrigins(%q) = %v, want an error that says what it must be", text, err)
		}
	}
}

func TestHosts(t *testing.T) {
	parse := func(text string) Hosts {
		h, err := ParseHosts(text)
		if err != nil {
			t.Errorf("ParseHosts(%q) = %v, want nil", text, err)
		}
		return h
	}
	loopback := map[string]bool{
		"localhost": true, "localhost:8080": true, "LocalHost.": true, "app.localhost:1": true, "127.0.0.1:8080": true, "127.9.9.9": true, "[::1]:8080": true, "::1": true,
		"[::ffff:127.0.0.1]:1": true, "": true,
		"evil.example": false, "evil.example:8080": false, "127.0.0.1.evil.example": false, "localhost.evil.example": false, "notlocalhost": false, "192.0.2.1": false, "[fe80::1]": false, "0.0.0.0:8080": false,
	}
	with := func(more map[string]bool) map[string]bool {
		all := maps.Clone(loopback)
		maps.Copy(all, more)
		return all
	}
	for name, tt := range map[string]struct {
		hosts Hosts
		allow map[string]bool
	}{
		"loopback":            {DefaultHosts([]string{"127.0.0.1:8080", "[::1]:8080"}), loopback},
		"a name of loopback":  {DefaultHosts([]string{"127.0.0.1:8080"}, "Dev.Internal:8080", ":8080"), with(map[string]bool{"dev.internal:8080": true, "DEV.internal": true})},
		"all addresses":       {DefaultHosts([]string{"[::]:8080"}), map[string]bool{"evil.example": true, "192.0.2.1": true}},
		"one of several":      {DefaultHosts([]string{"127.0.0.1:8080", "192.0.2.1:8080"}), map[string]bool{"evil.example": true}},
		"the zero value":      {Hosts{}, map[string]bool{"evil.example": true}},
		"configured":          {parse("chat.example.com, *.Example.org, 192.0.2.1"), with(map[string]bool{"chat.example.com:443": true, "CHAT.example.com.": true, "a.example.org": true, "a.b.example.org:1": true, "192.0.2.1": true, "192.0.2.1:80": true, "example.org": false, "xexample.org": false, "a.chat.example.com": false})},
		"an address of IPv6":  {parse("2001:db8::1"), with(map[string]bool{"[2001:db8::1]:443": true, "2001:db8::1": true, "[2001:db8::2]": false})},
		"an asterisk":         {parse("*"), map[string]bool{"evil.example": true}},
		"an asterisk and one": {parse("a.example, *"), map[string]bool{"evil.example": true}},
	} {
		for host, want := range tt.allow {
			if got := tt.hosts.Allow(host); got != want {
				t.Errorf("%s: allow(%q) = %t, want %t", name, host, got, want)
			}
		}
	}
	for _, text := range []string{"", "a.example,", "a.example:8080", "https://a.example", "a.example/", "*.com", "a.*.com", "[::1]:80", "a b", "**"} {
		if _, err := ParseHosts(text); err == nil || !strings.Contains(err.Error(), "must be") {
			t.Errorf("ParseHosts(%q) = %v, want an error that says what it must be", text, err)
		}
	}
}

// Who may call is decided by the host and the origin of a request, and by what the
// browser says about it.
func TestFront(t *testing.T) {
	const call = "/chat.v1.ChatRoom/Send"
	allowed, err := ParseOrigins("https://app.example.com,https://*.example.org")
	if err != nil {
		t.Fatal(err)
	}
	preflight := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,connect-protocol-version,content-type"}
	for name, tt := range map[string]struct {
		origins Origins
		method  string
		path    string
		host    string
		headers []string
		status  int
		allow   string // Access-Control-Allow-Origin
	}{
		"no browser":                      {allowed, "POST", call, "", nil, 200, ""},
		"the page":                        {allowed, "POST", call, "", []string{"Origin", "http://localhost", "Sec-Fetch-Site", "same-origin"}, 200, ""},
		"the page by plain HTTP":          {allowed, "POST", call, "", []string{"Origin", "http://localhost"}, 200, ""},
		"an allowed origin":               {allowed, "POST", call, "", []string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site"}, 200, "https://app.example.com"},
		"an allowed subdomain":            {allowed, "POST", call, "", []string{"Origin", "https://a.example.org", "Sec-Fetch-Site", "cross-site"}, 200, "https://a.example.org"},
		"another origin":                  {allowed, "POST", call, "", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403, ""},
		"another port":                    {allowed, "POST", call, "", []string{"Origin", "http://localhost:1", "Sec-Fetch-Site", "same-site"}, 403, ""},
		"another origin of an old one":    {allowed, "POST", call, "", []string{"Origin", "https://evil.example"}, 403, ""},
		"an opaque origin":                {allowed, "POST", call, "", []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, 403, ""},
		"no origin is allowed":            {Origins{}, "POST", call, "", []string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site"}, 403, ""},
		"a GET of an allowed origin":      {allowed, "GET", call, "", []string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site"}, 200, "https://app.example.com"},
		"a GET of another origin":         {allowed, "GET", call, "", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 200, ""},
		"a link to the page":              {allowed, "GET", "/", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200, ""},
		"the page is for its origin":      {allowed, "GET", "/", "", []string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site"}, 200, ""},
		"a preflight":                     {allowed, "OPTIONS", call, "", append([]string{"Origin", "https://app.example.com"}, preflight...), 204, "https://app.example.com"},
		"a preflight of another":          {allowed, "OPTIONS", call, "", append([]string{"Origin", "https://evil.example"}, preflight...), 403, ""},
		"a preflight when none may":       {Origins{}, "OPTIONS", call, "", append([]string{"Origin", "https://app.example.com"}, preflight...), 403, ""},
		"DNS rebinding":                   {allowed, "POST", call, "evil.example", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"}, 421, ""},
		"DNS rebinding by GET":            {allowed, "GET", call, "evil.example:8080", nil, 421, ""},
		"DNS rebinding of a preflight":    {allowed, "OPTIONS", call, "evil.example", append([]string{"Origin", "https://app.example.com"}, preflight...), 421, ""},
		"DNS rebinding to load the page":  {allowed, "GET", "/", "evil.example", nil, 421, ""},
		"a probe by an address":           {allowed, "GET", "/readyz", "192.0.2.7:8080", nil, 503, ""},
		"a probe of liveness":             {allowed, "GET", "/healthz", "192.0.2.7:8080", nil, 200, ""},
		"a probe with gRPC":               {allowed, "POST", "/grpc.health.v1.Health/Check", "192.0.2.7:8080", nil, 200, ""},
		"an allowed origin by an address": {allowed, "POST", call, "127.0.0.1:80", []string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site"}, 200, "https://app.example.com"},
	} {
		var log syncBuffer
		s, err := New(Config{
			Page: fstest.MapFS{"index.html": files["index.html"]}, Hosts: DefaultHosts([]string{"127.0.0.1:80"}), Origins: tt.origins,
			RPC: map[string]http.Handler{"/grpc.health.v1.Health/": http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "/chat.v1.ChatRoom/": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodOptions {
					w.WriteHeader(http.StatusMethodNotAllowed)
				}
			})},
			Health: health.New(),
			Log:    slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(tt.method, tt.path, nil)
		if r.Host = "localhost"; tt.host != "" {
			r.Host = tt.host
		}
		for i := 0; i < len(tt.headers); i += 2 {
			r.Header.Set(tt.headers[i], tt.headers[i+1])
		}
		recorder := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(recorder, r)
		answer := recorder.Result()
		if got := answer.Header.Get("Access-Control-Allow-Origin"); answer.StatusCode != tt.status || got != tt.allow {
			t.Errorf("%s: %d with the allowed origin %q, want %d with %q", name, answer.StatusCode, got, tt.status, tt.allow)
		}
		if tt.allow != "" && !strings.Contains(strings.Join(answer.Header.Values("Vary"), ","), "Origin") {
			t.Errorf("%s: Vary is %q, want it to have Origin", name, answer.Header.Values("Vary"))
		}
		if tt.status == http.StatusNoContent {
			if age := answer.Header.Get("Access-Control-Max-Age"); age != "7200" {
				t.Errorf("%s: the age is %q, want 7200", name, age)
			}
			if got := strings.ToLower(answer.Header.Get("Access-Control-Allow-Headers")); !strings.Contains(got, "authorization") {
				t.Errorf("%s: the headers are %q, want authorization among them", name, got)
			}
		} else if exposed := strings.ToLower(answer.Header.Get("Access-Control-Expose-Headers")); tt.allow != "" && !strings.Contains(exposed, "grpc-status") {
			t.Errorf("%s: exposed are %q, want grpc-status among them", name, exposed)
		}
		refused := tt.status == http.StatusForbidden || tt.status == http.StatusMisdirectedRequest
		if logged := strings.Contains(log.String(), "peer=192.0.2.1"); logged != refused {
			t.Errorf("%s: the log is %q, want the peer of a refused request", name, log.String())
		}
	}
}
