package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
)

// userClaims are the claims of an application's token.
type userClaims struct {
	jwt.RegisteredClaims
	Name    string            `json:"name"`
	Picture string            `json:"picture"`
	Rooms   []roomClaim       `json:"rooms"`
	Limits  map[string]string `json:"limits"` // "send": "20/s:100"

	undecoded error // names a claim of the wrong type
}

// UnmarshalJSON accepts claims of the wrong type, and keeps an error that names one, for after
// the signature is verified.
func (c *userClaims) UnmarshalJSON(data []byte) error {
	type plain userClaims
	err := json.Unmarshal(data, (*plain)(c))
	if err == nil {
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return err
	}
	*c = userClaims{}
	for _, claim := range []struct {
		name, form string
		value      any
	}{
		{"iss", "text", &c.Issuer},
		{"aud", "text or a list of texts", &c.Audience},
		{"sub", "text", &c.Subject},
		{"exp", "a number of seconds since 1970", &c.ExpiresAt},
		{"nbf", "a number of seconds since 1970", &c.NotBefore},
		{"iat", "a number of seconds since 1970", &c.IssuedAt},
		{"jti", "text", &c.ID},
		{"name", "text", &c.Name},
		{"picture", "text", &c.Picture},
		{"rooms", `a list of {"pattern": "order-*", "can": ["read"]}, without other fields`, &c.Rooms},
		{"limits", `rates by kind, such as {"send": "20/s:100"}`, &c.Limits},
	} {
		value, has := fields[claim.name]
		if has && json.Unmarshal(value, claim.value) != nil && c.undecoded == nil {
			c.undecoded = fmt.Errorf("%s must be %s", claim.name, claim.form)
		}
	}
	if c.undecoded == nil {
		return err
	}
	return nil
}

// complete returns an error that names a claim of the wrong type, or a required one that is missing.
func (c *userClaims) complete() error {
	switch {
	case c.undecoded != nil:
		return c.undecoded
	case c.ExpiresAt == nil:
		return errors.New("it has no exp")
	case len(c.Audience) == 0:
		return errors.New("it has no aud")
	}
	return nil
}

type roomClaim struct {
	Pattern string   `json:"pattern"`
	Can     []string `json:"can"`
}

// credential returns what verified claims say. An error names the claim: an issuer that
// grants what does not exist has made a mistake that it should hear of.
func (c *userClaims) credential(i *tokenIssuer) (*Credential, error) {
	switch {
	case c.Subject == "":
		return nil, errors.New("it has no sub")
	case len(c.Subject) > maxSubject || !printable(c.Subject):
		return nil, fmt.Errorf("sub must be at most %d bytes without control characters", maxSubject)
	case len(c.ID) > maxTokenID || !printable(c.ID):
		return nil, fmt.Errorf("jti must be at most %d bytes without control characters", maxTokenID)
	case len(c.Rooms) > policy.MaxGrants:
		return nil, fmt.Errorf("rooms must have at most %d grants", policy.MaxGrants)
	case c.ExpiresAt.After(maxExpiry):
		return nil, errors.New("exp must be before the year 9999: it counts seconds")
	}
	id := i.config.Prefix + c.Subject
	if err := i.checkID(id); err != nil {
		return nil, err
	}
	credential := &Credential{
		Member:  chat.Member{ID: id, Name: memberName(c.Name, id), Picture: pictureURL(c.Picture)},
		Kind:    policy.User,
		Issuer:  i.config.Name,
		TokenID: c.ID,
		Expires: c.ExpiresAt.Add(i.config.Skew),
	}
	if c.IssuedAt != nil {
		credential.Issued = c.IssuedAt.Time
	}
	for n, room := range c.Rooms {
		grant, err := policy.NewGrant(room.Pattern, room.Can)
		if err != nil {
			return nil, fmt.Errorf("rooms[%d]: %w", n, err)
		}
		credential.Grants = append(credential.Grants, grant)
	}
	var err error
	credential.Rates, err = ratelimit.ParseRates(c.Limits)
	if err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	return credential, nil
}

// maxExpiry leaves room for the skew: a timestamp of the contract ends with the year 9999.
var maxExpiry = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)

// checkID returns an error for the member id of a key, an account, a guest or a user of
// another issuer. A user who may choose a sub could otherwise act as that member.
func (i *tokenIssuer) checkID(id string) error {
	for _, reserved := range i.reserved {
		if strings.HasPrefix(id, reserved) {
			return fmt.Errorf("sub must not make a member id that begins with %q", reserved)
		}
	}
	if isGuestID(id) {
		return errors.New("sub must not make a member id like that of a guest: give the issuer a prefix")
	}
	return nil
}

// missing returns the error for claims without a required one.
func (c *userClaims) missing() error {
	if c.ExpiresAt == nil {
		return errors.New("it has no exp")
	}
	if len(c.Audience) == 0 {
		return errors.New("it has no aud")
	}
	return errors.New("it has no iss")
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// UnmarshalJSON refuses fields that are not known: a grant with a misspelled field would
// be another one than the issuer meant.
func (r *roomClaim) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	for name, value := range fields {
		var err error
		switch name {
		case "pattern":
			err = json.Unmarshal(value, &r.Pattern)
		case "can":
			err = json.Unmarshal(value, &r.Can)
		default:
			err = fmt.Errorf("rooms: field %.40q is not known: must be pattern or can", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
