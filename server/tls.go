package main

import (
	"errors"
	"flag"
	"net"
	"strings"

	"chatroom/server/internal/service"
)

// tlsFlags are the flags that defineTLS adds.
var tlsFlags = []string{"tls-cert", "tls-key", "tls-self-signed", "tls-auto", "http-redirect"}

// defineTLS adds flags that set c, but for -tls-auto, which sets auto.
func defineTLS(flags *flag.FlagSet, c *service.TLSConfig, auto *names) {
	flags.StringVar(&c.Cert, "tls-cert", "", "PEM `file` with the certificate to serve HTTPS with, followed by intermediate ones; read again when it changes")
	flags.StringVar(&c.Key, "tls-key", "", "PEM `file` with the key of -tls-cert; read again when it changes")
	flags.BoolVar(&c.SelfSigned, "tls-self-signed", false, "serve HTTPS with a certificate that is made at each start, for development")
	flags.Var(auto, "tls-auto", "`host` to serve HTTPS for with a certificate that is obtained from Let's Encrypt, whose terms this accepts; its port 443 must lead here; may be repeated")
	flags.StringVar(&c.Redirect, "http-redirect", "", "TCP `address` to serve plain HTTP on that redirects to HTTPS")
}

func checkTLS(c *service.TLSConfig, data string) error {
	sources := 0
	for _, used := range []bool{c.Cert != "", c.SelfSigned, len(c.Auto) > 0} {
		if used {
			sources++
		}
	}
	switch {
	case (c.Cert == "") != (c.Key == ""):
		return errors.New("-tls-cert, -tls-key: must be set both or neither")
	case sources > 1:
		return errors.New("-tls-cert, -tls-self-signed, -tls-auto: at most one may be set")
	case len(c.Auto) > 0 && data == service.MemoryData:
		return errors.New("-tls-auto: must not be set together with -data memory, which can't keep the certificate")
	case c.Redirect != "" && !c.Enabled():
		return errors.New("-http-redirect: needs -tls-cert, -tls-self-signed or -tls-auto")
	}
	return nil
}

// pageURL returns a link that works in a browser: on this machine, or with -tls-auto
// for the name that the certificate is for.
func pageURL(address string, c *service.TLSConfig) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if c.Enabled() {
		scheme = "https"
	}
	if len(c.Auto) > 0 {
		host = c.Auto[0]
	}
	authority := net.JoinHostPort(host, port)
	if port == map[string]string{"http": "80", "https": "443"}[scheme] {
		authority = strings.TrimSuffix(authority, ":"+port)
	}
	return scheme + "://" + authority + "/"
}
