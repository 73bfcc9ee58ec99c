package service

import (
	"context"
	"fmt"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/signin"
	"chatroom/web"
)

// checkSignIn checks the settings of the sign-in. The callback must not be refused for its host.
func (c *Config) checkSignIn(hosts *httpd.Hosts) error {
	if err := c.SignIn.Check(); err != nil {
		return err
	}
	if c.SignIn.PublicURL == "" {
		return nil
	}
	u, err := signin.ParsePublicURL(c.SignIn.PublicURL)
	if err != nil {
		return err
	}
	if !hosts.Allow(u.Host) {
		return fmt.Errorf("-public-url: the host %s must be among -hosts", u.Hostname())
	}
	return nil
}

// publicHosts returns the host of the public URL, if there is one.
func (c *Config) publicHosts() []string {
	if u, err := signin.ParsePublicURL(c.SignIn.PublicURL); c.SignIn.PublicURL != "" && err == nil {
		return []string{u.Host}
	}
	return nil
}

// openAccounts opens the accounts of people who sign in.
func (c *callers) openAccounts(ctx context.Context, config *Config, guests *identity.Guests, state chat.State) (err error) {
	if !config.SignIn.Enabled() {
		return nil
	}
	c.accounts, err = identity.OpenAccounts(ctx, guests, state, identity.AccountsConfig{
		Session: config.SignInSession,
		Ended:   c.endStreams,
		Changed: func(member string, former []string) {
			if api := c.api.Load(); api != nil {
				api.SetFormer(member, former)
			}
		},
		Log: config.Log,
	})
	return err
}

// openSignIn returns what signs people in on the page, nil if nothing does.
func openSignIn(c *Config, callers *callers, guests *identity.Guests, rooms *hub.Hub, a access) (*signin.Handler, error) {
	if callers.accounts == nil {
		return nil, nil
	}
	return signin.New(signin.Config{
		Provider: c.SignIn,
		Accounts: callers.accounts,
		Key:      guests.Derive("cookies of sign-ins"),
		Identify: callers.api.Load().Authenticate,
		Renamed:  rooms.Rename,
		Proxies:  a.proxies,
		Rates:    a.rates,
		Style:    web.Style(),
		Log:      c.Log,
	})
}
