package apikey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chatroom/server/internal/policy"
)

// Store is what Keys and Remote have in common.
type Store interface {
	Create(ctx context.Context, s Spec) (*Key, string, error)
	List(ctx context.Context) ([]Key, error)
	Revoke(ctx context.Context, id string) error
}

var (
	_ Store = (*Keys)(nil)
	_ Store = (*Remote)(nil)
)

// remoteKey is a Key on the way from Handler to Remote.
type remoteKey struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Grants   []Grant   `json:"grants"`
	SendAs   bool      `json:"send_as,omitempty"`
	By       string    `json:"by,omitempty"`
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"last_used,omitzero"`
	Sent     string    `json:"sent,omitempty"` // what the holder sends, after Create
}

type remoteError struct {
	Error string `json:"error"`
}

// maxRemote bounds what Handler and Remote read, in bytes: MaxKeys keys with many grants.
const maxRemote = 16 << 20

// Handler serves keys to a Remote. Everyone who reaches it may make any key: it is for a socket
// that only the operator reaches.
func Handler(keys *Keys) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /keys", func(w http.ResponseWriter, r *http.Request) {
		var s Spec
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRemote)).Decode(&s); err != nil {
			answer(w, http.StatusBadRequest, remoteError{err.Error()})
			return
		}
		key, sent, err := keys.Create(r.Context(), s)
		if err != nil {
			answer(w, http.StatusBadRequest, remoteError{err.Error()})
			return
		}
		answer(w, http.StatusOK, newRemoteKey(key, sent))
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		all, err := keys.List(r.Context())
		if err != nil {
			answer(w, http.StatusInternalServerError, remoteError{err.Error()})
			return
		}
		list := make([]remoteKey, len(all))
		for i := range all {
			list[i] = newRemoteKey(&all[i], "")
		}
		answer(w, http.StatusOK, list)
	})
	mux.HandleFunc("DELETE /keys/{id}", func(w http.ResponseWriter, r *http.Request) {
		switch err := keys.Revoke(r.Context(), r.PathValue("id")); {
		case errors.Is(err, ErrUnknown):
			answer(w, http.StatusNotFound, remoteError{err.Error()})
		case err != nil:
			answer(w, http.StatusInternalServerError, remoteError{err.Error()})
		default:
			answer(w, http.StatusOK, struct{}{})
		}
	})
	return mux
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may be gone
}

func newRemoteKey(k *Key, sent string) remoteKey {
	r := remoteKey{ID: k.ID, Name: k.Name, SendAs: k.SendAs, By: k.By, Created: k.Created, LastUsed: k.LastUsed, Sent: sent}
	for _, g := range k.Grants {
		r.Grants = append(r.Grants, Grant{Pattern: g.Pattern.String(), Can: strings.Split(g.Can.String(), ", ")})
	}
	return r
}

func (r *remoteKey) key() (*Key, error) {
	k := &Key{ID: r.ID, Name: r.Name, SendAs: r.SendAs, By: r.By, Created: r.Created, LastUsed: r.LastUsed}
	for _, g := range r.Grants {
		grant, err := policy.NewGrant(g.Pattern, g.Can)
		if err != nil {
			return nil, err
		}
		k.Grants = append(k.Grants, grant)
	}
	return k, nil
}

// Remote has the process behind a socket carry out what Keys does. Create it with Dial.
type Remote struct {
	client http.Client
}

// Dial connects to the socket of a process that serves Handler. It returns an error if none
// does.
func Dial(ctx context.Context, socket string) (*Remote, error) {
	dialer := new(net.Dialer)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, "unix", socket)
	}
	conn, err := dial(ctx, "", "")
	if err != nil {
		return nil, err
	}
	_ = conn.Close() // it was to show that a process listens
	return &Remote{http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: time.Minute}}, nil
}

// Create implements Store.
func (r *Remote) Create(ctx context.Context, s Spec) (*Key, string, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, "", err
	}
	var answer remoteKey
	if err := r.call(ctx, http.MethodPost, "/keys", body, &answer); err != nil {
		return nil, "", err
	}
	key, err := answer.key()
	return key, answer.Sent, err
}

// List implements Store.
func (r *Remote) List(ctx context.Context) ([]Key, error) {
	var answer []remoteKey
	if err := r.call(ctx, http.MethodGet, "/keys", nil, &answer); err != nil {
		return nil, err
	}
	keys := make([]Key, len(answer))
	for i := range answer {
		key, err := answer[i].key()
		if err != nil {
			return nil, fmt.Errorf("API key %q: %w", answer[i].ID, err)
		}
		keys[i] = *key
	}
	return keys, nil
}

// Revoke implements Store.
func (r *Remote) Revoke(ctx context.Context, id string) error {
	return r.call(ctx, http.MethodDelete, "/keys/"+url.PathEscape(id), nil, new(struct{}))
}

func (r *Remote) call(ctx context.Context, method, path string, body []byte, into any) (err error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://chatroom"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("ask the running server: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	decoder := json.NewDecoder(io.LimitReader(response.Body, maxRemote))
	if response.StatusCode == http.StatusOK {
		return decoder.Decode(into)
	}
	var failed remoteError
	switch err := decoder.Decode(&failed); {
	case response.StatusCode == http.StatusNotFound:
		return ErrUnknown
	case err != nil || failed.Error == "":
		return fmt.Errorf("ask the running server: %s", response.Status)
	}
	return errors.New(failed.Error)
}
