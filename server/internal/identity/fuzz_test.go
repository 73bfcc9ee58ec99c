package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
)

// FuzzVerifyGuest: only what the key has signed is accepted, in exactly one form.
func FuzzVerifyGuest(f *testing.F) {
	g := &Guests{key: make([]byte, keySize)}
	sign := func(text string) string {
		mac := hmac.New(sha256.New, g.key)
		mac.Write([]byte(text))
		return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	encoded := base64.RawURLEncoding.EncodeToString
	header := encoded([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "."
	for _, c := range []string{
		`{"iss":"chatroom","sub":"A","iat":1700000000,"exp":9999999999,"name":"Ada"}`, `{"iss":"chatroom","sub":"A","exp":1}`,
		`{"iss":"chatroom","exp":9999999999}`, `{"iss":"other","sub":"A","exp":9999999999}`, `{"iss":"chatroom","sub":"A"}`, `[]`,
	} {
		token := sign(header + encoded([]byte(c)))
		for _, seed := range []string{token, token + "=", token[:len(token)-1], strings.ReplaceAll(token, ".", ".."), strings.ToUpper(token), " " + token} {
			f.Add(seed)
		}
	}
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJjaGF0cm9vbSIsInN1YiI6IngiLCJleHAiOjk5OTk5OTk5OTl9.")
	good := sign(header + encoded([]byte(`{"iss":"chatroom","sub":"A","iat":1700000000,"exp":9999999999,"name":"Ada"}`)))
	f.Fuzz(func(t *testing.T, token string) {
		m, err := g.Verify(context.Background(), token)
		if token == good && (err != nil || m != chat.Member{ID: "A", Name: "Ada", Guest: true}) {
			t.Fatalf("Verify of a good token = %+v, %v, want Ada", m, err)
		}
		issuerOf(token)
		if err != nil {
			if !errors.Is(err, ErrInvalidToken) {
				t.Fatalf("Verify(%q) = %v, want %v", token, err, ErrInvalidToken)
			}
			return
		}
		if text := token[:max(strings.LastIndexByte(token, '.'), 0)]; sign(text) != token || m.ID == "" || !m.Guest {
			t.Fatalf("Verify(%q) = %+v, want it refused", token, m)
		}
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
