package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

// runProgram runs main in a process that ends by itself.
func runProgram(t *testing.T, environ []string, args ...string) (stdout, stderr string, failed bool) {
	t.Helper()
	command := programCommand(t.Context(), t, args...)
	command.Env = append(os.Environ(), environ...)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	return out.String(), errs.String(), err != nil
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	harness.Must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// -check finds what a start would find, and opens and creates nothing.
func TestCheck(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	policy := file(t, "policy.yaml", "rooms: [{pattern: '*', guest: [read]}]")
	stdout, stderr, failed := runProgram(t, nil, "-check", "-listen", "127.0.0.1:0", "-data", data, "-policy", policy)
	if failed || stdout != "chatroom: the configuration is valid\n" || stderr != "" {
		t.Errorf("-check = %q, %q, failed = %t, want that it is valid", stdout, stderr, failed)
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("-check has made the data directory: %v", err)
	}
	for _, tt := range []struct {
		environ []string
		args    []string
		want    string
	}{
		{nil, []string{"-policy", filepath.Join(data, "none")}, "-policy: "},
		{nil, []string{"-policy", file(t, "bad.yaml", "rooms: 5")}, "-policy: "},
		{nil, []string{"-schema", file(t, "bad.binpb", "x")}, "-schema: "},
		{nil, []string{"-issuers", file(t, "bad.json", "{}")}, "-issuers: "},
		{nil, []string{"-limits", "send.member=often"}, "-limits: "},
		{nil, []string{"-listen", "127.0.0.1:nothing"}, `-listen: "127.0.0.1:nothing" must be a host and a port`},
		{nil, []string{"-admin", "9090"}, `-admin: "9090" must be a host and a port, such as 127.0.0.1:8080, or `},
		{nil, []string{"-tls-auto", "chat.example", "-hosts", "other.example"}, "-tls-auto: the host chat.example must be among -hosts"},
		{nil, []string{"-tls-cert", file(t, "cert.pem", "x"), "-tls-key", policy}, "-tls-cert, -tls-key: "},
		{nil, []string{"-data", policy}, "-data: "},
		{nil, []string{"-data", filepath.Join(policy, "below")}, "-data: "},
		{nil, []string{"-tls-auto", "chat"}, `-tls-auto: "chat" must be the full name`},
		{nil, []string{"-nats", "nats://nonsense.invalid:4222"}, `-nats: "nats://nonsense.invalid:4222": nonsense.invalid: `},
		{[]string{"CHATROOM_HEARTBEAT=zz"}, nil, `CHATROOM_HEARTBEAT: "zz" is not a duration, such as 10s or 72h`},
		{[]string{"CHATROOM_LIMITS=x"}, nil, `CHATROOM_LIMITS: `},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317"}, nil, `OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317": must be a URL of http or https, such as http://collector:4317`},
		{[]string{"CHATROOM_HARTBEAT=5s"}, nil, "CHATROOM_HARTBEAT: no such setting: did you mean CHATROOM_HEARTBEAT?"},
	} {
		stdout, stderr, failed := runProgram(t, tt.environ, append([]string{"-check"}, tt.args...)...)
		if !failed || stdout != "" || !strings.HasPrefix(stderr, "chatroom: "+tt.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("-check with %q %q = %q, %q, failed = %t, want one line that begins with %q", tt.environ, tt.args, stdout, stderr, failed, tt.want)
		}
	}
}

// What -check refuses a start refuses, too, before it serves.
func TestStartRefusesUnknownVariables(t *testing.T) {
	t.Parallel()
	_, stderr, failed := runProgram(t, []string{"CHATROOM_DATTA=x"}, "-data", "memory", "-listen", "127.0.0.1:0")
	if want := "chatroom: CHATROOM_DATTA: no such setting: did you mean CHATROOM_DATA?\n"; !failed || stderr != want {
		t.Errorf("a start printed %q, failed = %t, want %q", stderr, failed, want)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"-version"}, {"--version"}, {"serve", "-version"}} {
		if stdout, stderr, failed := runProgram(t, nil, args...); failed || !strings.HasPrefix(stdout, "chatroom ") || stderr != "" {
			t.Errorf("%q = %q, %q, failed = %t, want the version", args, stdout, stderr, failed)
		}
	}
}

// A start logs the version and the configuration once.
func TestStartLogsConfiguration(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "-heartbeat", "7s")
	p.awaitLog(t, "heartbeat=7s")
	log := p.stderr.String()
	if strings.Count(log, "msg=configuration") != 1 || strings.Count(log, "msg=starting version=") != 1 {
		t.Errorf("the log is %q, want the configuration and the version once", log)
	}
}
