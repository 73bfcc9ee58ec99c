package signin

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/signin/providertest"
)

func TestSignIn(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	if a := b.do(http.MethodGet, "/signin/provider", "", nil); a.body != `{"provider":"`+strings.TrimPrefix(w.provider.URL, "http://")+`"}`+"\n" {
		t.Errorf("provider = %s, want its host", a.body)
	}
	start, err := url.Parse(b.start("", "garden"))
	if err != nil {
		t.Fatal(err)
	}
	query := start.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": providertest.ClientID, "redirect_uri": w.server.URL + "/signin/callback",
		"code_challenge_method": "S256", "scope": "openid profile",
	} {
		if got := query.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(query.Get(name)) < 26 {
			t.Errorf("%s = %q, want a secret", name, query.Get(name))
		}
	}
	callback := b.atProvider(start.String(), providertest.User)
	back := b.do(http.MethodGet, callback.String(), "", nil)
	if back.status != http.StatusSeeOther || back.location != "/r/garden?signin=done" {
		t.Fatalf("callback = %d to %q, want the room", back.status, back.location)
	}
	if back.header.Get("Referrer-Policy") != "no-referrer" || back.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the callback has the header %v, want that its address gets nowhere", back.header)
	}
	a, s := b.token()
	c, err := w.tokens.Identify(t.Context(), s.Token)
	if err != nil {
		t.Fatalf("token = %d %s: %v", a.status, a.body, err)
	}
	if c.Member != s.Member || c.Member.Name != providertest.UserName || c.Kind != policy.User || !c.Expires.Equal(s.ExpireTime) || len(s.FormerMemberIDs) != 0 {
		t.Errorf("the credential is %+v, want that of %+v", c, s)
	}
	if !slices.Equal(w.renamed, []chat.Member{s.Member}) {
		t.Errorf("renamed are %+v, want %+v", w.renamed, s.Member)
	}
	if again, _ := b.token(); again.status != http.StatusForbidden {
		t.Errorf("token again = %d %s, want %d", again.status, again.body, http.StatusForbidden)
	}
	if left := b.cookies(); len(left) > 0 {
		t.Errorf("cookies %q are left, want none", left)
	}
	for _, secret := range []string{s.Token, callback.Query().Get("code"), query.Get("state"), query.Get("nonce")} {
		if log := w.log.String(); strings.Contains(log, secret) {
			t.Errorf("the log has the secret %q: %s", secret, log)
		}
	}
}

// Each sign-in of a person is to the same account, and gives it what the guest has sent.
func TestGuestsSignIn(t *testing.T) {
	w := newWorld(t, nil)
	token, ada := w.guest(t, "Ada")
	other, ada2 := w.guest(t, "Ada")
	first := w.browser(t).signIn(token, providertest.User)
	if want := []string{ada.ID}; !slices.Equal(first.FormerMemberIDs, want) {
		t.Errorf("former ids are %q, want %q", first.FormerMemberIDs, want)
	}
	second := w.browser(t).signIn(other, providertest.User)
	if want := []string{ada.ID, ada2.ID}; second.Member != first.Member || !slices.Equal(second.FormerMemberIDs, want) {
		t.Errorf("the second sign-in is %+v, want %+v with former ids %q", second, first.Member, want)
	}
	if third := w.browser(t).signIn("", providertest.OtherUser); third.Member.ID == first.Member.ID || len(third.FormerMemberIDs) != 0 || third.Member.Name != providertest.OtherName {
		t.Errorf("another person is %+v, want another account than %+v", third, first)
	}
	// One who is signed in already is no guest.
	if again := w.browser(t).signIn(first.Token, providertest.OtherUser); len(again.FormerMemberIDs) != 0 {
		t.Errorf("an account has signed in as former ids %q of another one", again.FormerMemberIDs)
	}
}

func TestStartRefuses(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	for name, tt := range map[string]struct {
		header http.Header
		body   string
		want   int
	}{
		"another site's page":           {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, `{}`, http.StatusForbidden},
		"a page of the same site":       {http.Header{"Sec-Fetch-Site": {"same-site"}}, `{}`, http.StatusForbidden},
		"the page under another name":   {http.Header{"Origin": {"http://other.example"}}, `{}`, http.StatusMisdirectedRequest},
		"a token that is not valid":     {http.Header{"Authorization": {"Bearer x"}}, `{}`, http.StatusUnauthorized},
		"an authorization of no bearer": {http.Header{"Authorization": {"Basic x"}}, `{}`, http.StatusUnauthorized},
		"no JSON":                       {nil, `room=lobby`, http.StatusBadRequest},
		"too much":                      {nil, `{"room":"` + strings.Repeat("a", maxBody) + `"}`, http.StatusBadRequest},
	} {
		a := b.do(http.MethodPost, "/signin/start", tt.body, tt.header)
		if a.status != tt.want || a.message() == "" || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: start = %d %s with cookies %q, want %d", name, a.status, a.body, a.header["Set-Cookie"], tt.want)
		}
	}
	if a := b.do(http.MethodGet, "/signin/start", "", nil); a.status != http.StatusMethodNotAllowed {
		t.Errorf("GET start = %d, want %d", a.status, http.StatusMethodNotAllowed)
	}
	if a := b.do(http.MethodPost, "/signin/token", "", http.Header{"Sec-Fetch-Site": {"cross-site"}}); a.status != http.StatusForbidden {
		t.Errorf("token for another site = %d, want %d", a.status, http.StatusForbidden)
	}
}

// Whatever is asked for, a person returns to the page.
func TestNoOpenRedirect(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	for _, room := range []string{"https://evil.example", "//evil.example", `/\\evil.example`, "..", "lobby?signin=x", "a b", "lobby#x", `javascript:alert(1)`, ""} {
		callback := b.atProvider(b.start("", room), providertest.User)
		query := callback.Query()
		for _, name := range []string{"return", "next", "redirect", "redirect_uri", "room"} {
			query.Set(name, "https://evil.example")
		}
		callback.RawQuery = query.Encode()
		a := b.do(http.MethodGet, callback.String(), "", nil)
		location, err := url.Parse(a.location)
		if err != nil || location.Host != "" || location.Path != "/" || a.status != http.StatusSeeOther {
			t.Errorf("room %q: callback = %d to %q, want the page", room, a.status, a.location)
		}
		if got := location.Query(); chat.CheckRoom(room) != nil && got.Has("room") || got.Get("signin") != "done" {
			t.Errorf("room %q: callback leads to %q, want no room", room, a.location)
		}
	}
}

func TestCookiesOverHTTPS(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Provider.PublicURL = "https://chat.example.com" })
	a := w.browser(t).do(http.MethodPost, "/signin/start", `{}`, http.Header{"Origin": {"https://chat.example.com"}})
	cookie := a.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-chatroom-signin=", "; Path=/;", "; Max-Age=600", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie is %q, want %q in it", cookie, want)
		}
	}
	if !strings.Contains(a.body, url.QueryEscape("https://chat.example.com/signin/callback")) {
		t.Errorf("start = %s, want the callback at the public URL", a.body)
	}
	below := newWorld(t, func(c *Config) { c.Provider.PublicURL = "https://example.com/apps/chat" })
	a = below.browser(t).do(http.MethodPost, "/signin/start", `{}`, http.Header{"Origin": {"https://example.com"}})
	if cookie := a.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-chatroom-signin|apps|chat=") || !strings.Contains(cookie, "; Path=/;") {
		t.Errorf("the cookie of a service at a path is %q, want a name of its own", cookie)
	}
	plain := newWorld(t, nil).browser(t).do(http.MethodPost, "/signin/start", `{}`, nil).header.Get("Set-Cookie")
	if !strings.HasPrefix(plain, "chatroom-signin=") || strings.Contains(plain, "Secure") || !strings.Contains(plain, "; Path=/signin/;") {
		t.Errorf("the cookie over http is %q, want one for /signin/", plain)
	}
}

func TestLimit(t *testing.T) {
	limits, _ := ratelimit.Defaults()
	w := newWorld(t, func(c *Config) { c.Rates = ratelimit.New(ratelimit.Config{Limits: limits}) })
	b := w.browser(t)
	for range 1_000 {
		if a := b.do(http.MethodPost, "/signin/start", `{}`, nil); a.status == http.StatusTooManyRequests {
			if a.header.Get("Retry-After") == "" || !strings.Contains(a.message(), "too often") {
				t.Errorf("start = %s with Retry-After %q, want when to try again", a.body, a.header.Get("Retry-After"))
			}
			if a := b.do(http.MethodGet, "/signin/callback", "", nil); a.status != http.StatusTooManyRequests || !strings.Contains(a.message(), "too often") {
				t.Errorf("callback = %d %s, want %d", a.status, a.message(), http.StatusTooManyRequests)
			}
			if a, _ := b.token(); a.status != http.StatusTooManyRequests {
				t.Errorf("token = %d %s, want %d", a.status, a.message(), http.StatusTooManyRequests)
			}
			if got, want := w.Refused(), map[string]uint64{"sign_in.address": 3, "provider_unavailable": 0, "sign_in": 0}; !maps.Equal(got, want) {
				t.Errorf("Refused() = %v, want %v", got, want)
			}
			return
		}
	}
	t.Error("1,000 sign-ins were started from one address, want a limit")
}

// Without a provider the page is told that there is none, and nothing else is there.
func TestWithoutAProvider(t *testing.T) {
	var off *Handler
	defer off.Close()
	mux := http.NewServeMux()
	for pattern, handler := range off.Handlers() {
		mux.Handle(pattern, handler)
	}
	for path, want := range map[string]string{"/signin/provider": `{"provider":""}`, "/signin/start": "404", "/signin/callback": "404"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		recorder := record(mux, r)
		if !strings.Contains(recorder.Body.String(), want) {
			t.Errorf("%s = %d %s, want %s", path, recorder.Code, recorder.Body, want)
		}
	}
}

// A service behind a proxy that has it at a path signs people in there.
func TestSignInBelowAPath(t *testing.T) {
	w := newWorldAt(t, "/apps/chat", nil)
	b := w.browser(t)
	callback := b.atProvider(b.start("", "garden"), providertest.User)
	if want := "/apps/chat" + callbackPath; callback.Path != want {
		t.Errorf("the provider sends people to %q, want %q", callback.Path, want)
	}
	back := b.do(http.MethodGet, callback.String(), "", nil)
	if want := "/apps/chat/r/garden?signin=done"; back.status != http.StatusSeeOther || back.location != want {
		t.Errorf("callback = %d to %q, want %q", back.status, back.location, want)
	}
	if a, s := b.token(); a.status != http.StatusOK || s.Token == "" {
		t.Errorf("token = %d %s, want one", a.status, a.body)
	}
	forged := b.do(http.MethodGet, "/signin/callback?state=x&code=x", "", nil)
	for _, want := range []string{`href="/apps/chat/style.css"`, `<a href="/apps/chat/">`} {
		if !strings.Contains(forged.body, want) {
			t.Errorf("the page of a problem is %s, want %s in it", forged.body, want)
		}
	}
}
