package rights

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/golang-jwt/jwt/v5"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/service"
)

// caller is one of the identities that call.
type caller struct {
	name    string
	token   string
	id      string
	effect  string // "ban", "mute" or empty
	member  bool   // named by the policy file
	visitor bool   // without a token
	key     bool   // with an API key, which has what was granted to it alone
	user    bool   // of an application, with what its token grants
	granted bool   // the token of the user grants what callers have in the rooms
}

// has is a naive model of the policy: whether a caller has a right in a room in which
// callers have those of in.
func (c *caller) has(in set, right string) bool {
	muted := []string{"post", "react", "edit_own", "create", "manage"}
	switch {
	case c.effect == "ban", c.effect == "mute" && slices.Contains(muted, right):
		return false
	case c.visitor && slices.Contains(forMembers, right):
		return false
	case c.user && !c.granted:
		return false
	case right == "moderate" && !c.member && !c.key && !c.user:
		return false
	case right == "edit_own" && (c.key || c.user):
		return in["post"] || in["edit_own"] // who is granted to post edits its own
	}
	return in[right]
}

// refused is the code for a caller who lacks a right.
func (c *caller) refused() connect.Code {
	if c.visitor {
		return connect.CodeUnauthenticated
	}
	return connect.CodePermissionDenied
}

// issuerSecret signs the tokens of users.
var issuerSecret = bytes.Repeat([]byte("s"), 32)

const issuerName = "https://app.example"

// withIssuer makes a service accept the tokens of users.
func withIssuer(c *service.Config) {
	c.Issuers = []identity.IssuerConfig{{Name: issuerName, Audience: []string{"chat"}, Secret: issuerSecret, Prefix: "app:"}}
}

// userToken returns the token of a user, and the member id.
func userToken(t *testing.T, c *caller, rooms map[string]set) (token, id string) {
	t.Helper()
	grants := []any{map[string]any{"pattern": "open", "can": []string{"read"}}}
	for room, have := range rooms {
		can := []string{}
		for _, right := range rights {
			if have[right] {
				can = append(can, right)
			}
		}
		if c.granted {
			grants = append(grants, map[string]any{"pattern": room, "can": can})
		}
	}
	subject := strings.ReplaceAll(c.name, " ", "-")
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": issuerName, "aud": "chat", "sub": subject, "name": c.name, "exp": time.Now().Add(time.Hour).Unix(), "rooms": grants,
	}).SignedString(issuerSecret)
	harness.Must(t, err)
	return token, "app:" + subject
}

// createKey creates an API key with rights in rooms, and returns it with its member id.
func createKey(t *testing.T, data, name string, rooms map[string]set) (sent, id string) {
	t.Helper()
	spec := apikey.Spec{Name: name, Grants: []apikey.Grant{{Pattern: "open", Can: []string{"read"}}}}
	for room, have := range rooms {
		grant := apikey.Grant{Pattern: room}
		for _, right := range rights {
			if have[right] {
				grant.Can = append(grant.Can, right)
			}
		}
		spec.Grants = append(spec.Grants, grant)
	}
	harness.Must(t, service.WithKeys(t.Context(), data, nil, func(keys apikey.Store) error {
		key, secret, err := keys.Create(t.Context(), spec)
		if err == nil {
			sent, id = secret, "key:"+key.ID
		}
		return err
	}))
	return sent, id
}

// startTable starts a service with a room for each right, in which callers have all but
// that one, and a room in which they have all. It returns the rights by room.
func startTable(t *testing.T) (*harness.Service, []*caller, map[string]set) {
	t.Helper()
	callers := []*caller{
		{name: "anonymous", visitor: true}, {name: "guest"}, {name: "moderator", member: true},
		{name: "muted guest", effect: "mute"}, {name: "banned guest", effect: "ban"},
		{name: "user with grants", user: true, granted: true}, {name: "user without grants", user: true},
		{name: "muted user", user: true, granted: true, effect: "mute"}, {name: "banned user", user: true, granted: true, effect: "ban"},
		{name: "back end", key: true}, {name: "muted back end", key: true, effect: "mute"},
	}
	data := t.TempDir()
	s := harness.Start(t, harness.InDir(data))
	for _, c := range callers {
		if !c.visitor && !c.key && !c.user {
			token, m := s.SignIn(t, c.name)
			c.token, c.id = token, m.GetId()
		}
	}
	adminToken, admin := s.SignIn(t, "root")
	s.Stop(t)

	rooms := map[string]set{"all": allBut()}
	for _, right := range rights {
		rooms["no-"+strings.ReplaceAll(right, "_", "-")] = allBut(right)
	}
	for _, c := range callers {
		switch {
		case c.key:
			c.token, c.id = createKey(t, data, c.name, rooms)
		case c.user:
			c.token, c.id = userToken(t, c, rooms)
		}
	}
	names := []string{"open"}
	var file strings.Builder
	fmt.Fprintln(&file, "rooms:")
	for _, room := range slices.Sorted(maps.Keys(rooms)) {
		names = append(names, room)
		have := rooms[room]
		fmt.Fprintf(&file, "  - pattern: %s\n    anonymous: %s\n    guest: %s\n    user: []\n    creator: []\n    members:\n", room, have.list(forMembers...), have.list("moderate"))
		fmt.Fprintf(&file, "      %s: %s\n      %s: [moderate]\n", callers[2].id, have.list(), admin.GetId())
	}
	s = harness.Start(t, harness.InDir(data), harness.WithPolicy(t, file.String()), withRooms(names...), withIssuer)
	ctx, a := harness.Context(t), harness.ConnectHTTP1.Open(t, s, adminToken)
	for room := range rooms {
		for _, c := range callers {
			var err error
			switch c.effect {
			case "ban":
				_, err = a.Ban(ctx, &chatv1.BanRequest{Room: room, Subject: subject(c.id)})
			case "mute":
				_, err = a.Mute(ctx, &chatv1.MuteRequest{Room: room, Subject: subject(c.id)})
			}
			harness.Must(t, err)
		}
	}
	return s, callers, rooms
}
