package moderation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"chatroom/server/internal/policy"
)

const denialsPrefix = "denials/" // denials/ROOM/ID

// storedDenial is the stored form of a policy.Denial of one room.
type storedDenial struct {
	Effect  string    `json:"effect"` // "ban" or "mute"
	Member  string    `json:"member,omitempty"`
	Address string    `json:"address,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Reason  string    `json:"reason,omitempty"`
	By      string    `json:"by"`
}

// Subject is whom an act is for.
type Subject struct {
	Member  string       // a member id, or
	Address netip.Prefix // an address or a network
}

func (s Subject) String() string {
	if s.Member != "" {
		return "member " + s.Member
	}
	if s.Address.IsValid() {
		return "address " + s.Address.String()
	}
	return ""
}

// denialID returns the ID of the denial of a room with an effect and a subject: there is at
// most one.
func denialID(room string, effect policy.Effect, s Subject) string {
	sum := sha256.Sum256([]byte(room + "\x00" + effect.String() + "\x00" + s.String()))
	return hex.EncodeToString(sum[:16])
}

func denialKey(room, id string) string { return denialsPrefix + room + "/" + id }

// lastsLonger reports whether a denial that is in force ends later than another.
func lastsLonger(d, other policy.Denial, now time.Time) bool {
	return d.Until.IsZero() || d.Until.After(now) && d.Until.After(other.Until)
}

func encodeDenial(d policy.Denial) ([]byte, error) {
	s := storedDenial{Effect: d.Effect.String(), Member: d.Member, Until: d.Until.UTC(), Reason: d.Reason, By: d.By}
	if d.Until.IsZero() {
		s.Until = time.Time{}
	}
	if d.Address.IsValid() {
		s.Address = d.Address.String()
	}
	return json.Marshal(s)
}

func decodeDenial(key string, value []byte) (policy.Denial, error) {
	room, id, _ := strings.Cut(strings.TrimPrefix(key, denialsPrefix), "/")
	var s storedDenial
	if err := json.Unmarshal(value, &s); err != nil {
		return policy.Denial{}, err
	}
	d := policy.Denial{ID: id, Member: s.Member, Until: s.Until, Reason: s.Reason, By: s.By}
	var err error
	if d.Rooms, err = policy.ParsePattern(room); err != nil {
		return d, err
	}
	switch s.Effect {
	case "ban":
	case "mute":
		d.Effect = policy.Mute
	default:
		return d, fmt.Errorf("effect %q is not known", s.Effect)
	}
	if s.Address != "" {
		d.Address, err = netip.ParsePrefix(s.Address)
	}
	return d, err
}
