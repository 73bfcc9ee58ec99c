package service

import (
	"fmt"

	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/ratelimit"
)

// access is what Config says about callers: from where they may call, what they may ask
// for, and how their addresses are known.
type access struct {
	proxies clientaddr.Proxies
	rates   *ratelimit.Limiter
	counts  ratelimit.Counts
	hosts   httpd.Hosts // unless Config.Hosts is empty
	origins httpd.Origins
}

func (c *Config) access() (a access, err error) {
	if c.Hosts != "" {
		if a.hosts, err = httpd.ParseHosts(c.Hosts); err != nil {
			return a, fmt.Errorf("-hosts: %w", err)
		}
	}
	if len(c.TLS.Auto) > 0 {
		if err := httpd.CheckACMEHosts(c.TLS.Auto); err != nil {
			return a, fmt.Errorf("-tls-auto: %w", err)
		}
	}
	for _, host := range c.TLS.Auto {
		if !a.hosts.Allow(host) {
			return a, fmt.Errorf("-tls-auto: the host %s must be among -hosts", host)
		}
	}
	if err := c.checkSignIn(&a.hosts); err != nil {
		return a, err
	}
	if a.origins, err = httpd.ParseOrigins(c.CORSOrigins); err != nil {
		return a, fmt.Errorf("-cors-origins: %w", err)
	}
	if a.proxies, err = clientaddr.Parse(c.TrustedProxies); err != nil {
		return a, fmt.Errorf("-trusted-proxies: %w", err)
	}
	limits, counts := ratelimit.Defaults()
	if c.Limits != "" {
		if err := limits.Set(&counts, c.Limits); err != nil {
			return a, fmt.Errorf("-limits: %w", err)
		}
	}
	a.counts = counts
	if limits != (ratelimit.Limits{}) {
		a.rates = ratelimit.New(ratelimit.Config{Limits: limits})
	}
	return a, nil
}
