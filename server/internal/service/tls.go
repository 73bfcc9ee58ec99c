package service

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"chatroom/server/internal/httpd"
)

// acmeDir is the directory under Config.Data that keeps what TLSConfig.Auto obtains.
const acmeDir = "acme"

// TLSConfig says how the service speaks TLS. The zero value means that it does not. At
// most one of Cert with Key, SelfSigned, and Auto may be set.
type TLSConfig struct {
	// Cert and Key are PEM files, which are read again when they change.
	Cert, Key string
	// SelfSigned makes a certificate for development, whose fingerprint is logged.
	SelfSigned bool
	// Auto are hosts to obtain certificates for from Let's Encrypt. They are kept in
	// Config.Data, which must be a directory.
	Auto []string
	// Redirect is a TCP address for plain HTTP that redirects to HTTPS, or empty.
	Redirect string
}

// Enabled reports whether the service speaks TLS.
func (c *TLSConfig) Enabled() bool {
	return c.Cert != "" || c.Key != "" || c.SelfSigned || len(c.Auto) > 0
}

// open returns the certificates, which are nil without TLS, and opens the listeners
// that redirect, unless they are inherited. The addresses are those that the service listens on.
func (c *TLSConfig) open(addresses []string, data string, inherited httpd.Listeners, log *slog.Logger) (certificates *httpd.Certificates, redirect httpd.Listeners, err error) {
	switch {
	case !c.Enabled() && len(inherited) > 0:
		return nil, nil, errors.New("-http-redirect: a socket of systemd has this name, and TLS is not enabled")
	case !c.Enabled():
		return nil, nil, nil
	case c.SelfSigned:
		var fingerprint string
		if certificates, fingerprint, err = httpd.SelfSigned(addresses); err != nil {
			return nil, nil, fmt.Errorf("-tls-self-signed: %w", err)
		}
		log.Info("serving HTTPS with a self-signed certificate", "sha256", fingerprint)
	case len(c.Auto) > 0:
		if certificates, err = httpd.ACME(httpd.ACMEConfig{Hosts: c.Auto, Cache: filepath.Join(data, acmeDir)}); err != nil {
			return nil, nil, fmt.Errorf("-tls-auto: %w", err)
		}
	default:
		if certificates, err = httpd.CertificateFiles(c.Cert, c.Key, log); err != nil {
			return nil, nil, fmt.Errorf("-tls-cert, -tls-key: %w", err)
		}
	}
	switch redirect = inherited; {
	case len(inherited) > 0:
		log.Info("redirecting plain HTTP to HTTPS on a socket that stays open in a restart", "address", redirect.Addresses()[0])
	case c.Redirect != "":
		if redirect, err = httpd.Listen([]string{c.Redirect}); err != nil {
			return nil, nil, fmt.Errorf("-http-redirect: %w", err)
		}
		log.Info("redirecting plain HTTP to HTTPS", "address", redirect.Addresses()[0])
	}
	return certificates, redirect, nil
}
