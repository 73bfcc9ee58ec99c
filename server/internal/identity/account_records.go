package identity

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"chatroom/server/internal/chat"
)

// The records of accounts. Those that expire are under the day after the one on which they do,
// so that the first ones are those to delete.
const (
	accountsPrefix = "accounts/"
	membersPrefix  = accountsPrefix + "members/"  // ID: accountRecord
	linksPrefix    = accountsPrefix + "guests/"   // ID of a guest: linkRecord
	sessionsPrefix = accountsPrefix + "sessions/" // DAY/ID: sessionRecord
	usedPrefix     = accountsPrefix + "used/"     // DAY/ID
)

// accountRecord is an account.
type accountRecord struct {
	Issuer  string   `json:"iss"`
	Subject string   `json:"sub"`
	Name    string   `json:"name"`
	Picture string   `json:"picture,omitempty"`
	Former  []string `json:"former,omitempty"` // the ids of guests, never changed in place
}

func (r *accountRecord) member(id string) chat.Member {
	return chat.Member{ID: id, Name: r.Name, Picture: r.Picture}
}

// linkRecord says which account a guest is a former id of.
type linkRecord struct {
	Account string    `json:"account"`
	Retired time.Time `json:"retired"` // from when the tokens of the guest are not valid
}

// sessionRecord is a session of an account.
type sessionRecord struct {
	Account string    `json:"account"`
	Begun   time.Time `json:"begun"`
	Expires time.Time `json:"expires"`
}

// accountID returns the member id of a person, who is known by the subject at an issuer. A
// subject may be an address of e-mail or another one that others should not see, and so the
// id is a hash.
func accountID(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + subject))
	return AccountMemberPrefix + base32.StdEncoding.EncodeToString(sum[:])[:26]
}

func isAccount(id string) bool { return strings.HasPrefix(id, AccountMemberPrefix) }

// accountRecords reads and writes the records in a state.
type accountRecords struct{ state chat.State }

type recordKind int

const (
	otherKey recordKind = iota
	accountKey
	linkKey
	sessionKey
)

// Ids are encoded, as those in requests may have any characters.
func encodeID(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

func memberKey(id string) string { return membersPrefix + encodeID(id) }
func guestKey(id string) string  { return linksPrefix + encodeID(id) }

func sessionRecordKey(id string, expires time.Time) string {
	return sessionsPrefix + revokedDay(expires.AddDate(0, 0, 1)) + "/" + encodeID(id)
}

// parse returns what a key is of.
func (accountRecords) parse(key string) (recordKind, string) {
	for prefix, kind := range map[string]recordKind{membersPrefix: accountKey, linksPrefix: linkKey, sessionsPrefix: sessionKey} {
		rest, found := strings.CutPrefix(key, prefix)
		if !found {
			continue
		}
		id, err := base64.RawURLEncoding.DecodeString(rest[strings.LastIndexByte(rest, '/')+1:])
		if err != nil {
			break
		}
		return kind, string(id)
	}
	return otherKey, ""
}

func decodeRecord[T any](r chat.Record) (record T, err error) {
	if err := json.Unmarshal(r.Value, &record); err != nil {
		return record, fmt.Errorf("read record %q: %w", r.Key, err)
	}
	return record, nil
}

func readRecord[T any](ctx context.Context, state chat.State, key string) (record T, revision uint64, err error) {
	r, err := state.Get(ctx, key)
	if err != nil {
		return record, 0, fmt.Errorf("read an account: %w", err)
	}
	record, err = decodeRecord[T](r)
	return record, r.Revision, err
}

func (a accountRecords) put(ctx context.Context, key string, record any, revision uint64) error {
	value, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = a.state.Put(ctx, key, value, revision)
	if err != nil {
		return fmt.Errorf("store an account: %w", err)
	}
	return nil
}

// account returns an error that wraps chat.ErrNoRecord if there is no such account.
func (a accountRecords) account(ctx context.Context, id string) (accountRecord, uint64, error) {
	return readRecord[accountRecord](ctx, a.state, memberKey(id))
}

// update changes an account, or creates it.
func (a accountRecords) update(ctx context.Context, id string, change func(*accountRecord)) (accountRecord, error) {
	for {
		record, revision, err := a.account(ctx, id)
		if err != nil && !errors.Is(err, chat.ErrNoRecord) {
			return record, err
		}
		before, err := json.Marshal(record)
		if err != nil {
			return record, err
		}
		change(&record)
		after, err := json.Marshal(record)
		if err != nil || revision != 0 && string(before) == string(after) {
			return record, err
		}
		err = a.put(ctx, memberKey(id), record, revision)
		if !errors.Is(err, chat.ErrRevision) {
			return record, err
		}
	}
}

// link stores the link of a guest unless there is one, and returns the one that there is.
func (a accountRecords) link(ctx context.Context, guest string, link linkRecord) (linkRecord, error) {
	err := a.put(ctx, guestKey(guest), link, 0)
	if errors.Is(err, chat.ErrRevision) {
		return a.linkOf(ctx, guest)
	}
	return link, err
}

// linkOf returns an error that wraps chat.ErrNoRecord for a guest without a link.
func (a accountRecords) linkOf(ctx context.Context, guest string) (linkRecord, error) {
	link, _, err := readRecord[linkRecord](ctx, a.state, guestKey(guest))
	return link, err
}

func (a accountRecords) begin(ctx context.Context, id string, s sessionRecord) error {
	return a.put(ctx, sessionRecordKey(id, s.Expires), s, 0)
}

// session returns an error that wraps chat.ErrNoRecord for a session that has ended.
func (a accountRecords) session(ctx context.Context, id string, expires time.Time) (sessionRecord, error) {
	s, _, err := readRecord[sessionRecord](ctx, a.state, sessionRecordKey(id, expires))
	return s, err
}

// end ends a session.
func (a accountRecords) end(ctx context.Context, id string, expires time.Time) error {
	key := sessionRecordKey(id, expires)
	r, err := a.state.Get(ctx, key)
	if err == nil {
		err = a.state.Delete(ctx, key, r.Revision)
	}
	if err != nil && !errors.Is(err, chat.ErrNoRecord) && !errors.Is(err, chat.ErrRevision) { // it has ended already
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// use stores that an id is used.
func (a accountRecords) use(ctx context.Context, id string, until time.Time) error {
	sum := sha256.Sum256([]byte(id))
	err := a.put(ctx, usedPrefix+revokedDay(until.AddDate(0, 0, 1))+"/"+hex.EncodeToString(sum[:]), struct{}{}, 0)
	if errors.Is(err, chat.ErrRevision) {
		return ErrUsed
	}
	return err
}
