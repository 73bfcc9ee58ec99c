package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatroom/server/internal/chat"
)

func signIn(t *testing.T, g *Guests, name string, renews chat.Member) (string, chat.Member, time.Time) {
	t.Helper()
	token, m, expires, err := g.SignIn(name, renews)
	if err != nil {
		t.Fatalf("SignIn(%q) = %v, want nil", name, err)
	}
	return token, m, expires
}

func TestSignInAndVerify(t *testing.T) {
	g := NewGuests()
	token, m, expires := signIn(t, g, "  Go   Pher ", chat.Member{})
	if m.ID == "" || m.Name != "Go Pher" || !m.Guest {
		t.Errorf("SignIn = %+v, want a guest with an id and a clean name", m)
	}
	if left := time.Until(expires); left > Lifetime || left < Lifetime-time.Minute {
		t.Errorf("SignIn expires in %v, want %v", left, Lifetime)
	}
	if got, err := g.Verify(t.Context(), token); got != m || err != nil {
		t.Errorf("Verify = %+v, %v, want %+v", got, err, m)
	}
	if _, other, _ := signIn(t, g, "Go Pher", chat.Member{}); other.ID == m.ID {
		t.Errorf("two guests have the id %q, want one each", m.ID)
	}
}

func TestRenewalKeepsTheID(t *testing.T) {
	g := NewGuests()
	_, first, _ := signIn(t, g, "first", chat.Member{})
	token, renewed, _ := signIn(t, g, "second", first)
	want := chat.Member{ID: first.ID, Name: "second", Guest: true}
	if got, err := g.Verify(t.Context(), token); renewed != want || got != want || err != nil {
		t.Errorf("renewed = %+v, verified as %+v, %v, want %+v", renewed, got, err, want)
	}
	if _, m, _ := signIn(t, g, "user", chat.Member{ID: "acme/7", Name: "user"}); m.ID == "acme/7" {
		t.Errorf("SignIn of a user of an application = %+v, want another id", m)
	}
	if _, m, _ := signIn(t, g, "third", chat.Anonymous); m.ID == "" {
		t.Errorf("SignIn of an anonymous caller = %+v, want an id", m)
	}
}

func TestSignInRefusesNames(t *testing.T) {
	for _, name := range []string{"", "  ", "a\u202eb", strings.Repeat("é", 41)} {
		token, m, _, err := NewGuests().SignIn(name, chat.Member{})
		if field, ok := errors.AsType[*chat.FieldError](err); !ok || field.Field != "name" || token != "" || m != (chat.Member{}) {
			t.Errorf("SignIn(%+q) = %q, %v, %v, want a FieldError for name", name, token, m, err)
		}
	}
}

// A token is good until its last second, which SignIn tells.
func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuests()
		<-time.After(300 * time.Millisecond) // tokens hold whole seconds
		token, _, expires := signIn(t, g, "gopher", chat.Member{})
		<-time.After(time.Until(expires) - 1)
		if _, err := g.Verify(t.Context(), token); err != nil {
			t.Errorf("Verify just before the end = %v, want nil", err)
		}
		<-time.After(1)
		if _, err := g.Verify(t.Context(), token); !errors.Is(err, ErrInvalidToken) {
			t.Errorf("Verify at the end = %v, want %v", err, ErrInvalidToken)
		}
	})
}

// signed returns a token with claims of a test's own.
func signed(t *testing.T, method jwt.SigningMethod, key any, change func(jwt.MapClaims)) string {
	t.Helper()
	c := jwt.MapClaims{"iss": issuer, "sub": "ID", "name": "gopher", "exp": time.Now().Add(time.Hour).Unix()}
	if change != nil {
		change(c)
	}
	token, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatalf("SignedString = %v, want nil", err)
	}
	return token
}

func TestVerifyRefuses(t *testing.T) {
	g := NewGuests()
	good := signed(t, jwt.SigningMethodHS256, g.key, nil)
	if m, err := g.Verify(t.Context(), good); m.ID != "ID" || err != nil {
		t.Fatalf("Verify of a good token = %v, %v, want it accepted: the others differ from it", m, err)
	}
	parts := strings.Split(good, ".")
	encode := base64.RawURLEncoding.EncodeToString
	without := func(name string) string {
		return signed(t, jwt.SigningMethodHS256, g.key, func(c jwt.MapClaims) { delete(c, name) })
	}
	with := func(name string, value any) string {
		return signed(t, jwt.SigningMethodHS256, g.key, func(c jwt.MapClaims) { c[name] = value })
	}
	for name, token := range map[string]string{
		"empty":             "",
		"not a token":       "gopher",
		"two parts":         parts[0] + "." + parts[1],
		"four parts":        good + ".",
		"another key":       signed(t, jwt.SigningMethodHS256, NewGuests().key, nil),
		"no key":            signed(t, jwt.SigningMethodHS256, []byte{}, nil),
		"alg none":          signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"alg none by hand":  encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + ".",
		"alg HS384":         signed(t, jwt.SigningMethodHS384, g.key, nil),
		"no signature":      parts[0] + "." + parts[1] + ".",
		"another subject":   parts[0] + "." + encode([]byte(`{"iss":"chatroom","sub":"OTHER","exp":9999999999}`)) + "." + parts[2],
		"changed signature": parts[0] + "." + parts[1] + "." + encode(make([]byte, 32)),
		"no subject":        without("sub"),
		"empty subject":     with("sub", ""),
		"no expiry":         without("exp"),
		"expired":           with("exp", time.Now().Add(-time.Second).Unix()),
		"not valid yet":     with("nbf", time.Now().Add(time.Hour).Unix()),
		"no issuer":         without("iss"),
		"another issuer":    with("iss", "somebody"),
		"subject no text":   with("sub", 7),
		"with space":        good + " ",
		"with a line break": good + "\n",
		"line breaks in it": parts[0] + "." + parts[1] + "." + parts[2][:5] + "\r\n" + parts[2][5:],
	} {
		m, err := g.Verify(t.Context(), token)
		if !errors.Is(err, ErrInvalidToken) || m != (chat.Member{}) {
			t.Errorf("Verify, %s = %v, %v, want %v", name, m, err, ErrInvalidToken)
			continue
		}
		if strings.Contains(err.Error(), "%!") {
			t.Errorf("Verify, %s = %q, want a message without a missing part", name, err)
		}
	}
}

func TestOpenGuestsKeepsItsKey(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenGuests(dir)
	if err != nil {
		t.Fatalf("OpenGuests = %v, want nil", err)
	}
	path := filepath.Join(dir, "guests.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("Stat(guests.key) = %v, %v, want mode 0600", info, err)
	}
	before, err := os.ReadFile(path)
	if text := fmt.Sprintf("%x %08x\n", first.key, crc32.ChecksumIEEE(first.key)); err != nil || string(before) != text {
		t.Errorf("guests.key = %q, %v, want %q", before, err, text)
	}
	token, m, _ := signIn(t, first, "gopher", chat.Member{})
	second, err := OpenGuests(dir)
	if err != nil {
		t.Fatalf("OpenGuests again = %v, want nil", err)
	}
	if !first.NewKey() || second.NewKey() {
		t.Errorf("NewKey = %t, then %t, want true, then false", first.NewKey(), second.NewKey())
	}
	if got, err := second.Verify(t.Context(), token); got != m || err != nil {
		t.Errorf("Verify with the key opened again = %v, %v, want %v", got, err, m)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("guests.key after opening again = %q, %v, want it unchanged", after, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("ReadDir = %v, %v, want the key alone", files, err)
	}
	if other, err := OpenGuests(t.TempDir()); err != nil || string(other.key) == string(first.key) {
		t.Errorf("OpenGuests of another directory = %v, want another key", err)
	}
}

// No digit of the key or of its checksum can change unnoticed. A key of an earlier version,
// which has no checksum, is used as it is.
func TestOpenGuestsChecksItsKey(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenGuests(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, KeyName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, digit := range good {
		bad := bytes.Clone(good)
		if bad[i] = '0'; digit == '0' {
			bad[i] = '1'
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenGuests(dir); err == nil {
			t.Errorf("OpenGuests of %q = nil, want an error", bad)
		}
	}
	if err := os.WriteFile(path, []byte(hex.EncodeToString(first.key)), 0o600); err != nil {
		t.Fatal(err)
	}
	if earlier, err := OpenGuests(dir); err != nil || string(earlier.key) != string(first.key) {
		t.Errorf("OpenGuests of a key without a checksum = %v, want the key", err)
	}
}

// What a crash left of a key that was being made is no key, and no obstacle.
func TestOpenGuestsAfterACrash(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "guests.key.new")
	if err := os.WriteFile(left, []byte("ab"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenGuests(dir); err != nil {
		t.Fatalf("OpenGuests after a crash = %v, want nil", err)
	}
	info, err := os.Stat(filepath.Join(dir, "guests.key"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("Stat(guests.key) after a crash = %v, %v, want mode 0600", info, err)
	}
}

// A key that can't be read is not replaced: all tokens given would end with it.
func TestOpenGuestsWithABadKey(t *testing.T) {
	key := strings.Repeat("ab", keySize)
	for name, content := range map[string]string{"empty": "", "short": key[2:], "long": key + "ab", "empty checksum": key + " ", "wrong checksum": key + " 00000000\n", "more": key + "\nab", "odd": key[1:], "no hexadecimal": strings.Repeat("zz", keySize)} {
		dir := t.TempDir()
		path := filepath.Join(dir, "guests.key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenGuests(dir)
		for _, part := range []string{path, "restore it from a backup", "all guests lose their identities"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("OpenGuests, %s key = %v, want %q in it", name, err, part)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("guests.key after OpenGuests, %s = %q, %v, want it untouched", name, got, err)
		}
	}
	if _, err := OpenGuests(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenGuests of a missing directory = %v, want %v", err, os.ErrNotExist)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "guests.key"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenGuests(dir); err == nil {
		t.Error("OpenGuests with a directory for a key = nil, want an error")
	}
}
