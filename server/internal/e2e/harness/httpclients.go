package harness

import (
	"crypto/tls"
	"net"
	"net/http"
	"testing"
)

// H2CClient returns a client for HTTP/2 only, without TLS unless the URL is one of https,
// with connections of its own.
func H2CClient(t *testing.T) *http.Client {
	return NewHTTPClient(t, func(p *http.Protocols, on bool) {
		p.SetUnencryptedHTTP2(on)
		p.SetHTTP2(on)
	})
}

// HTTP1Client returns a client for HTTP/1.1 only, with connections of its own.
func HTTP1Client(t *testing.T) *http.Client { return NewHTTPClient(t, (*http.Protocols).SetHTTP1) }

// NewHTTPClient returns a client for one version of HTTP, with connections of its own.
func NewHTTPClient(t *testing.T, speak func(*http.Protocols, bool)) *http.Client {
	protocols := new(http.Protocols)
	speak(protocols, true)
	transport := &http.Transport{
		Protocols:   protocols,
		DialContext: (&net.Dialer{}).DialContext,
		// Most tests start services whose certificates are self-signed.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
