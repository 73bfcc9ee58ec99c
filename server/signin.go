package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"chatroom/server/internal/identity"
	"chatroom/server/internal/service"
)

// signInFlags are the flags that defineSignIn adds.
var signInFlags = []string{"oidc-issuer", "oidc-client-id", "oidc-client-secret-file", "oidc-scopes", "oidc-session", "public-url"}

// signInFiles are the flags that defineSignIn adds whose values are not those of the
// configuration yet.
type signInFiles struct {
	secret string // a path
	scopes names
}

// defineSignIn adds flags that set what c says about signing in on the page, but for those in
// files.
func defineSignIn(flags *flag.FlagSet, c *service.Config, files *signInFiles) {
	flags.StringVar(&c.SignIn.Issuer, "oidc-issuer", "", "`URL` of an OpenID Connect provider at which people may sign in on the page, as in docs/TRUST.md")
	flags.StringVar(&c.SignIn.ClientID, "oidc-client-id", "", "`id` as which this service is registered at the provider")
	flags.StringVar(&files.secret, "oidc-client-secret-file", "", "`file` with the secret of the client; without one, it is a public client")
	flags.Var(&files.scopes, "oidc-scopes", "`scopes` to ask for in addition to openid; may be repeated; default: profile")
	flags.DurationVar(&c.SignInSession, "oidc-session", identity.DefaultSession, "how long people who sign in stay signed in")
	flags.StringVar(&c.SignIn.PublicURL, "public-url", "", "`URL` at which people open the page, such as https://chat.example.com; its /signin/callback must be registered at the provider")
}

// read completes the configuration, and checks it.
func (f *signInFiles) read(c *service.Config) error {
	c.SignIn.Scopes = f.scopes.list
	if f.secret != "" {
		data, err := os.ReadFile(f.secret)
		if err != nil {
			return fmt.Errorf("-oidc-client-secret-file: %w", err)
		}
		// Editors end files with a line break.
		if c.SignIn.ClientSecret = string(bytes.TrimSpace(data)); c.SignIn.ClientSecret == "" {
			return fmt.Errorf("-oidc-client-secret-file: %s is empty: it must have the secret of the client", f.secret)
		}
	}
	if c.SignInSession < time.Minute {
		return errors.New("-oidc-session: must be at least 1m")
	}
	return c.SignIn.Check()
}
