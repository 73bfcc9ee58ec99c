package service

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"chatroom/server/internal/apikey"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/revocation"
	"chatroom/server/internal/rpc"
)

// callers is what the service knows callers by, beside the tokens of guests.
type callers struct {
	accounts    *identity.Accounts // nil without sign-in
	keys        *apikey.Keys
	revocations *revocation.List
	api         atomic.Pointer[rpc.Server] // nil until there may be streams
}

// openIssuers checks the issuers. It fetches nothing yet.
func openIssuers(c *Config) (*identity.Issuers, error) {
	if len(c.Issuers) == 0 {
		return nil, nil
	}
	configs := slices.Clone(c.Issuers)
	for i := range configs {
		name := configs[i].Name
		configs[i].FetchFailed = func(err error) {
			c.Log.Error("the keys of an issuer can't be fetched", "issuer", name, "err", err)
		}
	}
	issuers, err := identity.NewIssuers(configs...)
	if err != nil {
		return nil, fmt.Errorf("-issuers: %w", err)
	}
	return issuers, nil
}

// openCallers loads API keys, revocations and accounts, and ends the streams of those that any
// node revokes from now on.
func openCallers(ctx context.Context, config *Config, guests *identity.Guests, state chat.State) (*callers, error) {
	c, log := &callers{}, config.Log
	var err error
	c.keys, err = apikey.Open(ctx, state, apikey.Config{Log: log, Revoked: func(id string) {
		c.endStreams(func(one *identity.Credential) bool { return one.Kind == policy.Key && one.TokenID == id })
	}})
	if err != nil {
		return nil, err
	}
	c.revocations, err = revocation.Open(ctx, state, revocation.Config{Log: log, Revoked: func(r revocation.Revocation) {
		c.endStreams(r.Covers)
	}})
	if err != nil {
		c.keys.Close()
		return nil, err
	}
	if err := c.openAccounts(ctx, config, guests, state); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *callers) endStreams(covers func(*identity.Credential) bool) {
	if api := c.api.Load(); api != nil {
		api.EndStreams(covers)
	}
}

// Close ends what follows the state.
func (c *callers) Close() {
	if c.accounts != nil {
		c.accounts.Close()
	}
	c.revocations.Close()
	c.keys.Close()
}
