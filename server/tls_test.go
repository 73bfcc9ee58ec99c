package main

import (
	"io"
	"strings"
	"testing"
)

func TestTLSFlags(t *testing.T) {
	for args, want := range map[string]string{ // in the error; empty for none
		"-tls-cert c": "-tls-key", "-tls-key k": "-tls-cert",
		"-tls-cert c -tls-key k": "", "-tls-self-signed": "", "-tls-auto chat.example": "",
		"-tls-cert c -tls-key k -tls-self-signed":       "at most one",
		"-tls-self-signed -tls-auto chat.example":       "at most one",
		"-tls-auto chat.example -data memory":           "-data memory",
		"-http-redirect :80":                            "-http-redirect",
		"-http-redirect :80 -tls-self-signed":           "",
		"-tls-auto a.example,b.example":                 "",
		"-tls-cert c -tls-key k -tls-auto chat.example": "at most one",
	} {
		_, err := parse(strings.Fields(args), environment(nil), io.Discard)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("parse(%s) = %v, want %q in the error", args, err, want)
		}
	}
	for _, test := range []struct{ args, address, want string }{
		{"", "[::]:8443", "http://localhost:8443/"},
		{"", "[::]:443", "http://localhost:443/"},
		{"", "[::1]:80", "http://[::1]/"},
		{"-tls-self-signed", "[::]:8443", "https://localhost:8443/"},
		{"-tls-auto chat.example", "[::]:8443", "https://chat.example:8443/"},
		{"-tls-auto chat.example", "[::]:443", "https://chat.example/"},
	} {
		c, err := parse(strings.Fields(test.args), environment(nil), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if got := pageURL(test.address, &c.TLS); got != test.want {
			t.Errorf("the page with %q at %s is at %s, want %s", test.args, test.address, got, test.want)
		}
	}
}
