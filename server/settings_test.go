package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
)

// The effective configuration is one line, without passwords.
func TestConfigurationIsLogged(t *testing.T) {
	_, s, err := parseSettings([]string{"-nats", "nats://ann:hunter2@one:4222,nats://s3cr3t@two, ben:hunter2@three", "-nats-replicas", "3"},
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
	for _, part := range []string{" listen=:1 ", " data=./data ", " drain=8s ", " nats=nats://ann:xxxxx@one:4222,nats://xxxxx:xxxxx@two,ben:xxxxx@three ", " nats_replicas=3 "} {
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
		{"nats", "a:b@c:4222", "a:xxxxx@c:4222"},
		{"nats", "token@c:4222,d:4222", "xxxxx:xxxxx@c:4222,d:4222"},
		{"nats", "a:b%zz@c", "xxxxx"},
		{"data", "a:b@c", "a:b@c"}, // the name of a directory
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

// What fails has the value of its setting in the error, and the secrets in it are masked there, too.
func TestErrorsHaveNoSecrets(t *testing.T) {
	for _, value := range []string{"nats://ann:hunter2@127.0.0.1:1", "nats://127.0.0.1:1, ann:hunter2@127.0.0.1:2", "nats://hunter2@127.0.0.1:1", "nats://ann:hunter2%zz@127.0.0.1:1", "ann:hunter2@[x"} {
		for _, args := range [][]string{{"-check"}, {"-listen", "127.0.0.1:0"}} {
			var out, log bytes.Buffer
			args = append(args, "-data", t.TempDir(), "-nats", value)
			err := run(t.Context(), args, environment(nil), &out, &log)
			text := fmt.Sprint(err) + out.String() + log.String()
			if args[0] != "-check" && (err == nil || !strings.Contains(err.Error(), "-nats: ")) {
				t.Errorf("%q: the error is %v, want one that names -nats", args, err)
			}
			if strings.Contains(text, "hunter2") {
				t.Errorf("%q: the password is in %s", args, text)
			}
		}
	}
}
