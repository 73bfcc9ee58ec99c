package httpd

import (
	"net"
	"net/http"
	"strings"
)

// redirect sends clients of plain HTTP to the same URL of https, at a port. The host
// must be one that a certificate is valid for, so that no one is sent elsewhere.
func (c *Certificates) redirect(port string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		if !c.serves(host) {
			http.Error(w, "This server has no certificate for the host of the request.", http.StatusMisdirectedRequest)
			return
		}
		at := net.JoinHostPort(host, port)
		if port == "443" {
			at = strings.TrimSuffix(at, ":443")
		}
		to := r.URL.RequestURI()
		if !strings.HasPrefix(to, "/") { // such as urn:x
			http.Error(w, "The request has no path.", http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, "https://"+at+to, http.StatusPermanentRedirect)
	})
}
