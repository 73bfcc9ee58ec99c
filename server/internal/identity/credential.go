package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/text"
)

// Credential is what a token or an API key says about the caller.
type Credential struct {
	Member chat.Member
	Kind   policy.Kind
	Grants []policy.Grant
	Former []string // other member ids of the same person: see Accounts
	Rates  map[ratelimit.Kind]ratelimit.Rate

	Issuer  string    // who vouches for it
	TokenID string    // its jti; empty for none
	Issued  time.Time // zero if it does not say
	Expires time.Time // from when it is not accepted; zero for never

	token tokenID // of a guest's token

	// SendAs is whether the caller may send in the name of a member.
	SendAs bool
}

// Expired reports whether the credential is not accepted any more.
func (c *Credential) Expired(now time.Time) bool {
	return !c.Expires.IsZero() && !now.Before(c.Expires)
}

// KeyMemberPrefix begins the member ids of API keys. No issuer can name one of them.
const KeyMemberPrefix = "key:"

// The bounds of what a token says.
const (
	maxSubject = 128   // bytes
	maxTokenID = 128   // bytes
	maxPicture = 1_024 // bytes
)

// memberName returns the name of a member whom an issuer names. A name that can't be
// shown as it is must not keep the member out: what is invisible is left out, and what
// is too long is cut.
func memberName(name, id string) string {
	if clean, err := text.Nickname(name, chat.MaxName); err == nil {
		return clean
	}
	shown := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsPunct(r), unicode.IsSymbol(r):
			return r
		}
		return -1
	}, cut(name, 8*chat.MaxName))
	for n := min(utf8.RuneCountInString(shown), chat.MaxName); n > 0; n-- {
		if clean, err := text.Nickname(string([]rune(shown)[:n]), chat.MaxName); err == nil {
			return clean
		}
	}
	sum := sha256.Sum256([]byte(id))
	return "member " + hex.EncodeToString(sum[:3])
}

// cut returns the beginning of a text of at most so many bytes.
func cut(s string, bytes int) string {
	if len(s) <= bytes {
		return s
	}
	return strings.ToValidUTF8(s[:bytes], "")
}

// pictureURL returns a picture's address if it is one that a page can show.
func pictureURL(raw string) string {
	u, err := url.Parse(raw)
	if raw == "" || len(raw) > maxPicture || err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}
