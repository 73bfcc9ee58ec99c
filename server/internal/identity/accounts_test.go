package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
)

// node is what a node of a service knows callers by.
type node struct {
	*Accounts
	tokens Tokens

	mu      sync.Mutex // guards below
	ended   []func(*Credential) bool
	changed map[string][]string
}

// openNode opens accounts in a state, with the key of another node's guests unless they are nil.
func openNode(t *testing.T, state chat.State, guests *Guests, c AccountsConfig) *node {
	t.Helper()
	if guests == nil {
		guests = NewGuests()
	}
	n := &node{changed: make(map[string][]string)}
	c.Ended = func(covers func(*Credential) bool) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.ended = append(n.ended, covers)
	}
	c.Changed = func(member string, former []string) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.changed[member] = former
	}
	own := &Guests{key: guests.key}
	if err := own.KeepRevoked(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	accounts, err := OpenAccounts(t.Context(), own, state, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(accounts.Close)
	n.Accounts, n.tokens = accounts, Tokens{Guests: own, Accounts: accounts}
	return n
}

// endedStreams reports whether streams with a credential were to be ended.
func (n *node) endedStreams(c *Credential) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.ended, func(covers func(*Credential) bool) bool { return covers(c) })
}

func (n *node) signInGuest(t *testing.T, name string) (token string, m chat.Member) {
	t.Helper()
	token, m, _, err := n.tokens.Guests.SignIn(name, chat.Member{})
	if err != nil {
		t.Fatal(err)
	}
	return token, m
}

// signIn signs a person in who was a guest, or was none.
func (n *node) signIn(t *testing.T, subject, guest string) Session {
	t.Helper()
	m, err := n.Save(t.Context(), Profile{Issuer: "https://login.example", Subject: subject, Name: "Ada " + subject, Picture: "https://login.example/ada.png"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := n.Begin(t.Context(), m.ID, guest)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// identify returns the credential of a valid token.
func (n *node) identify(t *testing.T, token string) *Credential {
	t.Helper()
	c, err := n.tokens.Identify(t.Context(), token)
	if err != nil {
		t.Fatalf("Identify = %v, want nil", err)
	}
	return c
}

func TestAccountSignsIn(t *testing.T) {
	n := openNode(t, openState(t), nil, AccountsConfig{})
	s := n.signIn(t, "1", "")
	c := n.identify(t, s.Token)
	if want := (chat.Member{ID: s.Member.ID, Name: "Ada 1", Picture: "https://login.example/ada.png"}); c.Member != want || c.Kind != policy.User || c.Former != nil {
		t.Errorf("the credential is %+v, want the user %+v", c, want)
	}
	if since := time.Since(c.Issued); since < 0 || since > time.Minute {
		t.Errorf("the credential was issued at %s, want when the session began, for revocations", c.Issued)
	}
	if !isAccount(s.Member.ID) || strings.Contains(s.Member.ID, "login") || !c.Expires.Equal(s.Expires) || time.Until(c.Expires) < DefaultSession-time.Minute {
		t.Errorf("the session is %+v, want an account for %s", s, DefaultSession)
	}
	again, other := n.signIn(t, "1", ""), n.signIn(t, "2", "")
	if again.Member != s.Member || again.Token == s.Token || other.Member.ID == s.Member.ID {
		t.Errorf("sign-ins are %+v and %+v, want the same account and another one", again.Member, other.Member)
	}
	if a, b := accountID("https://a", "b"), accountID("https://ab", ""); a == b {
		t.Errorf("two people have the id %s", a)
	}
}

// A session ends on all nodes, at once for streams, and the other sessions do not.
func TestAccountSignsOut(t *testing.T) {
	state := openState(t)
	here := openNode(t, state, nil, AccountsConfig{})
	there := openNode(t, state, here.tokens.Guests, AccountsConfig{})
	ended, kept := here.signIn(t, "1", ""), here.signIn(t, "1", "")
	c := there.identify(t, ended.Token)
	if there.Ended(c) {
		t.Error("Ended = true before it was")
	}
	if err := here.SignOut(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*node{here, there} {
		if _, err := n.tokens.Identify(t.Context(), ended.Token); !errors.Is(err, ErrRevoked) || CauseOf(err) != Revoked {
			t.Errorf("Identify after SignOut = %v, want %v", err, ErrRevoked)
		}
		if !n.Ended(c) || !n.endedStreams(c) {
			t.Errorf("Ended = %t, streams are ended = %t, want both", n.Ended(c), n.endedStreams(c))
		}
		if other := n.identify(t, kept.Token); n.Ended(other) || n.endedStreams(other) {
			t.Error("the other session has ended, too")
		}
	}
	if err := here.SignOut(t.Context(), c); err != nil {
		t.Errorf("SignOut again = %v, want nil", err)
	}
}

func TestAccountExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := openState(t)
		n := openNode(t, state, nil, AccountsConfig{Session: time.Hour})
		s := n.signIn(t, "1", "")
		<-time.After(time.Hour - 2*time.Second)
		n.identify(t, s.Token)
		<-time.After(2 * time.Second)
		if _, err := n.tokens.Identify(t.Context(), s.Token); CauseOf(err) != Expired {
			t.Errorf("Identify after the session = %v, want %s", err, Expired)
		}
		<-time.After(72 * time.Hour) // its record is deleted
		if records, err := state.List(t.Context(), sessionsPrefix, "", 10); err != nil || len(records) > 0 {
			t.Errorf("List = %v, %v, want no sessions", records, err)
		}
	})
}

// What a guest was becomes the account's, and the guest's tokens end soon.
func TestGuestBecomesAnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := openState(t)
		here := openNode(t, state, nil, AccountsConfig{})
		there := openNode(t, state, here.tokens.Guests, AccountsConfig{})
		first, ada := here.signInGuest(t, "Ada")
		second, ada2 := here.signInGuest(t, "Ada")
		guest := there.identify(t, first)

		s := here.signIn(t, "1", ada.ID)
		c := there.identify(t, s.Token)
		if want := []string{ada.ID}; !slices.Equal(s.Former, want) || !slices.Equal(c.Former, want) {
			t.Fatalf("former ids are %q and %q, want %q", s.Former, c.Former, want)
		}
		for _, n := range []*node{here, there} {
			n.identify(t, first) // until the page has replaced it
		}
		<-time.After(RetireAfter)
		synctest.Wait()
		for _, n := range []*node{here, there} {
			if _, err := n.tokens.Identify(t.Context(), first); CauseOf(err) != Revoked {
				t.Errorf("Identify with the former token = %v, want %s", err, Revoked)
			}
			if !n.Ended(guest) || !n.endedStreams(guest) {
				t.Errorf("Ended = %t, streams are ended = %t, want both", n.Ended(guest), n.endedStreams(guest))
			}
			n.identify(t, second)
		}

		// The same person signs in from another browser.
		other := there.signIn(t, "1", ada2.ID)
		want := []string{ada.ID, ada2.ID}
		if other.Member != s.Member || !slices.Equal(other.Former, want) {
			t.Errorf("the second sign-in is %+v, want the same account with former ids %q", other, want)
		}
		synctest.Wait()
		if got := here.identify(t, s.Token); !slices.Equal(got.Former, want) || !slices.Equal(here.changed[s.Member.ID], want) {
			t.Errorf("the first session has former ids %q, and streams were told %q, want %q", got.Former, here.changed[s.Member.ID], want)
		}
		if got := here.Current(c); !slices.Equal(got.Former, want) || got.Member != c.Member {
			t.Errorf("Current = %+v, want former ids %q", got, want)
		}
		if got := here.Current(guest); got != guest {
			t.Errorf("Current of a guest = %+v, want %+v", got, guest)
		}
		for _, id := range []string{s.Member.ID, ada.ID, ada2.ID} {
			member, former, err := here.Person(t.Context(), id)
			if member != s.Member.ID || !slices.Equal(former, want) || err != nil {
				t.Errorf("Person(%q) = %q, %q, %v, want %q, %q", id, member, former, err, s.Member.ID, want)
			}
		}
	})
}

// Nodes that start later know which guests are former ids.
func TestRetiredGuestsStayRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := openState(t)
		here := openNode(t, state, nil, AccountsConfig{})
		token, ada := here.signInGuest(t, "Ada")
		here.signIn(t, "1", ada.ID)
		<-time.After(RetireAfter)
		later := openNode(t, state, here.tokens.Guests, AccountsConfig{})
		if _, err := later.tokens.Identify(t.Context(), token); CauseOf(err) != Revoked {
			t.Errorf("Identify with the former token = %v, want %s", err, Revoked)
		}
	})
}

// A node that starts while the tokens of a guest are still valid ends its streams with them.
func TestNodeStartsWhileAGuestRetires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := openState(t)
		here := openNode(t, state, nil, AccountsConfig{})
		token, ada := here.signInGuest(t, "Ada")
		here.signIn(t, "1", ada.ID)
		later := openNode(t, state, here.tokens.Guests, AccountsConfig{})
		guest := later.identify(t, token)
		<-time.After(RetireAfter)
		synctest.Wait()
		if !later.Ended(guest) || !later.endedStreams(guest) {
			t.Errorf("Ended = %t, streams are ended = %t, want both", later.Ended(guest), later.endedStreams(guest))
		}
	})
}

// A guest belongs to the first account, whoever has its token later; and an account does not
// belong to those who have a token of its guest.
func TestGuestsBelongToOneAccount(t *testing.T) {
	n := openNode(t, openState(t), nil, AccountsConfig{})
	token, ada := n.signInGuest(t, "Ada")
	owner := n.signIn(t, "owner", ada.ID)
	thief := n.signIn(t, "thief", ada.ID)
	if len(thief.Former) != 0 {
		t.Errorf("the second account has former ids %q, want none", thief.Former)
	}
	if got := n.identify(t, owner.Token); !slices.Equal(got.Former, []string{ada.ID}) {
		t.Errorf("the first account has former ids %q, want %q", got.Former, ada.ID)
	}
	if got := n.identify(t, token); got.Kind != policy.Guest || got.Member.ID != ada.ID || got.Former != nil {
		t.Errorf("the guest's token is of %+v, want the guest alone", got)
	}
	if again := n.signIn(t, "owner", ada.ID); !slices.Equal(again.Former, []string{ada.ID}) {
		t.Errorf("former ids after signing in again are %q, want %q once", again.Former, ada.ID)
	}
}

// Of two accounts that a guest signs in to at the same time, one has the guest.
func TestGuestSignsInToTwoAccountsAtOnce(t *testing.T) {
	state := openState(t)
	here := openNode(t, state, nil, AccountsConfig{})
	there := openNode(t, state, here.tokens.Guests, AccountsConfig{})
	for i := range 20 {
		_, ada := here.signInGuest(t, "Ada")
		var both sync.WaitGroup
		var sessions [2]Session
		for j, n := range []*node{here, there} {
			both.Go(func() { sessions[j] = n.signIn(t, fmt.Sprint(i, " ", j), ada.ID) })
		}
		both.Wait()
		if len(sessions[0].Former)+len(sessions[1].Former) != 1 {
			t.Fatalf("former ids are %q and %q, want those of one account", sessions[0].Former, sessions[1].Former)
		}
	}
}

func TestAccountsHaveABoundOfGuests(t *testing.T) {
	n := openNode(t, openState(t), nil, AccountsConfig{})
	var s Session
	for i := range maxFormer + 2 {
		s = n.signIn(t, "1", fmt.Sprint("guest-", i))
	}
	if len(s.Former) != maxFormer || s.Former[maxFormer-1] != fmt.Sprint("guest-", maxFormer-1) {
		t.Errorf("there are %d former ids, want the first %d", len(s.Former), maxFormer)
	}
	if member, _, err := n.Person(t.Context(), fmt.Sprint("guest-", maxFormer)); member != fmt.Sprint("guest-", maxFormer) || err != nil {
		t.Errorf("Person = %q, %v, want the guest itself", member, err)
	}
}

func TestUseIsOnce(t *testing.T) {
	state := openState(t)
	here := openNode(t, state, nil, AccountsConfig{})
	there := openNode(t, state, here.tokens.Guests, AccountsConfig{})
	until := time.Now().Add(time.Minute)
	for i, n := range []*node{here, here, there} {
		err := n.Use(t.Context(), "one", until)
		if want := i > 0; errors.Is(err, ErrUsed) != want || !want && err != nil {
			t.Errorf("Use %d = %v, want an error = %t", i, err, want)
		}
	}
	if err := there.Use(t.Context(), "another", until); err != nil {
		t.Errorf("Use of another id = %v, want nil", err)
	}
}

// Tokens of accounts and of guests are not taken for each other's, and no issuer can make one.
func TestAccountTokensAreRefused(t *testing.T) {
	state := openState(t)
	n := openNode(t, state, nil, AccountsConfig{})
	s := n.signIn(t, "1", "")
	session := n.identify(t, s.Token)
	sign := func(key []byte, change func(*jwt.RegisteredClaims)) string {
		c := jwt.RegisteredClaims{Issuer: AccountIssuer, Subject: s.Member.ID, ID: session.TokenID, ExpiresAt: jwt.NewNumericDate(s.Expires)}
		change(&c)
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	same := func(*jwt.RegisteredClaims) {}
	n.identify(t, sign(n.key, same))
	other := n.signIn(t, "2", "")
	for name, token := range map[string]string{
		"another key":                sign([]byte(strings.Repeat("x", keySize)), same),
		"the key of guests":          sign(n.tokens.Guests.key, same),
		"a guest's with our key":     sign(n.key, func(c *jwt.RegisteredClaims) { c.Issuer = issuer }),
		"another account's session":  sign(n.key, func(c *jwt.RegisteredClaims) { c.Subject = other.Member.ID }),
		"a session that never was":   sign(n.key, func(c *jwt.RegisteredClaims) { c.ID = "none" }),
		"without a session":          sign(n.key, func(c *jwt.RegisteredClaims) { c.ID = "" }),
		"without an end":             sign(n.key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil }),
		"expired":                    sign(n.key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-time.Second)) }),
		"with another end":           sign(n.key, func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(s.Expires.AddDate(0, 0, 2)) }),
		"with something after it":    s.Token + "A",
		"with a line break after it": s.Token + "\n",
		"without its last character": s.Token[:len(s.Token)-1],
	} {
		if c, err := n.tokens.Identify(t.Context(), token); !errors.Is(err, ErrInvalidToken) {
			t.Errorf("%s: Identify = %+v, %v, want %v", name, c, err, ErrInvalidToken)
		}
	}
	if _, err := NewIssuers(IssuerConfig{Name: AccountIssuer, Audience: []string{"a"}, Secret: []byte(strings.Repeat("x", 32))}); err == nil {
		t.Error("NewIssuers with the name of accounts = nil, want an error")
	}
	config := secretIssuer()
	config.Prefix = AccountMemberPrefix
	issuers := openIssuers(t, config)
	if c, err := issuers.Verify(t.Context(), userToken(t, jwt.SigningMethodHS256, shopSecret, nil, nil)); CauseOf(err) != BadClaims {
		t.Errorf("Verify of a token for the id of an account = %+v, %v, want %s", c, err, BadClaims)
	}
}

// A state that fails is no reason to refuse a token for ever, nor to accept one.
func TestAccountsWithoutTheState(t *testing.T) {
	state := openState(t)
	n := openNode(t, state, nil, AccountsConfig{})
	s := n.signIn(t, "1", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.tokens.Identify(ctx, s.Token); err == nil || errors.Is(err, ErrInvalidToken) {
		t.Errorf("Identify = %v, want an error that says nothing about the token", err)
	}
	if _, err := n.Begin(ctx, s.Member.ID, "g"); err == nil {
		t.Error("Begin = nil, want an error")
	}
	n.identify(t, s.Token)
}

func TestDerivedKeysDiffer(t *testing.T) {
	g := NewGuests()
	a, b := g.Derive("a"), g.Derive("b")
	if string(a) == string(b) || string(a) == string(g.key) || string(a) != string(g.Derive("a")) || len(a) != keySize {
		t.Errorf("Derive = %x and %x, want two keys of %d bytes that stay the same", a, b, keySize)
	}
}
