// Package identity identifies callers by their tokens: Guests signs and verifies those of
// guests, Issuers verifies those of an application's own users, and Accounts has the members
// who sign in at a provider.
package identity

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/durable"
	"chatroom/server/internal/policy"
)

// Lifetime is how long a guest's token is valid.
const Lifetime = 30 * 24 * time.Hour

// ErrInvalidToken is returned for a token that is malformed, expired, or not
// signed by the key.
var ErrInvalidToken = errors.New("identity: the token is not valid")

// ErrGuestsOff is returned for guests where the operator wants none.
var ErrGuestsOff = errors.New("identity: guests are turned off")

// Guests issues and verifies the tokens of guests. Anyone can sign in as a guest.
type Guests struct {
	key    []byte
	newKey bool
	off    bool

	revoked   *revocations // nil before KeepRevoked: no token can be revoked
	verified  verified
	signedOut signedOut
	accounts  *Accounts // nil without accounts
}

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
	key, err := decodeKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("read the key of guests: %s %w: restore it from a backup, "+
			"or remove it to get a new key; with a new key all guests lose their identities, and with them the right to edit and delete what they have sent", path, err)
	}
	return &Guests{key: key}, nil
}

func createGuests(path string) (*Guests, error) {
	g := NewGuests()
	if err := durable.WriteFile(path, []byte(encodeKey(g.key))); err != nil {
		return nil, fmt.Errorf("write the key of guests: %w", err)
	}
	return g, nil
}

// encodeKey returns a key in hexadecimal, and a checksum of it. Without one, another digit
// would be another valid key, and all guests others.
func encodeKey(key []byte) string {
	return fmt.Sprintf("%x %08x\n", key, crc32.ChecksumIEEE(key))
}

// decodeKey decodes what encodeKey returns. Earlier versions wrote no checksum.
func decodeKey(text string) ([]byte, error) {
	digits, sum, summed := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
	key, err := hex.DecodeString(digits)
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("does not hold %d bytes in hexadecimal", keySize)
	}
	if summed && sum != fmt.Sprintf("%08x", crc32.ChecksumIEEE(key)) {
		return nil, errors.New("does not match its checksum")
	}
	return key, nil
}

// CheckKey returns an error for what can't be in the file of the key.
func CheckKey(text []byte) error {
	_, err := decodeKey(string(text))
	return err
}

// NewKey reports whether the key is new, so that no earlier token is valid.
func (g *Guests) NewKey() bool { return g.newKey }

// TurnOff makes SignIn return ErrGuestsOff, and Verify ErrInvalidToken. It must be called
// before all other methods.
func (g *Guests) TurnOff() { g.off = true }

// Derive returns a key for another purpose than the tokens of guests, which tells nothing of
// the key of guests.
func (g *Guests) Derive(purpose string) []byte {
	key, err := hkdf.Expand(sha256.New, g.key, "chatroom "+purpose, keySize)
	if err != nil {
		panic(err) // the size is one that SHA-256 can give
	}
	return key
}

// KeepRevoked lets tokens be revoked. Those that are revoked are kept in a state until they
// would have expired. It must be called before all other methods, and Close before the
// state is closed.
func (g *Guests) KeepRevoked(ctx context.Context, state chat.State) (err error) {
	g.revoked, err = openRevocations(context.WithoutCancel(ctx), state, g.forget)
	return err
}

// Close ends what KeepRevoked has started.
func (g *Guests) Close() {
	if g.revoked != nil {
		g.revoked.stop()
	}
}

type claims struct {
	jwt.RegisteredClaims
	Name string `json:"name"`
}

// guestIDLength is how long the member ids of guests are, which rand.Text makes.
const guestIDLength = 26

// isGuestID reports whether a member id has the form of a guest's.
func isGuestID(id string) bool {
	return len(id) == guestIDLength && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// SignIn returns a token for a guest with this name. If renews is the guest of an earlier
// token the member keeps its id. It returns a *chat.FieldError for a name that is not valid.
func (g *Guests) SignIn(name string, renews chat.Member) (token string, m chat.Member, expires time.Time, err error) {
	if g.off {
		return "", chat.Member{}, time.Time{}, ErrGuestsOff
	}
	if name, err = chat.CleanName(name); err != nil {
		return "", chat.Member{}, time.Time{}, err
	}
	m = chat.Member{ID: renews.ID, Name: name, Guest: true}
	if m.ID == "" || !renews.Guest { // a guest is never a user of an application
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

// SignOut revokes a token that Verify accepts, durably and on all nodes.
func (g *Guests) SignOut(ctx context.Context, token string) error {
	t, err := g.verify(ctx, token)
	switch {
	case err != nil:
		return err
	case g.revoked == nil:
		return errors.New("identity: revoked tokens are not kept")
	}
	if err := g.revoked.add(ctx, t.id, t.expires); err != nil {
		return err
	}
	g.forget(t.id) // the watch may be later
	return nil
}

// Verify returns the member that a token identifies. It returns ErrInvalidToken for a token
// that it does not accept.
func (g *Guests) Verify(ctx context.Context, token string) (chat.Member, error) {
	t, err := g.verify(ctx, token)
	return t.member, err
}

// Identify returns the credential of a token, which is shared and must not be changed. Its
// errors are those of Verify.
func (g *Guests) Identify(ctx context.Context, token string) (*Credential, error) {
	t, err := g.verify(ctx, token)
	return t.credential, err
}

func (g *Guests) verify(ctx context.Context, token string) (verifiedToken, error) {
	if g.off {
		return verifiedToken{}, fmt.Errorf("%w: %w", ErrInvalidToken, ErrGuestsOff)
	}
	if t, found := g.verified.find(token, time.Now()); found {
		return t, nil
	}
	if err := checkToken(token); err != nil {
		return verifiedToken{}, err
	}
	removals := g.verified.begin()
	t, err := g.check(token)
	if err != nil {
		return verifiedToken{}, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	if g.revoked != nil {
		switch revoked, err := g.revoked.has(ctx, t.id, t.expires); {
		case err != nil:
			return verifiedToken{}, err
		case revoked:
			return verifiedToken{}, ErrRevoked
		}
	}
	if g.accounts != nil {
		if t.retired, err = g.accounts.retired(ctx, t.member.ID); err != nil {
			return verifiedToken{}, err
		}
		if !time.Now().Before(t.until()) {
			return verifiedToken{}, ErrRevoked
		}
		if !t.retired.IsZero() {
			g.accounts.retire(t.member.ID, t.retired) // the watch may have begun after the link
		}
	}
	g.verified.add(token, t, removals)
	return t, nil
}

// check returns what a token says that is signed by the key and has not expired. It is
// strict about the encoding, so that a token has no other form.
func (g *Guests) check(token string) (verifiedToken, error) {
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return g.key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
	)
	switch {
	case err != nil:
		return verifiedToken{}, err
	case c.Subject == "":
		return verifiedToken{}, errors.New("the subject is missing")
	}
	credential := c.credential()
	credential.token = idOf(token)
	return verifiedToken{id: credential.token, member: credential.Member, expires: credential.Expires, credential: credential}, nil
}

// credential returns what a guest's verified claims say.
func (c *claims) credential() *Credential {
	credential := &Credential{
		Member: chat.Member{ID: c.Subject, Name: c.Name, Guest: true}, Kind: policy.Guest,
		Issuer: issuer, TokenID: c.ID, Expires: c.ExpiresAt.Time,
	}
	if c.IssuedAt != nil {
		credential.Issued = c.IssuedAt.Time
	}
	return credential
}
