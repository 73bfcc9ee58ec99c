package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chatroom/server/internal/service"
)

// wrongSetting is a value that a setting must not have, and the error without the name of the
// setting. Other settings may be needed for it.
type wrongSetting struct {
	name, value string
	more        string
	want        string // begins with the value, in quotes or alone
}

const (
	notADuration = " is not a duration, such as 10s or 72h"
	notABool     = " is neither true nor false"
	notANumber   = " is not a whole number, or is too large"
	notAnAddress = " must be a host and a port, such as 127.0.0.1:8080, or a port alone, such as :8080"
	signIn       = "-oidc-issuer https://login.example -oidc-client-id chat -public-url https://chat.example"
)

// wrongSettings has one value for each bound of each setting.
var wrongSettings = []wrongSetting{
	{"listen", "nothing", "", `"nothing"` + notAnAddress},
	{"listen", ":99999", "", `":99999"` + notAnAddress},
	{"listen", ":nothing", "", `":nothing"` + notAnAddress},
	{"listen", "chat.invalid:80", "", `"chat.invalid:80": chat.invalid: `},
	{"listen", ":1,", "", `":1,": must not be empty`},
	{"listen", ":1,:1", "", `":1" has the port of -listen, :1`},
	{"listen", "127.0.0.1:1,:1", "", `":1" has the port of -listen, 127.0.0.1:1`},
	{"admin", "127.0.0.1:1", "-listen 0.0.0.0:1", `"127.0.0.1:1" has the port of -listen, 0.0.0.0:1`},
	{"http-redirect", ":1", "-tls-self-signed -listen :1", `":1" has the port of -listen, :1`},
	{"data", "FILE", "", `FILE can't be a data directory: it is a file, not a directory; name a directory, or a path that does not exist yet`},
	{"data", "FILE/below", "", `FILE/below can't be a data directory: `},
	{"data-wait", "-1s", "", `"-1s": must not be negative`},
	{"data-wait", "1", "", `"1"` + notADuration},
	{"admin", "9090", "", `"9090"` + notAnAddress},
	{"tls-cert", "FILE", "", ` "FILE", -tls-key: must be set both or neither`},
	{"tls-key", "FILE", "", ` "FILE": must be set both or neither`},
	{"tls-cert", "FILE", "-tls-key FILE", `, -tls-key: read the certificate FILE with the key FILE: `},
	{"tls-self-signed", "maybe", "", `"maybe"` + notABool},
	{"tls-auto", "chat", "", `"chat" must be the full name of a host, such as chat.example.com`},
	{"tls-auto", "chat.example", "-hosts other.example", `the host chat.example must be among -hosts`},
	{"http-redirect", ":80", "", `":80": needs -tls-cert, -tls-self-signed or -tls-auto`},
	{"http-redirect", "80", "-tls-self-signed", `"80"` + notAnAddress},
	{"issuers", "none", "", `open none: no such file or directory`},
	{"issuers", "FILE", "", `FILE:1: must be JSON: `},
	{"hosts", "chat.example:443", "", `host "chat.example:443": must be a name or an address, without a port, such as chat.example.com or *.example.com; or * for all`},
	{"hosts", "a:b:c", "", `host "a:b:c": must be a name or an address, without a port, such as `},
	{"cors-origins", "x", "", `origin "x": must be a scheme and a host, such as https://app.example.com or https://*.example.com, without a path`},
	{"limits", "send.membr=1/s:1", "", `"send.membr=1/s:1": limit "send.membr" is not known: did you mean send.member?`},
	{"limits", "send.member=5", "", `"send.member=5": limit send.member: "5" must be "off", or a count from 1 to 1000000, a slash, s, m or h, a colon, and a burst from 1 to 1000000, as in 10/s:50`},
	{"trusted-proxies", "10", "", `trusted proxy "10": must be an address, a network such as 10.0.0.0/8, loopback or private`},
	{"oidc-issuer", "login.example", signIn, `"login.example" must be a URL with a host, without user and fragment`},
	{"oidc-client-id", "chat", "", `"chat": must be set together with -oidc-issuer`},
	{"oidc-client-secret-file", "none", "", `open none: no such file or directory`},
	{"oidc-client-secret-file", "EMPTY", signIn, `EMPTY is empty: it must have the secret of the client`},
	{"oidc-scopes", "a b", signIn, `"a b" must be visible characters of ASCII`},
	{"oidc-scopes", "email", "", `"email": must be set together with -oidc-issuer`},
	{"oidc-session", "1s", "", `"1s": must be at least 1m`},
	{"public-url", "chat", signIn, `"chat" must be a URL with a host, without user and fragment`},
	{"public-url", "https://chat.example:443", signIn, `"https://chat.example:443" must be without the port 443, which browsers leave out`},
	{"public-url", "https://chat.example", signIn + " -hosts other.example", `"https://chat.example": the host chat.example must be among -hosts`},
	{"rooms", "Lobby!", "", `"Lobby!": room: must be 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen`},
	{"room-creation", "all", "", `"all": must be "anyone", "members" or "nobody"`},
	{"policy", "none", "", `read the policy: open none: no such file or directory`},
	{"policy", "FILE", "", `read the policy: FILE:1: file: must be `},
	{"presence-grace", "0s", "", `"0s": must be greater than zero`},
	{"schema", "none", "", `none: no such file or directory`},
	{"schema", "FILE", "", `FILE: must `},
	{"guests", "some", "", `"some"` + notABool},
	{"reserved-names", "a,,b", "", `"a,,b": must not be empty`},
	{"nats", "nats://chat.invalid:4222", "", `"nats://chat.invalid:4222": chat.invalid: `},
	{"nats", "://", "", `"://": each must be a URL such as nats://host:4222, and they are separated by commas`},
	{"nats", "nats://localhost:4222", "-data memory", `"nats://localhost:4222": must not be set together with -data memory`},
	{"nats-replicas", "9", "", `"9": must be 1 to 5`},
	{"nats-replicas", "two", "", `"two"` + notANumber},
	{"fsync", "often", "", `"often"` + notABool},
	{"dedup-window", "1ms", "", `"1ms": must be at least 1s`},
	{"retain-room-events", "0", "", `"0": must be at least 1`},
	{"retain-age", "1s", "", `"1s": must be 0, or at least -dedup-window, 10m0s`},
	{"retain-age", "-1h", "", `"-1h0m0s": must be 0, or at least -dedup-window, 10m0s`},
	{"retain-bytes", "10", "", `"10": must be at least 1048576`},
	{"memory-bytes", "10", "", `"10": must be at least 1048576`},
	{"heartbeat", "0s", "", `"0s": must be at least 100ms`},
	{"heartbeat", "15ms", "", `"15ms": must be at least 100ms`},
	{"write-timeout", "30ms", "", `"30ms": must be at least 100ms`},
	{"write-timeout", "-5s", "", `"-5s": must be at least 100ms`},
	{"drain", "soon", "", `"soon"` + notADuration},
	{"log-format", "xml", "", `"xml": must be "text" or "json"`},
	{"log-level", "loud", "", `"loud": must be debug, info, warn or error`},
	{"log-follow", "lobby", "", `"lobby": must be room=NAME or peer=ADDRESS`},
	{"log-follow", "room=No Room", "", `"room=No Room": must be room=NAME or peer=ADDRESS`},
	{"log-follow", "peer=192.0.2.1:80", "", `"peer=192.0.2.1:80": must be room=NAME or peer=ADDRESS`},
}

// Each setting has a value that is refused, and the error names the setting as it was set, the
// value, and what is valid.
func TestWrongSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"FILE": "x", "EMPTY": "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, wrong := range wrongSettings {
		more := strings.Fields(wrong.more)
		// The setting replaces that among the others.
		if i := slices.Index(more, "-"+wrong.name); i >= 0 {
			more = slices.Delete(more, i, i+2)
		}
		checkWrong(t, "-"+wrong.name, append(more, "-"+wrong.name+"="+wrong.value), nil, wrong)
		checkWrong(t, variable(wrong.name), more, map[string]string{variable(wrong.name): wrong.value}, wrong)
	}
	for _, name := range flagNames(t) {
		if !slices.ContainsFunc(wrongSettings, func(w wrongSetting) bool { return w.name == name }) {
			t.Errorf("there is no wrong value for -%s", name)
		}
	}
	if made, _ := filepath.Glob("*"); !slices.Equal(made, []string{"EMPTY", "FILE"}) {
		t.Errorf("the directory has %q, want no more than before", made)
	}
}

// checkWrong checks the error for a setting that is set as source.
func checkWrong(t *testing.T, source string, args []string, env map[string]string, wrong wrongSetting) {
	t.Helper()
	c, s, err := parseSettings(args, environment(env), io.Discard)
	if err == nil {
		err = s.locate(service.Check(*c))
	}
	want := source + ": " + wrong.want
	if strings.HasPrefix(wrong.name, "tls-") && strings.Contains(wrong.want, ": ") { // an error about two settings
		want = source + wrong.want
	}
	if wrong.name == "tls-key" {
		want = "-tls-cert, " + want
	}
	if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%q, %v:\n got %v\nwant %s", args, env, err, want)
	}
}
