package trust

import (
	"crypto/rand"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The part between the marks is in docs/TRUST.md, word for word: TestDocumentedCode
// compares them.

// begin

// Grant gives rights in the rooms that a pattern matches.
type Grant struct {
	Pattern string   `json:"pattern"`
	Can     []string `json:"can"`
}

// Claims are those of a token for the chat.
type Claims struct {
	jwt.RegisteredClaims
	Name  string  `json:"name"`
	Rooms []Grant `json:"rooms"`
}

// Shop issues tokens for the chat, after it has authenticated its user.
type Shop struct {
	Secret []byte // the one in the file of secret_file
}

// CustomerToken lets a customer talk in the rooms of the customer's own orders.
func (s *Shop) CustomerToken(customer, name string, orders ...string) (string, error) {
	grants := make([]Grant, len(orders))
	for i, order := range orders {
		grants[i] = Grant{Pattern: "order-" + order, Can: []string{"read", "post", "react", "create"}}
	}
	return s.token("customer-"+customer, name, time.Hour, grants)
}

// StaffToken lets a member of the support staff talk and moderate in the rooms of all orders.
func (s *Shop) StaffToken(employee, name string) (string, error) {
	return s.token("staff-"+employee, name, 8*time.Hour, []Grant{
		{Pattern: "order-*", Can: []string{"read", "post", "react", "create", "manage", "moderate"}},
	})
}

func (s *Shop) token(subject, name string, life time.Duration, rooms []Grant) (string, error) {
	now := time.Now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    "https://shop.example",
			Audience:  jwt.ClaimStrings{"chat"},
			Subject:   subject,
			ID:        rand.Text(), // so that this one token can be revoked
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(life)),
		},
		Name:  name,
		Rooms: rooms,
	}).SignedString(s.Secret)
}

// end
