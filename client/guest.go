package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// guestRenewal is how old the token of a guest may be before it is renewed. The server's
// last 30 days.
const guestRenewal = 15 * 24 * time.Hour

// Guest is a TokenSource that signs in as a guest: at the first call, again before the
// token expires, which keeps the member's id, and as a new guest if the token is refused.
// Create it with NewGuest, and use it in one Config.
type Guest struct {
	name string
	path string // empty for none

	mu    sync.Mutex // guards below; held while signing in, so that many callers sign in once
	rpc   chatv1connect.ChatRoomClient
	saved guestFile
	read  bool
}

// guestFile is what is kept of a guest.
type guestFile struct {
	Token string    `json:"token"`
	ID    string    `json:"id"`
	Since time.Time `json:"since"` // when the token was issued, by the clock of this machine
}

// NewGuest returns a guest with a name of 1 to 40 characters. If path is not empty, the
// token is kept in that file, with mode 0600, so that the guest has the same id when the
// program starts again, and so do several programs with the same file.
func NewGuest(name, path string) *Guest { return &Guest{name: name, path: path} }

func (g *Guest) bind(rpc chatv1connect.ChatRoomClient) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rpc == nil {
		g.rpc = rpc
	}
}

// ID returns the member's id, empty before the first sign-in.
func (g *Guest) ID() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.saved.ID
}

// Token implements TokenSource.
func (g *Guest) Token(ctx context.Context, stale string) (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.path != "" && !g.read {
		if err := g.loadLocked(); err != nil {
			return "", err
		}
	}
	if g.saved.Token == stale {
		g.adoptLocked(stale)
	}
	current := g.saved.Token
	// An age that the clock gets wrong costs one renewal, which sets Since anew.
	if current != "" && stale != current && time.Since(g.saved.Since) < guestRenewal {
		return current, nil
	}
	response, err := g.signIn(ctx, current)
	if current != "" && refusesToken(err) {
		response, err = g.signIn(ctx, "")
	}
	if err != nil {
		if current != "" && stale != current {
			return current, nil // it may be accepted still
		}
		return "", fmt.Errorf("sign in as a guest: %w", err)
	}
	if response.GetMember().GetId() != g.saved.ID && g.adoptLocked(current) {
		return g.saved.Token, nil
	}
	g.saved = guestFile{Token: response.GetToken(), ID: response.GetMember().GetId(), Since: time.Now()}
	err = g.saveLocked(current == "")
	if errors.Is(err, fs.ErrExist) && g.adoptLocked(current) {
		err = nil
	}
	return g.saved.Token, err
}

// adoptLocked uses the token in the file, if another process has signed in meanwhile: the
// guests of one file are one member. It reports whether there is one other than refused.
func (g *Guest) adoptLocked(refused string) bool {
	if g.path == "" {
		return false
	}
	before := g.saved
	if g.loadLocked() == nil && g.saved.Token != "" && g.saved.Token != refused {
		return true
	}
	g.saved = before
	return false
}

func (g *Guest) signIn(ctx context.Context, token string) (*chatv1.SignInResponse, error) {
	if g.rpc == nil {
		return nil, errors.New("client: a Guest must be in the Config of a Client")
	}
	return g.rpc.SignIn(withToken(ctx, token), &chatv1.SignInRequest{Name: g.name})
}

func (g *Guest) loadLocked() error {
	data, err := os.ReadFile(g.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		var saved guestFile
		if err := json.Unmarshal(data, &saved); err != nil {
			return fmt.Errorf("%s: %w", g.path, err)
		}
		g.saved = saved
	}
	g.read = true
	return nil
}

// saveLocked writes the file. A first one is created, unless another process has done that.
func (g *Guest) saveLocked(isFirst bool) error {
	if g.path == "" {
		return nil
	}
	data, err := json.Marshal(g.saved)
	switch {
	case err != nil:
		return err
	case isFirst:
		return createFile(g.path, data)
	}
	return replaceFile(g.path, data)
}
