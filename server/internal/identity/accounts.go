package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
)

// AccountIssuer is the iss claim of the tokens of accounts.
const AccountIssuer = "chatroom:accounts"

// AccountMemberPrefix begins the member ids of accounts. No issuer can name one of them.
const AccountMemberPrefix = "account:"

// DefaultSession is how long an account stays signed in.
const DefaultSession = 30 * 24 * time.Hour

// RetireAfter is how long a guest's tokens stay valid after the guest has become a former id
// of an account: until the page has replaced the token in all its tabs.
const RetireAfter = 10 * time.Second

// maxFormer is how many guests one account may have been.
const maxFormer = 100

// ErrUsed is returned by Use for what was used before.
var ErrUsed = errors.New("identity: it was used before")

// AccountsConfig is what Accounts need beside a state. The zero value works.
type AccountsConfig struct {
	// Session is how long an account stays signed in. Zero means DefaultSession.
	Session time.Duration
	// Ended is called with the credentials that have ended: streams that it covers are to be
	// ended. It must not block. Nil means that nothing is called.
	Ended func(covers func(*Credential) bool)
	// Changed is called with the former ids of an account when there are more of them. It must
	// not block. Nil means that nothing is called.
	Changed func(member string, former []string)
	Log     *slog.Logger // nil discards
}

// Accounts are the members who sign in at a provider. An account has a member id of its own
// and, as former ids, those of the guests who have signed in to it: what these have sent
// belongs to the account, and so do their bans and mutes. A guest can become a former id of one
// account only, and its tokens end with that.
//
// A token is valid as long as its session, which is a record in the state. All methods are safe
// for concurrent use.
type Accounts struct {
	key     []byte
	records accountRecords
	config  AccountsConfig
	guests  *Guests

	verified verified
	ended    recentMap[string, struct{}] // session ids and guests' member ids
	changed  recentMap[string, []string] // former ids by member id

	stop func() // ends the watch and the cleaning

	mu       sync.Mutex             // guards below
	retiring map[string]*time.Timer // by the guest's member id
	closed   bool
}

// OpenAccounts returns the accounts in a state, to be closed before the state is. From then on
// the guests are verified with regard to them: it must be called before the guests' methods.
func OpenAccounts(ctx context.Context, guests *Guests, state chat.State, c AccountsConfig) (*Accounts, error) {
	c.Session = cmp.Or(c.Session, DefaultSession)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Ended == nil {
		c.Ended = func(func(*Credential) bool) {}
	}
	if c.Changed == nil {
		c.Changed = func(string, []string) {}
	}
	a := &Accounts{
		key: guests.Derive("tokens of accounts"), records: accountRecords{state}, config: c, guests: guests,
		retiring: make(map[string]*time.Timer),
	}
	stopWatch, err := state.Watch(context.WithoutCancel(ctx), accountsPrefix, func(records []chat.Record) {
		for _, r := range records {
			a.apply(r)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("watch the accounts: %w", err)
	}
	stopCleaning := cleanRegularly(context.WithoutCancel(ctx), state, sessionsPrefix, usedPrefix)
	a.stop = func() {
		stopCleaning()
		stopWatch()
	}
	guests.accounts = a
	return a, nil
}

// Close ends what OpenAccounts has started.
func (a *Accounts) Close() {
	a.stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for _, timer := range a.retiring {
		timer.Stop()
	}
}

// Profile is what a provider says about a person who has signed in.
type Profile struct {
	Issuer, Subject string // who it is, for ever
	Name, Picture   string
}

// Save stores an account, and returns it as a member.
func (a *Accounts) Save(ctx context.Context, p Profile) (chat.Member, error) {
	id := accountID(p.Issuer, p.Subject)
	name, picture := memberName(p.Name, id), pictureURL(p.Picture)
	record, err := a.records.update(ctx, id, func(r *accountRecord) {
		r.Issuer, r.Subject, r.Name, r.Picture = p.Issuer, p.Subject, name, picture
	})
	return record.member(id), err
}

// Session is that an account is signed in.
type Session struct {
	Token   string
	Member  chat.Member
	Former  []string // other member ids of the account
	Expires time.Time
}

// Begin signs an account in that was saved. The guest with a member id, if it is not empty,
// becomes a former id of the account, unless it is one of another account. The caller has
// verified that it is that guest.
func (a *Accounts) Begin(ctx context.Context, account, guest string) (Session, error) {
	if guest != "" {
		if err := a.link(ctx, account, guest); err != nil {
			return Session{}, err
		}
	}
	record, _, err := a.records.account(ctx, account)
	if err != nil {
		return Session{}, err
	}
	now := time.Now()
	s := sessionRecord{Account: account, Begun: now.UTC(), Expires: now.Add(a.config.Session).UTC().Truncate(time.Second)}
	id := rand.Text()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: AccountIssuer, Subject: account, ID: id,
		IssuedAt: jwt.NewNumericDate(s.Begun), ExpiresAt: jwt.NewNumericDate(s.Expires),
	}).SignedString(a.key)
	if err != nil {
		return Session{}, err
	}
	if err := a.records.begin(ctx, id, s); err != nil {
		return Session{}, err
	}
	return Session{token, record.member(account), record.Former, s.Expires}, nil
}

// link makes a guest a former id of an account, and its tokens invalid soon. The order keeps
// that a guest belongs to one account, wherever it stops.
func (a *Accounts) link(ctx context.Context, account, guest string) error {
	record, _, err := a.records.account(ctx, account)
	if err != nil {
		return err
	}
	if len(record.Former) >= maxFormer && !slices.Contains(record.Former, guest) {
		a.config.Log.WarnContext(ctx, "an account has signed in as too many guests: what the last one has sent stays that guest's", "member", account, "guest", guest)
		return nil
	}
	link, err := a.records.link(ctx, guest, linkRecord{Account: account, Retired: time.Now().Add(RetireAfter).UTC()})
	switch {
	case err != nil:
		return err
	case link.Account != account:
		a.config.Log.WarnContext(ctx, "a guest has signed in to another account than before, and stays that of the first", "member", account, "guest", guest)
		return nil
	}
	record, err = a.records.update(ctx, account, func(r *accountRecord) {
		if !slices.Contains(r.Former, guest) {
			r.Former = append(slices.Clone(r.Former), guest)
		}
	})
	if err != nil {
		return err
	}
	a.formerChanged(account, record.Former)
	a.retire(guest, link.Retired)
	return nil
}

// Identify returns the credential of a token, which is shared and must not be changed. It
// returns an error that wraps ErrInvalidToken, or that of the state.
func (a *Accounts) Identify(ctx context.Context, token string) (*Credential, error) {
	if t, found := a.verified.find(token, time.Now()); found {
		return t.credential, nil
	}
	if err := checkToken(token); err != nil {
		return nil, err
	}
	removals := a.verified.begin()
	var c jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return a.key, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(AccountIssuer),
		jwt.WithExpirationRequired(), jwt.WithStrictDecoding())
	if err == nil && c.ID == "" {
		err = errors.New("the session is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	session, err := a.records.session(ctx, c.ID, c.ExpiresAt.Time)
	switch {
	case errors.Is(err, chat.ErrNoRecord):
		return nil, ErrRevoked
	case err != nil:
		return nil, err
	case session.Account != c.Subject:
		return nil, fmt.Errorf("%w: the session is of another account", ErrInvalidToken)
	}
	record, _, err := a.records.account(ctx, session.Account)
	if errors.Is(err, chat.ErrNoRecord) {
		return nil, ErrRevoked
	}
	if err != nil {
		return nil, err
	}
	credential := &Credential{
		Member: record.member(session.Account), Kind: policy.User, Former: record.Former,
		Issuer: AccountIssuer, TokenID: c.ID, Issued: session.Begun, Expires: session.Expires,
	}
	a.verified.add(token, verifiedToken{member: credential.Member, expires: session.Expires, credential: credential}, removals)
	return credential, nil
}

// SignOut ends the session of a credential that Identify has returned, durably and on all
// nodes.
func (a *Accounts) SignOut(ctx context.Context, c *Credential) error {
	if err := a.records.end(ctx, c.TokenID, c.Expires); err != nil {
		return err
	}
	a.end(c.TokenID)
	return nil
}

// Ended reports whether a credential has ended recently, so that it may still be in use.
func (a *Accounts) Ended(c *Credential) bool {
	id := c.TokenID
	if c.Kind == policy.Guest {
		id = c.Member.ID
	} else if c.Issuer != AccountIssuer {
		return false
	}
	_, ended := a.ended.find(id, time.Now())
	return ended
}

// Current returns a credential with the former ids of its account as they are now. It is the
// same one if Changed was not called since it was identified.
func (a *Accounts) Current(c *Credential) *Credential {
	former, changed := a.changed.find(c.Member.ID, time.Now())
	if !changed || c.Issuer != AccountIssuer || slices.Equal(former, c.Former) {
		return c
	}
	current := *c
	current.Former = former
	return &current
}

// Person returns the member id and the former ids of the person that a member id belongs to.
func (a *Accounts) Person(ctx context.Context, id string) (member string, former []string, err error) {
	member = id
	if !isAccount(id) {
		link, err := a.records.linkOf(ctx, id)
		if errors.Is(err, chat.ErrNoRecord) {
			return id, nil, nil
		}
		if err != nil {
			return "", nil, err
		}
		member = link.Account
	}
	record, _, err := a.records.account(ctx, member)
	if errors.Is(err, chat.ErrNoRecord) {
		return id, nil, nil
	}
	return member, record.Former, err
}

// Use returns nil once for an id, on all nodes, and ErrUsed from then on until a time.
func (a *Accounts) Use(ctx context.Context, id string, until time.Time) error {
	return a.records.use(ctx, id, until)
}

// retired returns from when the tokens of a guest are not valid: zero for never.
func (a *Accounts) retired(ctx context.Context, guest string) (time.Time, error) {
	link, err := a.records.linkOf(ctx, guest)
	if errors.Is(err, chat.ErrNoRecord) {
		return time.Time{}, nil
	}
	return link.Retired, err
}

// apply has the changes of a record in effect that any node has made.
func (a *Accounts) apply(r chat.Record) {
	switch kind, id := a.records.parse(r.Key); {
	case kind == sessionKey && r.Value == nil:
		a.end(id)
	case kind == accountKey && r.Value != nil:
		if record, err := decodeRecord[accountRecord](r); err == nil {
			a.formerChanged(id, record.Former)
		}
	case kind == linkKey && r.Value != nil:
		if link, err := decodeRecord[linkRecord](r); err == nil {
			a.retire(id, link.Retired)
		}
	}
}

// end has the end of a session in effect.
func (a *Accounts) end(id string) {
	a.ended.add(id, struct{}{}, time.Now())
	a.verified.removeIf(func(t *verifiedToken) bool { return t.credential.TokenID == id })
	a.config.Ended(func(c *Credential) bool { return c.Issuer == AccountIssuer && c.TokenID == id })
}

// formerChanged has the former ids of an account in effect.
func (a *Accounts) formerChanged(member string, former []string) {
	a.changed.add(member, former, time.Now())
	a.verified.removeIf(func(t *verifiedToken) bool { return t.member.ID == member })
	a.config.Changed(member, former)
}

// retire ends the tokens of a guest at a time.
func (a *Accounts) retire(guest string, at time.Time) {
	a.guests.verified.removeIf(func(t *verifiedToken) bool { return t.member.ID == guest })
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.retiring[guest] != nil {
		return
	}
	a.retiring[guest] = time.AfterFunc(time.Until(at), func() {
		a.mu.Lock()
		delete(a.retiring, guest)
		closed := a.closed
		a.mu.Unlock()
		if closed {
			return
		}
		a.ended.add(guest, struct{}{}, time.Now())
		a.guests.verified.removeIf(func(t *verifiedToken) bool { return t.member.ID == guest })
		a.config.Ended(func(c *Credential) bool { return c.Kind == policy.Guest && c.Member.ID == guest })
	})
}
