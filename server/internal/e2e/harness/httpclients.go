package harness

import (
	"net"
	"net/http"
	"testing"
)

// H2CClient returns a client for unencrypted HTTP/2 only, with connections of its own.
func H2CClient(t *testing.T) *http.Client {
	return newHTTPClient(t, (*http.Protocols).SetUnencryptedHTTP2)
}

// HTTP1Client returns a client for HTTP/1.1 only, with connections of its own.
func HTTP1Client(t *testing.T) *http.Client { return newHTTPClient(t, (*http.Protocols).SetHTTP1) }

func newHTTPClient(t *testing.T, speak func(*http.Protocols, bool)) *http.Client {
	protocols := new(http.Protocols)
	speak(protocols, true)
	transport := &http.Transport{
		Protocols:   protocols,
		DialContext: (&net.Dialer{}).DialContext,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
