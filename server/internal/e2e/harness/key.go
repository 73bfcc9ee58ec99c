package harness

import (
	"testing"

	"chatroom/server/internal/apikey"
	"chatroom/server/internal/service"
)

// CreateKey creates an API key in a data directory that no service has open.
func CreateKey(t *testing.T, dir string, spec apikey.Spec) (sent string) {
	t.Helper()
	Must(t, service.WithKeys(t.Context(), dir, nil, func(keys apikey.Store) (err error) {
		_, sent, err = keys.Create(t.Context(), spec)
		return err
	}))
	return sent
}
