// Package signin signs people in at an OpenID Connect provider, by the authorization code flow
// with PKCE, for the page.
//
// The page starts a sign-in and goes to the provider, which sends the person back to the
// callback. What belongs to the sign-in in between is in a cookie of that browser that only this
// service can read, so that nobody can finish it in another browser, or in its place. The page
// then fetches a token of the account, once. The provider's tokens stay here and are forgotten,
// and no token is in an address.
package signin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/ratelimit"
)

// DefaultScopes are what is asked for in addition to "openid".
var DefaultScopes = []string{"profile"}

// ProviderConfig says who signs people in, and as what it knows this service. Errors name a
// setting by its flag.
type ProviderConfig struct {
	Issuer       string // its URL, where OpenID Connect Discovery finds the rest
	ClientID     string
	ClientSecret string   // empty for a public client
	Scopes       []string // nil means DefaultScopes; "openid" need not be among them
	// PublicURL is where people open the page: a scheme, a host, and the path that a proxy has
	// the page at, if any.
	PublicURL string
}

// Enabled reports whether there is a provider.
func (c *ProviderConfig) Enabled() bool { return c.Issuer != "" }

// Check returns an error for a configuration that can't work. It asks the provider nothing.
func (c *ProviderConfig) Check() error {
	if !c.Enabled() {
		switch {
		case c.ClientID != "":
			return errors.New("-oidc-client-id: must be set together with -oidc-issuer")
		case c.ClientSecret != "":
			return errors.New("-oidc-client-secret-file: must be set together with -oidc-issuer")
		case c.Scopes != nil:
			return errors.New("-oidc-scopes: must be set together with -oidc-issuer")
		}
		return nil
	}
	if err := identity.CheckURL(c.Issuer); err != nil {
		return fmt.Errorf("-oidc-issuer: %w", err)
	}
	if strings.Contains(c.Issuer, "?") {
		return fmt.Errorf("-oidc-issuer: %.200q must be a URL without a query", c.Issuer)
	}
	if c.ClientID == "" {
		return errors.New("-oidc-client-id: must be set together with -oidc-issuer")
	}
	for _, scope := range c.Scopes {
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			return fmt.Errorf("-oidc-scopes: %.60q must be visible characters of ASCII", scope)
		}
	}
	if c.PublicURL == "" {
		return errors.New("-public-url: must be set together with -oidc-issuer, to the address at which people open the page")
	}
	_, err := ParsePublicURL(c.PublicURL)
	return err
}

// ParsePublicURL returns the URL in the flag -public-url. Its path has no slash at the end, and is
// empty for the root.
func ParsePublicURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err == nil {
		err = identity.CheckURL(text)
	}
	if err != nil {
		return nil, fmt.Errorf("-public-url: %w", err)
	}
	u.Host = strings.ToLower(u.Host)
	if origin(u)+u.Path != u.String() || u.Path != "" && (path.Clean(u.Path) != u.Path || strings.ContainsFunc(u.Path, isNotInPath)) {
		return nil, fmt.Errorf("-public-url: %.200q must be a scheme and a host, such as https://chat.example.com, and a path of letters, digits and /-_. if a proxy has the page at one", text)
	}
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return nil, fmt.Errorf("-public-url: %.200q must be without the port %s, which browsers leave out", text, port)
	}
	return u, nil
}

// origin returns what browsers send as the origin of a URL's page.
func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// isNotInPath reports whether a path of a public URL may not have a character: what is left means
// the same in URLs, cookies and HTML.
func isNotInPath(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/-_.", r))
}

// scopes returns what is asked for.
func (c *ProviderConfig) scopes() []string {
	scopes := c.Scopes
	if scopes == nil {
		scopes = DefaultScopes
	}
	if slices.Contains(scopes, oidc.ScopeOpenID) {
		return scopes
	}
	return append([]string{oidc.ScopeOpenID}, scopes...)
}

// Config is what a Handler is made of.
type Config struct {
	Provider ProviderConfig // enabled, and checked
	Accounts *identity.Accounts
	// Key encrypts cookies. It has 32 bytes, which all nodes share.
	Key []byte
	// Identify returns the credential of the token with which a sign-in is started.
	Identify func(ctx context.Context, token string) (*identity.Credential, error)
	// Renamed is called with a member who has signed in, by its name as it is now.
	Renamed func(chat.Member)
	// Proxies are believed about the addresses of clients.
	Proxies clientaddr.Proxies
	// Rates bounds how often callers sign in. Nil bounds nothing.
	Rates *ratelimit.Limiter
	// Transport reaches the provider. Nil means http.DefaultTransport's settings.
	Transport http.RoundTripper
	// Style is the name of the page's style sheet.
	Style string
	Log   *slog.Logger // nil discards
}
