package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Tokens are parsed and verified by golang-jwt, as those of guests are, and key sets are
// parsed by go-jose. Fetching and keeping them is this package's own: the key set of
// go-oidc fetches for each unknown key and reads responses of any size.

// MaxToken is how long a token may be, in bytes.
const MaxToken = 8 << 10

// DefaultSkew is how far the clock of an issuer may differ from ours.
const DefaultSkew = 30 * time.Second

const maxPrefix = 64 // bytes

const minSecret = 32 // bytes, as RFC 7518 wants for HS256

// IssuerConfig is who vouches for the users of an application. Exactly one of Secret,
// Keys and Discovery must be set.
type IssuerConfig struct {
	Name     string   // the iss claim
	Audience []string // one of which the aud claim must have

	Secret    []byte // of HS256, at least 32 bytes
	Keys      string // the URL of a JWKS
	Discovery bool   // the URL is found by OpenID Connect Discovery at Name

	// Prefix is put before the sub claim to make a member id. Issuers must differ in it,
	// so that none can name another's members. A sub that makes an id with the longer
	// prefix of another issuer is refused, as is one that makes the id of a guest.
	Prefix string
	// Skew is how far the issuer's clock may differ. Zero means DefaultSkew, negative
	// means none.
	Skew time.Duration
	// Transport fetches key sets. Nil means http.DefaultTransport's settings.
	Transport http.RoundTripper
	// FetchFailed is called with the error after a fetch of keys has failed. Tokens may be valid
	// nevertheless, by the keys that were fetched before. Nil means nothing.
	FetchFailed func(error) `json:"-"`
}

// Issuers verifies the tokens of an application's users.
type Issuers struct {
	byName map[string]*tokenIssuer
	recent recentTokens
	stop   context.CancelFunc
}

type tokenIssuer struct {
	config    IssuerConfig
	methods   []string // algorithms that it may use
	keys      *keySet  // nil with a secret
	validator *jwt.Validator
	reserved  []string // what its member ids must not begin with
}

// NewIssuers returns issuers, to be closed. It fetches nothing yet.
func NewIssuers(configs ...IssuerConfig) (*Issuers, error) {
	ctx, stop := context.WithCancel(context.Background())
	is := &Issuers{byName: make(map[string]*tokenIssuer), stop: stop}
	prefixes := make(map[string]string)
	for _, c := range configs {
		if err := c.check(); err != nil {
			stop()
			return nil, fmt.Errorf("issuer %q: %w", c.Name, err)
		}
		if other, taken := prefixes[c.Prefix]; taken {
			stop()
			return nil, fmt.Errorf("issuer %q: the prefix %q is that of %q, too: each would speak for the members of the other", c.Name, c.Prefix, other)
		}
		if is.byName[c.Name] != nil {
			stop()
			return nil, fmt.Errorf("issuer %q: must be configured once", c.Name)
		}
		prefixes[c.Prefix] = c.Name
		is.byName[c.Name] = newIssuer(ctx, c)
	}
	for _, i := range is.byName {
		for other := range prefixes {
			if other != i.config.Prefix && strings.HasPrefix(other, i.config.Prefix) {
				i.reserved = append(i.reserved, other)
			}
		}
	}
	return is, nil
}

func (c *IssuerConfig) check() error {
	ways := 0
	for _, set := range []bool{len(c.Secret) > 0, c.Keys != "", c.Discovery} {
		if set {
			ways++
		}
	}
	switch {
	case c.Name == "":
		return errors.New("must have a name, which is the iss claim of its tokens")
	case c.Name == issuer, c.Name == AccountIssuer:
		return errors.New("is the name of this service's own tokens")
	case len(c.Audience) == 0:
		return errors.New("must have an audience: without one, tokens that it gives to other services are valid here")
	case len(c.Prefix) > maxPrefix || !printable(c.Prefix):
		return fmt.Errorf("the prefix must be at most %d bytes without control characters", maxPrefix)
	case ways != 1:
		return errors.New("must have a secret, or the URL of its keys, or discovery, and one of these only")
	case len(c.Secret) > 0 && len(c.Secret) < minSecret:
		return fmt.Errorf("the secret must be at least %d bytes", minSecret)
	case c.Keys != "":
		if err := CheckURL(c.Keys); err != nil {
			return fmt.Errorf("the URL of its keys: %w", err)
		}
	case c.Discovery:
		if err := CheckURL(c.Name); err != nil {
			return fmt.Errorf("its name, for discovery: %w", err)
		}
	}
	return nil
}

// CheckURL returns an error for a URL that keys must not be fetched from: who changes a response on the way
// can make any token valid.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("%.200q must be a URL with a host, without user and fragment", raw)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"):
		return nil
	}
	return fmt.Errorf("%.200q must be a URL of https, or of http on this machine", raw)
}

// The algorithms of public keys. Those of secrets must never be among them: a public key
// is no secret.
var publicKeyMethods = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

func newIssuer(ctx context.Context, c IssuerConfig) *tokenIssuer {
	i := &tokenIssuer{config: c, reserved: []string{KeyMemberPrefix, AccountMemberPrefix}}
	skew := c.Skew
	switch {
	case skew == 0:
		skew = DefaultSkew
	case skew < 0:
		skew = 0
	}
	i.config.Skew = skew
	i.validator = jwt.NewValidator(jwt.WithIssuer(c.Name), jwt.WithAudience(c.Audience...),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(skew))
	if len(c.Secret) > 0 {
		i.methods = []string{jwt.SigningMethodHS256.Alg()}
		return i
	}
	i.methods = publicKeyMethods
	i.keys = newKeySet(ctx, &c)
	return i
}

// Close ends fetches, and waits for them. Verify must not be called any more.
func (is *Issuers) Close() {
	is.stop()
	for _, i := range is.byName {
		if i.keys != nil {
			i.keys.wait()
		}
	}
}

// ErrNotVouched is returned for a token of none of the issuers.
var ErrNotVouched = fmt.Errorf("%w: its issuer is not known", ErrInvalidToken)

// ErrKeysUnavailable is returned when the keys of an issuer can't be fetched, so that
// nothing is known about a token: trying again later is right, a new token is not
// needed.
var ErrKeysUnavailable = errors.New("identity: the keys of the issuer are not available")

// Verify returns the credential of a token, which is shared and must not be changed. It
// returns an error that wraps ErrInvalidToken or ErrKeysUnavailable, or that of ctx
// while keys are fetched. Errors are for the log and for the issuer's developers: they
// contain no part of the token but its claims' names.
func (is *Issuers) Verify(ctx context.Context, token string) (*Credential, error) {
	if err := checkToken(token); err != nil {
		return nil, err
	}
	now := time.Now()
	if c := is.recent.find(token, now); c != nil {
		return c, nil
	}
	var claims userClaims
	var by *tokenIssuer
	_, err := parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		if by = is.byName[claims.Issuer]; by == nil {
			return nil, ErrNotVouched
		}
		return by.key(ctx, t)
	})
	if err == nil {
		if missing := claims.complete(); missing != nil {
			return nil, &ClaimsError{missing}
		}
		err = by.validator.Validate(&claims)
	}
	switch {
	case err == nil:
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return nil, &ClaimsError{claims.missing()}
	case errors.Is(err, ErrKeysUnavailable), ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return nil, err
	default:
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	c, err := claims.credential(by)
	if err != nil {
		return nil, &ClaimsError{err}
	}
	is.recent.add(token, c, by.rememberUntil(c, now))
	return c, nil
}

// Names reports whether a member id begins with the prefix of an issuer, and is that of a user
// therefore. An empty prefix tells nothing.
func (is *Issuers) Names(member string) bool {
	for _, i := range is.byName {
		if prefix := i.config.Prefix; prefix != "" && strings.HasPrefix(member, prefix) {
			return true
		}
	}
	return false
}

// rememberUntil returns until when a verified token is believed without another look.
func (i *tokenIssuer) rememberUntil(c *Credential, now time.Time) time.Time {
	until := c.Expires
	if i.keys == nil {
		return until
	}
	// An issuer ends the validity of a key by leaving it out of its set.
	if fresh := now.Add(refreshAfter); fresh.Before(until) {
		return fresh
	}
	return until
}

// Claims are validated by the issuer's validator.
var parser = jwt.NewParser(jwt.WithValidMethods(append([]string{"HS256"}, publicKeyMethods...)), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())

// checkToken refuses what is no token before anything is decoded. Other characters are
// refused because the decoder skips line breaks: a token must not have two forms.
func checkToken(token string) error {
	if len(token) > MaxToken {
		return fmt.Errorf("%w: it has %d bytes, more than %d", ErrInvalidToken, len(token), MaxToken)
	}
	for i := range len(token) {
		c := token[i]
		ok := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
		if !ok {
			return fmt.Errorf("%w: it has a character that is not of base64url", ErrInvalidToken)
		}
	}
	return nil
}

// key returns the key for a token that claims to be of the issuer.
func (i *tokenIssuer) key(ctx context.Context, t *jwt.Token) (any, error) {
	method := t.Method.Alg()
	if !slices.Contains(i.methods, method) {
		return nil, fmt.Errorf("algorithm %s must be one of %s", method, strings.Join(i.methods, ", "))
	}
	if _, critical := t.Header["crit"]; critical {
		return nil, errors.New("its header has crit, none of which is known") // RFC 7515, section 4.1.11
	}
	if i.keys == nil {
		return i.config.Secret, nil
	}
	kid, _ := t.Header["kid"].(string)
	keys, err := i.keys.find(ctx, kid, method)
	if err != nil {
		return nil, err
	}
	return jwt.VerificationKeySet{Keys: keys}, nil
}
