package httpd

import (
	"net/http"
	"strings"

	"github.com/rs/cors"

	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/health"
	"chatroom/server/internal/logsample"
	"chatroom/server/internal/tally"
)

// front is the handler of all requests. It refuses those that a page of another origin
// must not make.
type front struct {
	mux     *http.ServeMux // the page at "/", and services
	hosts   Hosts
	origins Origins
	cors    *cors.Cors // nil without origins
	// protection refuses requests that browsers make for pages of other origins. Those
	// with GET pass: what they return is not readable there, and they have no effect, except
	// that of package signin to which its provider sends people, and which checks that itself.
	protection http.CrossOriginProtection
	proxies    clientaddr.Proxies
	peers      *logsample.Logger
	refused    *tally.Tally
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.hosts.Allow(r.Host) && !isProbe(r.URL.Path) {
		f.refused.Add("host")
		f.refuse(w, r, http.StatusMisdirectedRequest, "the host of the request is none of this server (-hosts)")
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" && f.cors != nil && f.isCall(r) && f.origins.allows(origin) {
		if f.cors.HandlerFunc(w, r); !isPreflight(r) {
			f.mux.ServeHTTP(w, r)
		}
		return
	}
	// The protection lets preflights pass. Without a line in the log, an origin that is missing in
	// -cors-origins is hard to find: browsers do not show the answer to pages.
	if f.protection.Check(r) != nil || isPreflight(r) && f.isCall(r) {
		f.refused.Add("origin")
		f.refuse(w, r, http.StatusForbidden, "pages of the request's origin may not call this server (-cors-origins)")
		return
	}
	f.mux.ServeHTTP(w, r)
}

// isProbe reports whether a path is that of a health check. Orchestrators make them by
// address, whatever -hosts has, and what they return is no secret.
func isProbe(path string) bool {
	return path == health.LivePath || path == health.ReadyPath || strings.HasPrefix(path, "/grpc.health.v1.Health/")
}

// isCall reports whether a request is for a service, and not for the page.
func (f *front) isCall(r *http.Request) bool {
	_, pattern := f.mux.Handler(r)
	return pattern != "/"
}

func (f *front) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	f.peers.Warn(r.Context(), "a request was refused: "+reason,
		"peer", f.proxies.Of(r), "host", clip(r.Host), "origin", clip(r.Header.Get("Origin")))
	http.Error(w, "Refused: "+reason+".", status)
}

// clip bounds what a log line has of a header.
func clip(s string) string { return s[:min(len(s), 100)] }
