package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/text"
)

// Prefix begins each key, so that tools that look for leaked secrets can find it.
const Prefix = "chatroom_"

const (
	idSize     = 10 // bytes
	secretSize = 32 // bytes
)

// encoding writes ids and secrets. Its letters need no quoting anywhere.
var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// MaxName is how long the name of a key may be, in characters.
const MaxName = 80

// Spec is what a key is to be.
type Spec struct {
	Name   string            // for people to tell keys apart
	Grants []Grant           // 1 to policy.MaxGrants
	Limits map[string]string // other rates than the default, by kind: "send": "100/s:500"
	SendAs bool              // may send in the name of a member
	By     string            // who creates it
}

// Grant is rights in the rooms that a pattern matches, as they are written.
type Grant struct {
	Pattern string   `json:"pattern"`
	Can     []string `json:"can"`
}

// Check returns an error for a grant that Create would refuse.
func (g Grant) Check() error {
	_, err := policy.NewGrant(g.Pattern, g.Can)
	return err
}

// CheckLimit returns an error for a limit that Create would refuse.
func CheckLimit(kind, rate string) error {
	_, err := ratelimit.ParseRates(map[string]string{kind: rate})
	return err
}

// CheckName returns an error for a name that Create would refuse.
func CheckName(name string) error {
	_, err := text.Nickname(name, MaxName)
	return err
}

// Key is a key as it is known after its creation.
type Key struct {
	ID       string
	Name     string
	Grants   []policy.Grant
	Rates    map[ratelimit.Kind]ratelimit.Rate
	SendAs   bool
	By       string
	Created  time.Time
	LastUsed time.Time // the hour; zero for never. Only List sets it

	hash [sha256.Size]byte // of the secret
}

// Credential returns what the key says about a caller that does not send in the name of
// a member: limits count its calls by a member id of its own.
func (k *Key) Credential() identity.Credential {
	return identity.Credential{
		Member: chat.Member{ID: identity.KeyMemberPrefix + k.ID, Name: k.Name},
		Kind:   policy.Key, Grants: k.Grants, Rates: k.Rates, TokenID: k.ID, Issued: k.Created, SendAs: k.SendAs,
	}
}

// record is the stored form of a key.
type record struct {
	Name    string            `json:"name"`
	SHA256  string            `json:"sha256"`
	Grants  []Grant           `json:"grants"`
	Limits  map[string]string `json:"limits,omitempty"`
	SendAs  bool              `json:"send_as,omitempty"`
	By      string            `json:"by,omitempty"`
	Created time.Time         `json:"created"`
}

// newKey returns a record, the key it is of, and the text that its holder sends.
func newKey(s Spec, now time.Time) (record, *Key, string, error) {
	name, err := text.Nickname(s.Name, MaxName)
	if err != nil {
		return record{}, nil, "", fmt.Errorf("name %w", err)
	}
	if len(s.Grants) < 1 || len(s.Grants) > policy.MaxGrants {
		return record{}, nil, "", fmt.Errorf("there must be 1 to %d grants", policy.MaxGrants)
	}
	if len(s.By) > maxBy {
		return record{}, nil, "", fmt.Errorf("by must be at most %d bytes", maxBy)
	}
	id, secret := make([]byte, idSize), make([]byte, secretSize)
	rand.Read(id) // never fails
	rand.Read(secret)
	hash := sha256.Sum256(secret)
	r := record{
		Name: name, SHA256: hex.EncodeToString(hash[:]), Grants: s.Grants, Limits: s.Limits,
		SendAs: s.SendAs, By: s.By, Created: now.UTC().Truncate(time.Second),
	}
	key, err := r.key(encoding.EncodeToString(id))
	if err != nil {
		return record{}, nil, "", err
	}
	return r, key, Prefix + key.ID + "_" + encoding.EncodeToString(secret), nil
}

const maxBy = 256

// key returns what a record says.
func (r *record) key(id string) (*Key, error) {
	k := &Key{ID: id, Name: r.Name, SendAs: r.SendAs, By: r.By, Created: r.Created}
	hash, err := hex.DecodeString(r.SHA256)
	if err != nil || len(hash) != len(k.hash) {
		return nil, errors.New("sha256 must be 64 hexadecimal digits")
	}
	copy(k.hash[:], hash)
	for i, g := range r.Grants {
		grant, err := policy.NewGrant(g.Pattern, g.Can)
		if err != nil {
			return nil, fmt.Errorf("grants[%d]: %w", i, err)
		}
		k.Grants = append(k.Grants, grant)
	}
	if k.Rates, err = ratelimit.ParseRates(r.Limits); err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	return k, nil
}

func decode(id string, value []byte) (*Key, error) {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, err
	}
	return r.key(id)
}

// split returns the id and the hash of the secret of what a caller sends.
func split(sent string) (id string, hash [sha256.Size]byte, ok bool) {
	rest, ok := strings.CutPrefix(sent, Prefix)
	idLength := encoding.EncodedLen(idSize)
	if !ok || len(rest) != idLength+1+encoding.EncodedLen(secretSize) || rest[idLength] != '_' {
		return "", hash, false
	}
	id = rest[:idLength]
	secret, err := encoding.DecodeString(rest[idLength+1:])
	if err != nil || encoding.EncodeToString(secret) != rest[idLength+1:] {
		return "", hash, false // of two forms of a secret one is valid
	}
	return id, sha256.Sum256(secret), true
}

// Is reports whether a credential looks like an API key, and not like a token.
func Is(sent string) bool { return strings.HasPrefix(sent, Prefix) }
