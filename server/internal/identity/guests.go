// Package identity identifies callers by their tokens. This package signs the tokens of
// guests; another Provider verifies those of other issuers.
package identity

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/durable"
)

// Lifetime is how long a guest's token is valid.
const Lifetime = 30 * 24 * time.Hour

// ErrInvalidToken is returned for a token that is malformed, expired, or not
// signed by the key.
var ErrInvalidToken = errors.New("identity: the token is not valid")

// Provider returns the member that a token identifies. It returns ErrInvalidToken for a
// token that it does not accept.
type Provider interface {
	Verify(ctx context.Context, token string) (chat.Member, error)
}

// Guests issues and verifies the tokens of guests. Anyone can sign in as a guest.
type Guests struct {
	key    []byte
	newKey bool

	verified verified
}

var _ Provider = (*Guests)(nil)

const (
	issuer  = "chatroom"
	keySize = 32 // bytes; RFC 7518 requires at least as many for HS256
)

// NewGuests returns guests with a random key that is not stored: the tokens are valid until
// the process ends.
func NewGuests() *Guests {
	key := make([]byte, keySize)
	rand.Read(key) // never fails
	return &Guests{key: key, newKey: true}
}

// KeyName is the file in the data directory that holds the key of guests.
const KeyName = "guests.key"

// OpenGuests returns guests with the key in the data directory, which the first call creates.
// A key that can't be read is an error, as a new one would invalidate all tokens.
func OpenGuests(dir string) (*Guests, error) {
	path := filepath.Join(dir, KeyName)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return createGuests(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of guests: %w", err)
	}
	key, err := hex.DecodeString(string(text))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("read the key of guests: %s does not hold %d bytes in hexadecimal: restore it from a backup, "+
			"or remove it to get a new key; with a new key all guests lose their identities, and with them the right to edit and delete what they have sent", path, keySize)
	}
	return &Guests{key: key}, nil
}

func createGuests(path string) (*Guests, error) {
	g := NewGuests()
	if err := durable.WriteFile(path, []byte(hex.EncodeToString(g.key))); err != nil {
		return nil, fmt.Errorf("write the key of guests: %w", err)
	}
	return g, nil
}

// NewKey reports whether the key is new, so that no earlier token is valid.
func (g *Guests) NewKey() bool { return g.newKey }

type claims struct {
	jwt.RegisteredClaims
	Name string `json:"name"`
}

// SignIn returns a token for a guest with this name. If renews is the member of an earlier
// token the member keeps its id. It returns a *chat.FieldError for a name that is not valid.
func (g *Guests) SignIn(name string, renews chat.Member) (token string, m chat.Member, expires time.Time, err error) {
	if name, err = chat.CleanName(name); err != nil {
		return "", chat.Member{}, time.Time{}, err
	}
	m = chat.Member{ID: renews.ID, Name: name, Guest: true}
	if m.ID == "" {
		m.ID = rand.Text()
	}
	now := time.Now()
	expires = now.Add(Lifetime).Truncate(time.Second)
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    issuer,
			Subject:   m.ID,
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(expires),
		},
		Name: name,
	}).SignedString(g.key)
	return token, m, expires, err
}

// Verify implements Provider.
func (g *Guests) Verify(_ context.Context, token string) (chat.Member, error) {
	if m, found := g.verified.find(token, time.Now()); found {
		return m, nil
	}
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return g.key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
	)
	if err != nil {
		return chat.Member{}, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	if c.Subject == "" {
		return chat.Member{}, fmt.Errorf("%w: the subject is missing", ErrInvalidToken)
	}
	m := chat.Member{ID: c.Subject, Name: c.Name, Guest: true}
	g.verified.add(token, verifiedToken{m, c.ExpiresAt.Time})
	return m, nil
}
