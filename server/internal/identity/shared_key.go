package identity

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"chatroom/server/internal/chat"
)

// sharedKey is the record of the key that the guests of all nodes have.
const sharedKey = "guests/key"

// OpenSharedGuests returns guests with the key in the state, so that the token of one node
// is valid on all others. The first call stores the key in the data directory, if it has
// one, so that earlier tokens remain valid, and a random one otherwise. A file with
// another key is not used, and differs reports it. No file is written.
func OpenSharedGuests(ctx context.Context, dir string, state chat.State) (g *Guests, differs bool, err error) {
	g = NewGuests()
	_, err = os.Stat(filepath.Join(dir, KeyName))
	hasFile := err == nil
	switch {
	case hasFile:
		g, err = OpenGuests(dir)
	case errors.Is(err, os.ErrNotExist):
		err = nil
	}
	if err != nil {
		return nil, false, err
	}
	_, err = state.Put(ctx, sharedKey, []byte(hex.EncodeToString(g.key)), 0)
	switch {
	case err == nil:
		return g, false, nil
	case !errors.Is(err, chat.ErrRevision):
		return nil, false, fmt.Errorf("store the key of guests: %w", err)
	}
	record, err := state.Get(ctx, sharedKey)
	if err != nil {
		return nil, false, fmt.Errorf("read the stored key of guests: %w", err)
	}
	key, err := hex.DecodeString(string(record.Value))
	if err != nil || len(key) != keySize {
		return nil, false, fmt.Errorf("read the stored key of guests: record %q does not hold %d bytes in hexadecimal", sharedKey, keySize)
	}
	return &Guests{key: key}, hasFile && string(g.key) != string(key), nil
}
