package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"chatroom/server/internal/chat"
)

// Tokens that are not valid any more although they have not expired are records in the
// state, under revoked/DATE/ID, where DATE is the day after the one on which the token
// expires. They are not kept in memory: a token is looked up when it is not among those
// that were found valid recently.
const (
	revokedPrefix = "revoked/"
	revokedChunk  = 500 // records that are listed at a time
	cleanInterval = 6 * time.Hour
)

// tokenID identifies a token: the hash of what is signed. Any change to that ends the
// validity of the signature.
type tokenID [sha256.Size]byte

func idOf(token string) tokenID {
	return sha256.Sum256([]byte(token[:max(0, strings.LastIndexByte(token, '.'))]))
}

// revocations are the tokens that are not valid any more, on all nodes.
type revocations struct {
	state chat.State
	stop  func() // ends the watch, and the cleaning
}

func revokedDay(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func revokedKey(id tokenID, expires time.Time) string {
	return revokedPrefix + revokedDay(expires.AddDate(0, 0, 1)) + "/" + hex.EncodeToString(id[:])
}

// openRevocations calls removed with each token that a node revokes from now on, and
// deletes the records of those that have expired, now and then.
func openRevocations(ctx context.Context, state chat.State, removed func(tokenID)) (*revocations, error) {
	stop, err := state.Watch(ctx, revokedPrefix, func(records []chat.Record) {
		for _, r := range records {
			_, text, _ := strings.Cut(strings.TrimPrefix(r.Key, revokedPrefix), "/")
			if id, err := hex.DecodeString(text); err == nil && len(id) == len(tokenID{}) {
				removed(tokenID(id))
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("watch the revoked tokens: %w", err)
	}
	stopCleaning := cleanRegularly(ctx, state, revokedPrefix)
	return &revocations{state: state, stop: func() {
		stopCleaning()
		stop()
	}}, nil
}

// add revokes a token durably.
func (r *revocations) add(ctx context.Context, id tokenID, expires time.Time) error {
	_, err := r.state.Put(ctx, revokedKey(id, expires), []byte(expires.UTC().Format(time.RFC3339)), 0)
	if err != nil && !errors.Is(err, chat.ErrRevision) { // it is revoked already
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}

// has reports whether a token is revoked.
func (r *revocations) has(ctx context.Context, id tokenID, expires time.Time) (bool, error) {
	_, err := r.state.Get(ctx, revokedKey(id, expires))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, chat.ErrNoRecord):
		return false, nil
	}
	return false, fmt.Errorf("look up a revoked token: %w", err)
}

// cleanRegularly deletes the records that have expired, now and then, until stop is called.
// Those under a prefix are under the first day on which they may be deleted. An error is no
// reason to report: the next attempt may succeed, and records that stay longer do no harm.
func cleanRegularly(ctx context.Context, state chat.State, prefixes ...string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(cleanInterval)
		defer ticker.Stop()
		for {
			for _, prefix := range prefixes {
				_ = clean(ctx, state, prefix)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// clean deletes the records under a prefix that have expired. They are the first ones.
func clean(ctx context.Context, state chat.State, prefix string) error {
	for now := prefix + revokedDay(time.Now()); ; {
		records, err := state.List(ctx, prefix, "", revokedChunk)
		if err != nil {
			return err
		}
		for _, record := range records {
			if record.Key >= now {
				return nil
			}
			if err := state.Delete(ctx, record.Key, record.Revision); err != nil && !errors.Is(err, chat.ErrRevision) {
				return err
			}
		}
		if len(records) < revokedChunk {
			return nil
		}
	}
}
