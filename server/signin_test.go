package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/identity"
)

func TestSignInFlags(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("  hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := "-oidc-issuer https://login.example -oidc-client-id chat -oidc-client-secret-file " + secret +
		" -oidc-scopes email -oidc-scopes groups,profile -oidc-session 8h -public-url https://chat.example"
	c, err := parse(strings.Fields(args), environment(nil), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s := c.SignIn
	if s.Issuer != "https://login.example" || s.ClientID != "chat" || s.ClientSecret != "hush" || s.PublicURL != "https://chat.example" ||
		!slices.Equal(s.Scopes, []string{"email", "groups", "profile"}) || c.SignInSession != 8*time.Hour {
		t.Errorf("parse(%s) = %+v for %s", args, s, c.SignInSession)
	}
	env := map[string]string{"CHATROOM_OIDC_ISSUER": "https://login.example", "CHATROOM_OIDC_CLIENT_ID": "chat", "CHATROOM_PUBLIC_URL": "https://chat.example"}
	if c, err = parse(nil, environment(env), io.Discard); err != nil || !c.SignIn.Enabled() || c.SignIn.Scopes != nil || c.SignInSession != identity.DefaultSession {
		t.Errorf("parse of %v = %+v, %v, want a public client with the defaults", env, c, err)
	}
	if c, err = parse(nil, environment(nil), io.Discard); err != nil || c.SignIn.Enabled() {
		t.Errorf("parse() = %+v, %v, want no sign-in", c, err)
	}
}

func TestSignInFlagsRefuse(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const valid = "-oidc-issuer https://login.example -oidc-client-id chat -public-url https://chat.example "
	for args, want := range map[string]string{
		valid + "-oidc-session 1s":                                              "-oidc-session: ",
		valid + "-oidc-client-secret-file " + filepath.Join(dir, "none"):        "-oidc-client-secret-file: ",
		valid + "-oidc-client-secret-file " + empty:                             "-oidc-client-secret-file: ",
		valid + "-public-url https://chat.example/a?b":                          "-public-url: ",
		"-oidc-client-id chat":                                                  "-oidc-client-id: ",
		"-oidc-issuer https://login.example -public-url https://chat.example":   "-oidc-client-id: ",
		"-oidc-issuer https://login.example -oidc-client-id chat":               "-public-url: ",
		"-oidc-issuer login.example -oidc-client-id chat -public-url https://c": "-oidc-issuer: ",
	} {
		if _, err := parse(strings.Fields(args), environment(nil), io.Discard); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("parse(%s) = %v, want one line that begins with %q", args, err, want)
		}
	}
}
