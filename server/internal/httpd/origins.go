package httpd

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	connectcors "connectrpc.com/cors"
	"github.com/rs/cors"
)

// preflightAge is how long a browser need not ask again. Some allow no more.
const preflightAge = 2 * time.Hour

// Origins are the web origins whose pages may call, besides that of the service itself.
// The zero value allows none.
type Origins struct {
	exact    map[string]bool
	wildcard []wildcardOrigin
}

// wildcardOrigin is every subdomain of a domain: https://*.example.com.
type wildcardOrigin struct{ scheme, domain string } // "https://", ".example.com"

// ParseOrigins reads origins, separated by commas, such as "https://app.example.com,
// https://*.example.org, http://localhost:5173".
func ParseOrigins(text string) (Origins, error) {
	var o Origins
	if strings.TrimSpace(text) == "" {
		return o, nil
	}
	o.exact = make(map[string]bool)
	for part := range strings.SplitSeq(text, ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		scheme, host, wild := strings.Cut(part, "://*.")
		plain := part
		if wild {
			plain = scheme + "://" + host
		}
		u, err := url.Parse(plain)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != plain || strings.ContainsAny(u.Host, "*@ ") {
			return Origins{}, fmt.Errorf("origin %.60q: must be a scheme and a host, such as https://app.example.com or https://*.example.com, without a path", part)
		}
		if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
			return Origins{}, fmt.Errorf("origin %.60q: must be without the port %s, which browsers leave out", part, port)
		}
		switch {
		case !wild:
			o.exact[part] = true
		case !strings.Contains(u.Hostname(), "."):
			return Origins{}, fmt.Errorf("origin %.60q: must name a domain of at least two labels after the asterisk", part)
		default:
			o.wildcard = append(o.wildcard, wildcardOrigin{u.Scheme + "://", "." + u.Host})
		}
	}
	return o, nil
}

// empty reports whether no origin is allowed.
func (o *Origins) empty() bool { return len(o.exact) == 0 && len(o.wildcard) == 0 }

// allows reports whether a page of an origin, as browsers write it, may call.
func (o *Origins) allows(origin string) bool {
	if o.exact[origin] {
		return true
	}
	for _, w := range o.wildcard {
		sub, ok := strings.CutPrefix(origin, w.scheme)
		if sub, ok = cutSuffix(sub, w.domain, ok); ok && sub != "" && !strings.ContainsAny(sub, ":/@?#") {
			return true
		}
	}
	return false
}

func cutSuffix(s, suffix string, ok bool) (string, bool) {
	if !ok {
		return s, false
	}
	return strings.CutSuffix(s, suffix)
}

// newCORS answers preflights and marks responses for pages of the origins. Tokens travel
// in a header that pages set, so cookies are not allowed.
func newCORS(o *Origins) *cors.Cors {
	if o.empty() {
		return nil
	}
	return cors.New(cors.Options{
		AllowOriginFunc: o.allows,
		AllowedMethods:  connectcors.AllowedMethods(),
		AllowedHeaders:  append(connectcors.AllowedHeaders(), "Authorization"),
		ExposedHeaders:  connectcors.ExposedHeaders(),
		MaxAge:          int(preflightAge.Seconds()),
	})
}

// isPreflight reports whether a browser asks if a page may make a call.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}
