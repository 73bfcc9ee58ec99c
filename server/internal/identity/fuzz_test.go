package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
)

// FuzzVerifyGuest: only the tokens that were signed are accepted, in exactly their form.
func FuzzVerifyGuest(f *testing.F) {
	g := &Guests{key: make([]byte, keySize)}
	good := make(map[string]chat.Member)
	for _, name := range []string{"Ada", "Ann ❤️"} {
		token, m, _, err := g.SignIn(name, chat.Member{})
		if err != nil {
			f.Fatal(err)
		}
		good[token] = m
		for _, seed := range []string{token, token + "=", token[:len(token)-1], strings.ReplaceAll(token, ".", ".."), strings.ToUpper(token), " " + token} {
			f.Add(seed)
		}
	}
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJjaGF0cm9vbSIsInN1YiI6IngiLCJleHAiOjk5OTk5OTk5OTl9.")
	f.Fuzz(func(t *testing.T, token string) {
		m, err := g.Verify(context.Background(), token)
		want, signed := good[token]
		switch {
		case signed != (err == nil), signed && m != want:
			t.Fatalf("Verify(%q) = %+v, %v, want it accepted = %t", token, m, err, signed)
		case err != nil && !errors.Is(err, ErrInvalidToken):
			t.Fatalf("Verify(%q) = %v, want %v", token, err, ErrInvalidToken)
		}
		ofGuest(token)
	})
}

// FuzzDecodeKey: what is accepted for guests.key holds the key that it spells.
func FuzzDecodeKey(f *testing.F) {
	key := []byte(strings.Repeat("k", keySize))
	for _, seed := range []string{"", encodeKey(key), hex.EncodeToString(key), hex.EncodeToString(key) + " 00000000\n", strings.ToUpper(encodeKey(key)), " \n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := decodeKey(text)
		if err != nil {
			return
		}
		spelled := hex.EncodeToString(key)
		lower := strings.ToLower(strings.TrimSuffix(text, "\n"))
		if len(key) != keySize || lower != spelled && lower+"\n" != encodeKey(key) {
			t.Fatalf("decodeKey(%q) = %x, want an error", text, key)
		}
	})
}
