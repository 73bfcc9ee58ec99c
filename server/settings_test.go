package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"log/slog"
	"strings"
	"testing"
)

// The effective configuration is one line, without passwords.
func TestConfigurationIsLogged(t *testing.T) {
	_, s, err := parseSettings([]string{"-nats", "nats://ann:hunter2@one:4222,nats://s3cr3t@two", "-nats-replicas", "3"},
		environment(map[string]string{"CHATROOM_LISTEN": ":1"}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s.log(slog.New(slog.NewTextHandler(&log, nil)))
	line := log.String()
	if strings.Count(line, "\n") != 1 {
		t.Errorf("the configuration is logged as %q, want one line", line)
	}
	for _, part := range []string{" listen=:1 ", " data=./data ", " drain=8s ", " nats=nats://ann:xxxxx@one:4222,nats://xxxxx:xxxxx@two ", " nats_replicas=3 "} {
		if !strings.Contains(line, part) {
			t.Errorf("the configuration is logged as %q, want %q in it", line, part)
		}
	}
	for _, secret := range []string{"hunter2", "s3cr3t", " check=", " policy="} {
		if strings.Contains(line, secret) {
			t.Errorf("the configuration is logged as %q, with %q in it", line, secret)
		}
	}
}

func TestMasked(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"listen", ":8080", ":8080"},
		{"some-secret", "hunter2", "xxxxx"},
		{"client-secret-file", "/run/secret", "/run/secret"},
		{"nats", "nats://a:b@c d", "xxxxx"}, // not a URL
		{"cors-origins", "https://a.example,https://*.b.example", "https://a.example,https://*.b.example"},
		{"some-token", "", ""},
	} {
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		flags.String(tt.name, tt.value, "")
		if got := masked(flags.Lookup(tt.name)); got != tt.want {
			t.Errorf("masked(%s=%q) = %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
}

// Errors name the flag or the variable that has set a value, and keep what they wrap.
func TestLocate(t *testing.T) {
	_, s, err := parseSettings([]string{"-policy", "p.yaml"}, environment(map[string]string{"CHATROOM_LIMITS": "off", "CHATROOM_POLICY": "other"}), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := errors.New("-limits: is wrong")
	for text, want := range map[string]string{
		"-limits: is wrong":            `CHATROOM_LIMITS: "off": is wrong`,
		"-policy: open p.yaml: no":     "-policy: open p.yaml: no",
		"-schema: must be":             "-schema: must be",
		"-tls-cert, -tls-key: must be": "-tls-cert, -tls-key: must be",
		"other: error":                 "other: error",
		"-nothing: x":                  "-nothing: x",
	} {
		if got := s.locate(errors.New(text)).Error(); got != want {
			t.Errorf("locate(%q) = %q, want %q", text, got, want)
		}
	}
	if got := s.locate(wrapped); !errors.Is(got, wrapped) {
		t.Errorf("locate(%v) = %v, which does not wrap it", wrapped, got)
	}
	if got := s.locate(nil); got != nil {
		t.Errorf("locate(nil) = %v, want nil", got)
	}
}
