package service

import (
	"strings"
	"testing"

	"chatroom/server/internal/ratelimit"
)

func TestAccess(t *testing.T) {
	_, bounds := ratelimit.Defaults()
	for name, tt := range map[string]struct {
		config Config
		rates  bool // whether any is limited
		counts ratelimit.Counts
	}{
		"defaults": {Config{}, true, bounds},
		"off":      {Config{Limits: "off"}, false, ratelimit.Counts{}},
		"one left": {Config{Limits: "off,send.room=1/s:1,rooms.total=5"}, true, ratelimit.Counts{ratelimit.RoomsInTotal: 5}},
	} {
		a, err := tt.config.access()
		if err != nil || (a.rates != nil) != tt.rates || a.counts != tt.counts {
			t.Errorf("%s: access() = %+v, %v, want rates = %t and %v", name, a, err, tt.rates, tt.counts)
		}
	}
	for want, c := range map[string]Config{
		"-limits: ":          {Limits: "send.member=often"},
		"-hosts: ":           {Hosts: "https://chat.example.com"},
		"-cors-origins: ":    {CORSOrigins: "*"},
		"-trusted-proxies: ": {TrustedProxies: "0.0.0.0/0"},
	} {
		if _, err := c.access(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("access() of %+v = %v, want an error that begins with %q", c, err, want)
		}
		c.Data, c.Addresses = MemoryData, []string{"127.0.0.1:0"}
		if err := Run(t.Context(), c); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Run = %v, want an error that begins with %q", err, want)
		}
	}
}
