package main

import (
	"flag"

	"chatroom/server/internal/service"
)

// accessFlags are the flags that defineAccess adds.
var accessFlags = []string{"hosts", "cors-origins", "limits", "trusted-proxies"}

// defineAccess adds flags that set what c says about callers.
func defineAccess(flags *flag.FlagSet, c *service.Config) {
	flags.StringVar(&c.Hosts, "hosts", "", "`names` that requests may be for, separated by commas, such as chat.example.com or *.example.com; * allows all; without this flag, all are allowed, or only localhost and loopback addresses if -listen has no others")
	flags.StringVar(&c.CORSOrigins, "cors-origins", "", "`origins` of other pages that may call, separated by commas, such as https://app.example.com or https://*.example.com")
	flags.StringVar(&c.Limits, "limits", "", "`settings` that change what callers may ask for, separated by commas, such as send.member=20/s:100,streams.total=900 or typing.room=off; off alone turns all limits off; docs/LIMITS.md lists them")
	flags.StringVar(&c.TrustedProxies, "trusted-proxies", "", "`networks` of proxies, separated by commas, whose X-Forwarded-For or Forwarded tells a client's address; loopback and private stand for those networks")
}
