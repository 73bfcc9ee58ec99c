package harness

import (
	"testing"

	"chatroom/server/internal/apikey"
	"chatroom/server/internal/service"
)

// A KeySpec describes an API key, and a KeyGrant a part of its rights.
type (
	KeySpec  = apikey.Spec
	KeyGrant = apikey.Grant
)

// CreateKey creates an API key in a data directory that no service has open.
func CreateKey(t *testing.T, dir string, spec KeySpec) (sent string) {
	t.Helper()
	Must(t, service.WithKeys(t.Context(), dir, nil, func(keys apikey.Store) (err error) {
		_, sent, err = keys.Create(t.Context(), spec)
		return err
	}))
	return sent
}
