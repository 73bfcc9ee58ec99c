package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// pending is a sign-in that was started in a browser.
type pending struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"` // of PKCE
	Room     string    `json:"room"`     // to return to; empty for none
	Guest    string    `json:"guest"`    // the member id of the guest who signs in; empty for none
	Expires  time.Time `json:"expires"`
}

// handOver is a sign-in that has succeeded, whose token the page has to fetch.
type handOver struct {
	ID      string    `json:"id"`
	Account string    `json:"account"`
	Guest   string    `json:"guest"`
	Expires time.Time `json:"expires"`
}

func (s *pending) expires() time.Time  { return s.Expires }
func (s *handOver) expires() time.Time { return s.Expires }

// errNoCookie is that a browser has no cookie, or one that is not accepted.
var errNoCookie = errors.New("signin: there is no cookie, or one that is not valid any more")

// cookie is a cookie whose value only this service can read and make.
type cookie struct {
	name     string
	path     string
	secure   bool
	sameSite http.SameSite
	life     time.Duration
	aead     cipher.AEAD
}

// newCookie returns a cookie for the service at a path of the host, empty for the root. Over https
// its name has the prefix that browsers let no other host, and no page without TLS, set. Such a
// cookie is for all paths, so that its name tells the services of a host apart.
func newCookie(key []byte, name, base string, secure bool, sameSite http.SameSite, life time.Duration) (*cookie, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	c := &cookie{name: name, path: base + pathPrefix, secure: secure, sameSite: sameSite, life: life, aead: aead}
	if secure {
		c.name, c.path = "__Host-"+name+strings.ReplaceAll(base, "/", "|"), "/"
	}
	return c, nil
}

// set has the browser keep a value.
func (c *cookie) set(w http.ResponseWriter, value any) error {
	plain, err := json.Marshal(value)
	if err != nil {
		return err
	}
	// The name keeps the value of one cookie from being that of another one.
	sealed := c.aead.Seal(nil, nil, plain, []byte(c.name))
	c.write(w, base64.RawURLEncoding.EncodeToString(sealed), int(c.life.Seconds()))
	return nil
}

// clear has the browser forget the value.
func (c *cookie) clear(w http.ResponseWriter) { c.write(w, "", -1) }

func (c *cookie) write(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: c.name, Value: value, Path: c.path, MaxAge: age, Secure: c.secure, HttpOnly: true, SameSite: c.sameSite,
	})
}

// get reads the value that a request has. It returns errNoCookie.
func (c *cookie) get(r *http.Request, value interface{ expires() time.Time }) error {
	sent, err := r.Cookie(c.name)
	if err != nil {
		return errNoCookie
	}
	sealed, err := base64.RawURLEncoding.DecodeString(sent.Value)
	if err != nil {
		return errNoCookie
	}
	plain, err := c.aead.Open(nil, nil, sealed, []byte(c.name))
	if err != nil || json.Unmarshal(plain, value) != nil || !time.Now().Before(value.expires()) {
		return errNoCookie
	}
	return nil
}

// equal compares in a time that tells nothing about the texts.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// newSecret returns a text that can't be guessed.
func newSecret() string { return rand.Text() }
