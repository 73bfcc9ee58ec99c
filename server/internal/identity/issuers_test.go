package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
)

const (
	shopName = "https://shop.example"
	audience = "chat"
)

func TestVerifyUser(t *testing.T) {
	is := openIssuers(t, secretIssuer(), IssuerConfig{Name: "https://second.example", Audience: []string{audience}, Secret: shopSecret, Prefix: "second:"})
	exp, iat := time.Now().Add(time.Hour).Truncate(time.Second), time.Now().Add(-time.Minute).Truncate(time.Second)
	token := userToken(t, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) {
		c["iat"], c["exp"], c["jti"] = iat.Unix(), exp.Unix(), "t1"
		c["aud"] = []string{"billing", audience}
		c["picture"] = "https://shop.example/ada.png"
		c["rooms"] = []any{map[string]any{"pattern": "order-7", "can": []string{"read", "post"}}, map[string]any{"pattern": "staff-*", "can": []string{"moderate"}}}
		c["limits"] = map[string]string{"send": "20/s:100"}
	})
	want := &Credential{
		Member: chat.Member{ID: "u1", Name: "Ada", Picture: "https://shop.example/ada.png"}, Kind: policy.User,
		Rates:  map[ratelimit.Kind]ratelimit.Rate{ratelimit.Send: {Count: 20, Per: time.Second, Burst: 100}},
		Issuer: shopName, TokenID: "t1", Issued: iat, Expires: exp.Add(DefaultSkew),
	}
	for _, g := range []struct {
		pattern string
		can     []string
	}{{"order-7", []string{"read", "post"}}, {"staff-*", []string{"moderate"}}} {
		grant, err := policy.NewGrant(g.pattern, g.can)
		if err != nil {
			t.Fatal(err)
		}
		want.Grants = append(want.Grants, grant)
	}
	first, err := is.Verify(t.Context(), token)
	if err != nil || !reflect.DeepEqual(first, want) {
		t.Errorf("Verify = %+v, %v, want %+v", first, err, want)
	}
	if again, err := is.Verify(t.Context(), token); again != first || err != nil {
		t.Errorf("Verify again = %+v, %v, want what is remembered", again, err)
	}
	plain, err := is.Verify(t.Context(), userToken(t, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) { c["iss"] = "https://second.example" }))
	if err != nil || plain.Member.ID != "second:u1" || plain.Grants != nil || plain.Rates != nil || !plain.Issued.IsZero() || plain.Issuer != "https://second.example" {
		t.Errorf("Verify of another issuer = %+v, %v, want a member with its prefix and no more than the token says", plain, err)
	}
}

// No issuer can name the members of another one, guests, accounts or keys, whatever sub a user
// has chosen there.
func TestIssuersNameTheirOwnMembers(t *testing.T) {
	issuer := func(name, prefix string) IssuerConfig {
		return IssuerConfig{Name: name, Audience: []string{audience}, Secret: shopSecret, Prefix: prefix}
	}
	is := openIssuers(t, issuer("none", ""), issuer("short", "a"), issuer("long", "ab:"))
	guests := NewGuests()
	_, guest, _, err := guests.SignIn("Ada", chat.Member{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ by, sub, want string }{
		{"none", "u1", "u1"}, {"short", "u1", "au1"}, {"long", "u1", "ab:u1"}, {"long", guest.ID, "ab:" + guest.ID},
		{"none", "ABCDEFGH", "ABCDEFGH"}, {"none", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
		{"none", "ab:u1", ""}, {"none", "au1", ""}, {"short", "b:u1", ""}, {"none", guest.ID, ""},
		{"none", KeyMemberPrefix + "x", ""}, {"short", "ccount:X", ""},
	} {
		c, err := is.Verify(t.Context(), userToken(t, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) {
			c["iss"], c["sub"] = tt.by, tt.sub
		}))
		if tt.want == "" {
			if _, ok := errors.AsType[*ClaimsError](err); !ok {
				t.Errorf("Verify(iss %q, sub %q) = %+v, %v, want a *ClaimsError", tt.by, tt.sub, c, err)
			}
			continue
		}
		if err != nil || c.Member.ID != tt.want {
			t.Errorf("Verify(iss %q, sub %q) = %+v, %v, want the member %q", tt.by, tt.sub, c, err, tt.want)
		}
	}
}

// A claim that is missing is named, and so is an exp in milliseconds, which no timestamp of
// the contract can hold.
func TestVerifyUserExpiry(t *testing.T) {
	is := openIssuers(t, secretIssuer())
	for name, tt := range map[string]struct {
		change func(jwt.MapClaims)
		want   string
	}{
		"no exp":       {func(c jwt.MapClaims) { delete(c, "exp") }, "no exp"},
		"no aud":       {func(c jwt.MapClaims) { delete(c, "aud") }, "no aud"},
		"no iss":       {func(c jwt.MapClaims) { delete(c, "iss") }, "issuer is not known"},
		"milliseconds": {func(c jwt.MapClaims) { c["exp"] = time.Now().UnixMilli() }, "exp must be before"},
		"year 10000":   {func(c jwt.MapClaims) { c["exp"] = 253402300800 }, "exp must be before"},
		"huge":         {func(c jwt.MapClaims) { c["exp"] = int64(1e18) }, "exp must be before"},
	} {
		c, err := is.Verify(t.Context(), userToken(t, jwt.SigningMethodHS256, shopSecret, nil, tt.change))
		if !errors.Is(err, ErrInvalidToken) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Verify = %+v, %v, want an error with %q", name, c, err, tt.want)
		}
	}
}

func TestVerifyUserName(t *testing.T) {
	is := openIssuers(t, secretIssuer())
	for name, want := range map[any]string{
		"  Ada  Lovelace ": "Ada Lovelace", "Ann ❤️": "Ann ❤️", "A\u202eda": "Ada", "Ada\nL": "Ada L", "Ada\u200b": "Ada", strings.Repeat("x", 300): strings.Repeat("x", 40),
		"": "member 3f4b5e", "\u2800": "member 3f4b5e", "\u200b\u3164": "member 3f4b5e", "\xff": "\ufffd",
	} {
		c, err := is.Verify(t.Context(), userToken(t, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) { c["name"] = name }))
		if err != nil {
			t.Errorf("Verify with the name %+q = %v, want no name to keep a user out", name, err)
		} else if got := c.Member.Name; got != want && !(strings.HasPrefix(want, "member ") && strings.HasPrefix(got, "member ") && len(got) == len(want)) {
			t.Errorf("Verify with the name %+q has the name %q, want %q", name, got, want)
		}
	}
	for picture, want := range map[string]string{
		"https://a.example/x?y=1": "https://a.example/x?y=1", "http://a.example/x": "", "javascript:alert(1)": "", "//a.example": "", "https://": "", "https://u:p@a.example/": "",
		"https://a.example/" + strings.Repeat("x", maxPicture): "", "data:image/png;base64,AA": "", "": "",
	} {
		if got := pictureURL(picture); got != want {
			t.Errorf("pictureURL(%.60q) = %q, want %q", picture, got, want)
		}
	}
}

// sameBits returns another character of base64url whose first four bits are those of c:
// the bits of the last character of 32 bytes that count.
func sameBits(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)^1]
}

func TestVerifyUserRefuses(t *testing.T) {
	pair := newKeyPair("k1", jwt.SigningMethodRS256, rsaKey())
	server := newKeyServer(t, jwks(t, pair))
	const keyed = "https://keyed.example"
	is := openIssuers(t, secretIssuer(), IssuerConfig{Name: keyed, Audience: []string{audience}, Keys: server.URL, Prefix: "k:"})
	byKey := func(c jwt.MapClaims) { c["iss"] = keyed }
	good, goodByKey := userToken(t, jwt.SigningMethodHS256, shopSecret, nil, nil), pair.token(t, byKey)
	for _, token := range []string{good, goodByKey} {
		if _, err := is.Verify(t.Context(), token); err != nil {
			t.Fatalf("Verify of a good token = %v, want nil: the others differ from it", err)
		}
	}
	public, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	with := func(name string, value any) string {
		return userToken(t, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) { c[name] = value })
	}
	without := func(name string) string {
		return userToken(t, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) { delete(c, name) })
	}
	rooms := func(pattern any, can ...any) string {
		return with("rooms", []any{map[string]any{"pattern": pattern, "can": can}})
	}
	encode := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty":        "",
		"not a token":  "ada",
		"four parts":   good + ".",
		"a line break": parts[0] + "." + parts[1] + "." + parts[2][:5] + "\n" + parts[2][5:],
		"another last character with the same bytes": good[:len(good)-1] + string(sameBits(good[len(good)-1])),
		"padding":                        good + "=",
		"too long":                       with("name", strings.Repeat("x", MaxToken)),
		"alg none":                       userToken(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, nil),
		"alg none by hand":               encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"alg None by hand":               encode([]byte(`{"alg":"None"}`)) + "." + parts[1] + ".",
		"no alg":                         encode([]byte(`{"typ":"JWT"}`)) + "." + parts[1] + "." + parts[2],
		"alg HS384":                      userToken(t, jwt.SigningMethodHS384, shopSecret, nil, nil),
		"another secret":                 userToken(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", minSecret)), nil, nil),
		"no signature":                   parts[0] + "." + parts[1] + ".",
		"crit":                           userToken(t, jwt.SigningMethodHS256, shopSecret, map[string]any{"crit": []string{"exp"}}, nil),
		"the public key as a secret":     userToken(t, jwt.SigningMethodHS256, publicPEM, map[string]any{"kid": "k1"}, byKey),
		"the public key in DER":          userToken(t, jwt.SigningMethodHS256, public, map[string]any{"kid": "k1"}, byKey),
		"the secret of another issuer":   userToken(t, jwt.SigningMethodHS256, shopSecret, map[string]any{"kid": "k1"}, byKey),
		"the key of another issuer":      pair.token(t, nil),
		"a key of its own":               userToken(t, jwt.SigningMethodRS256, rsaKey(), map[string]any{"kid": "k2", "jwk": pair.jwk, "jku": server.URL}, byKey),
		"another algorithm of the key":   userToken(t, jwt.SigningMethodPS256, rsaKey(), map[string]any{"kid": "k1"}, byKey),
		"a kid that is no text":          userToken(t, jwt.SigningMethodHS256, publicPEM, map[string]any{"kid": 7}, byKey),
		"an unknown kid":                 userToken(t, jwt.SigningMethodRS256, rsaKey(), map[string]any{"kid": "../../k1"}, byKey),
		"a long kid":                     userToken(t, jwt.SigningMethodRS256, rsaKey(), map[string]any{"kid": strings.Repeat("k", maxKID+1)}, byKey),
		"no issuer":                      without("iss"),
		"an unknown issuer":              with("iss", "https://evil.example"),
		"an issuer with a slash more":    with("iss", shopName+"/"),
		"the issuer of guests":           with("iss", issuer),
		"no audience":                    without("aud"),
		"another audience":               with("aud", "billing"),
		"an empty audience":              with("aud", []string{}),
		"no subject":                     without("sub"),
		"an empty subject":               with("sub", ""),
		"a long subject":                 with("sub", strings.Repeat("u", maxSubject+1)),
		"a subject with a control":       with("sub", "u\x00"),
		"a subject that is no text":      with("sub", 7),
		"the subject of an API key":      with("sub", "key:abc"),
		"no expiry":                      without("exp"),
		"an expiry that is no number":    with("exp", "tomorrow"),
		"an expiry far too large":        with("exp", 1e300),
		"expired":                        with("exp", time.Now().Add(-DefaultSkew-2*time.Second).Unix()),
		"not valid yet":                  with("nbf", time.Now().Add(DefaultSkew+time.Minute).Unix()),
		"issued in the future":           with("iat", time.Now().Add(DefaultSkew+time.Minute).Unix()),
		"a long jti":                     with("jti", strings.Repeat("t", maxTokenID+1)),
		"rooms as text":                  with("rooms", "*"),
		"a bad pattern":                  rooms("Order", "read"),
		"a pattern that is no text":      rooms(7, "read"),
		"an unknown right":               rooms("*", "write"),
		"a right that is no text":        rooms("*", 7),
		"a misspelled field in rooms":    with("rooms", []any{map[string]any{"pattern": "*", "can": []string{"read"}, "until": 7}}),
		"too many grants":                with("rooms", make([]struct{}, policy.MaxGrants+1)),
		"limits as text":                 with("limits", "off"),
		"an unknown limit":               with("limits", map[string]string{"sends": "1/s:1"}),
		"a bad rate":                     with("limits", map[string]string{"send": "1"}),
		"other claims":                   parts[0] + "." + encode([]byte(`{"iss":"https://shop.example","aud":"chat","sub":"admin","exp":9999999999}`)) + "." + parts[2],
		"claims with text after":         parts[0] + "." + encode([]byte(`{"iss":"https://shop.example"} {}`)) + "." + parts[2],
		"the token of a guest by secret": userToken(t, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) { c["iss"] = issuer }),
	} {
		for range 2 { // the second time is not believed either
			c, err := is.Verify(t.Context(), token)
			if !errors.Is(err, ErrInvalidToken) || c != nil {
				t.Errorf("Verify, %s = %+v, %v, want %v", name, c, err, ErrInvalidToken)
			} else if len(err.Error()) > 600 || strings.Contains(err.Error(), "%!") || token != "" && strings.Contains(err.Error(), token) {
				t.Errorf("Verify, %s = %v, want a short error without the token", name, err)
			}
		}
	}
}

func TestNewIssuersRefuses(t *testing.T) {
	one, aud := secretIssuer(), []string{audience}
	for want, configs := range map[string][]IssuerConfig{
		"must have a name":                        {{Audience: aud, Secret: shopSecret}},
		"must have an audience":                   {{Name: "a", Secret: shopSecret}},
		"one of these only":                       {{Name: "a", Audience: aud, Secret: shopSecret, Keys: "https://a.example"}},
		"or the URL of its keys":                  {{Name: "a", Audience: aud}},
		"at least 32 bytes":                       {{Name: "a", Audience: aud, Secret: shopSecret[1:]}},
		"this service's own tokens":               {{Name: issuer, Audience: aud, Secret: shopSecret}},
		"URL of https":                            {{Name: "a", Audience: aud, Keys: "http://a.example/keys"}},
		"must be a URL with a host":               {{Name: "a", Audience: aud, Keys: "https:///keys"}},
		"without user":                            {{Name: "a", Audience: aud, Keys: "https://u@a.example/keys"}},
		`"shop" must be a URL with`:               {{Name: "shop", Audience: aud, Discovery: true}},
		"must be configured once":                 {one, {Name: one.Name, Audience: aud, Secret: shopSecret, Prefix: "p"}},
		"each would speak for the members of":     {one, {Name: "b", Audience: aud, Secret: shopSecret}},
		`issuer "b": the secret must be at least`: {one, {Name: "b", Audience: aud, Secret: shopSecret[:5], Prefix: "p"}},
	} {
		if is, err := NewIssuers(configs...); err == nil || is != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewIssuers(%+v) = %v, want an error with %q", configs, err, want)
		}
	}
	if _, err := openIssuers(t).Verify(t.Context(), userToken(t, jwt.SigningMethodHS256, shopSecret, nil, nil)); !errors.Is(err, ErrNotVouched) {
		t.Errorf("Verify without issuers = %v, want %v", err, ErrNotVouched)
	}
}

// A token is good until it expires, with the skew, also when it is remembered.
func TestUserTokensExpire(t *testing.T) {
	for _, skew := range []time.Duration{-1, 0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			config := secretIssuer()
			config.Skew = skew
			is := openIssuers(t, config)
			allowed := map[time.Duration]time.Duration{-1: 0, 0: DefaultSkew, time.Minute: time.Minute}[skew]
			token := userToken(t, jwt.SigningMethodHS256, shopSecret, nil, nil)
			fresh := openIssuers(t, config) // has not seen it
			if _, err := is.Verify(t.Context(), token); err != nil {
				t.Fatalf("Verify = %v, want nil", err)
			}
			<-time.After(time.Hour + allowed - 1)
			for name, is := range map[string]*Issuers{"remembered": is, "not remembered": fresh} {
				if _, err := is.Verify(t.Context(), token); err != nil {
					t.Errorf("Verify, %s, just before the end = %v, want nil", name, err)
				}
			}
			<-time.After(1)
			for name, is := range map[string]*Issuers{"remembered": is, "not remembered": openIssuers(t, config)} {
				if _, err := is.Verify(t.Context(), token); !errors.Is(err, ErrInvalidToken) {
					t.Errorf("Verify, %s, at the end = %v, want %v", name, err, ErrInvalidToken)
				}
			}
		})
	}
}

func TestAlgorithmsOfKeys(t *testing.T) {
	ed := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pairs := []*keyPair{
		newKeyPair("rs", jwt.SigningMethodRS256, rsaKey()), newKeyPair("ps", jwt.SigningMethodPS512, rsaKey()),
		newECKey(t, "es"), newKeyPair("es384", jwt.SigningMethodES384, p384), newKeyPair("ed", jwt.SigningMethodEdDSA, ed),
	}
	is := openIssuers(t, IssuerConfig{Name: shopName, Audience: []string{audience}, Keys: newKeyServer(t, jwks(t, pairs...)).URL})
	for _, p := range pairs {
		if _, err := is.Verify(t.Context(), p.token(t, nil)); err != nil {
			t.Errorf("Verify with %s = %v, want nil", p.method.Alg(), err)
		}
		if _, err := is.Verify(t.Context(), userToken(t, p.method, p.private, nil, nil)); err != nil {
			t.Errorf("Verify with %s without a kid = %v, want the keys to be tried", p.method.Alg(), err)
		}
		for _, other := range pairs {
			if token := userToken(t, p.method, p.private, map[string]any{"kid": other.jwk.KeyID}, nil); other != p {
				if _, err := is.Verify(t.Context(), token); !errors.Is(err, ErrInvalidToken) {
					t.Errorf("Verify of %s with the kid of %s = %v, want %v", p.method.Alg(), other.method.Alg(), err, ErrInvalidToken)
				}
			}
		}
	}
}

func TestRecentTokensAreBounded(t *testing.T) {
	var r recentTokens
	now := time.Now()
	add := func(token string) { r.add(token, &Credential{TokenID: token}, now.Add(time.Hour)) }
	add("used")
	for i := range 5 * maxVerified {
		add(fmt.Sprint(i))
		if i%(maxVerified/2) == 0 {
			if c := r.find("used", now); c == nil || c.TokenID != "used" {
				t.Fatalf("a token in use is %v after %d others, want it remembered", c, i)
			}
		}
	}
	if n := len(r.recent) + len(r.former); n > 2*maxVerified {
		t.Errorf("%d tokens are remembered, want at most %d", n, 2*maxVerified)
	}
	if r.find("0", now) != nil {
		t.Error("a token that was not used for long is remembered")
	}
	if r.find("used", now.Add(time.Hour)) != nil {
		t.Error("a token that has expired is remembered")
	}
}

// Only the tokens that were signed are accepted, whatever is made of them.
func FuzzVerifyUser(f *testing.F) {
	pair := newKeyPair("k1", jwt.SigningMethodRS256, rsaKey())
	keys, err := parseKeys([]byte(jwks(f, pair)))
	if err != nil {
		f.Fatal(err)
	}
	is := openIssuers(f, secretIssuer(), IssuerConfig{Name: "https://keyed.example", Audience: []string{audience}, Keys: "https://keyed.example", Prefix: "k:"})
	set := is.byName["https://keyed.example"].keys
	set.keys, set.fetched, set.begun = keys, time.Now(), time.Now().Add(time.Hour) // nothing is fetched
	far := func(c jwt.MapClaims) { c["exp"] = 9_999_999_999 }
	good := map[string]bool{
		userToken(f, jwt.SigningMethodHS256, shopSecret, nil, far):                                                        true,
		pair.token(f, func(c jwt.MapClaims) { far(c); c["iss"] = "https://keyed.example" }):                               true,
		userToken(f, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) { far(c); c["rooms"] = []any{} }):     true,
		userToken(f, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) { far(c); c["name"] = "\u202e x❤️" }): true,
	}
	for token := range good {
		f.Add(token)
		f.Add(token + "A")
		f.Add(strings.ReplaceAll(token, ".", ".."))
	}
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("e30.e30.e30")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := is.Verify(context.Background(), token)
		switch {
		case good[token] && err != nil, !good[token] && err == nil, (c == nil) == (err == nil):
			t.Fatalf("Verify(%q) = %+v, %v, want it accepted = %t", token, c, err, good[token])
		case err != nil && !errors.Is(err, ErrInvalidToken):
			t.Fatalf("Verify(%q) = %v, want %v", token, err, ErrInvalidToken)
		}
	})
}
