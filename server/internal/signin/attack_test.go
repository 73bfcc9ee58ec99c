package signin

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/signin/providertest"
)

func record(handler http.Handler, r *http.Request) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	return recorder
}

// with returns a URL with other values in the query: nil removes one.
func with(u *url.URL, values map[string]any) string {
	query := u.Query()
	for name, value := range values {
		if text, ok := value.(string); ok {
			query.Set(name, text)
		} else {
			query.Del(name)
		}
	}
	changed := *u
	changed.RawQuery = query.Encode()
	return changed.String()
}

// expectRefused checks that a callback has told the person why, and that nobody is signed in.
func (b *browser) expectRefused(name string, a *answer, status int, want string) {
	b.t.Helper()
	if a.status != status || !strings.Contains(a.message(), want) || a.location != "" {
		b.t.Errorf("%s: callback = %d %q to %q, want %d with %q", name, a.status, a.message(), a.location, status, want)
	}
	if a, _ := b.token(); a.status != http.StatusForbidden {
		b.t.Errorf("%s: token = %d %s, want %d", name, a.status, a.body, http.StatusForbidden)
	}
}

const (
	notStarted = "was not started in this browser"
	notLast    = "not the sign-in that was started last"
	over       = "over already"
	notValid   = "is not valid"
)

// Answers that the browser's own sign-in does not have.
func TestCallbackRefusesForgedAnswers(t *testing.T) {
	w := newWorld(t, nil)
	for name, tt := range map[string]struct {
		change map[string]any
		want   string
	}{
		"forged state":                     {map[string]any{"state": strings.Repeat("A", 26)}, notLast},
		"no state":                         {map[string]any{"state": nil}, notLast},
		"forged code":                      {map[string]any{"code": "forged"}, notValid},
		"no code":                          {map[string]any{"code": nil}, notValid},
		"a code that is too long":          {map[string]any{"code": strings.Repeat("x", maxCode+1)}, notValid},
		"another issuer":                   {map[string]any{"iss": "https://evil.example"}, "is not of"},
		"an error":                         {map[string]any{"error": "access_denied", "code": nil}, "cancelled"},
		"an error and a code":              {map[string]any{"error": "server_error"}, "can’t be reached"},
		"an error with markup":             {map[string]any{"error": "<script>alert(1)</script>", "error_description": "<b>call 555</b>"}, "did not sign you in."},
		"another issuer, and an error":     {map[string]any{"iss": "https://evil.example", "error": "access_denied"}, "is not of"},
		"forged state, and the own issuer": {map[string]any{"state": "x", "iss": w.provider.URL}, notLast},
	} {
		b := w.browser(t)
		callback := b.atProvider(b.start("", "lobby"), providertest.User)
		a := b.do(http.MethodGet, with(callback, tt.change), "", nil)
		status := http.StatusBadRequest
		if name == "forged code" {
			status = http.StatusBadGateway
		}
		b.expectRefused(name, a, status, tt.want)
		if strings.Contains(a.body, "<script") || strings.Contains(a.body, "555") {
			t.Errorf("%s: the page has what the address has: %s", name, a.body)
		}
	}
	b := w.browser(t)
	callback := b.atProvider(b.start("", "lobby"), providertest.User)
	if a := b.do(http.MethodGet, with(callback, map[string]any{"iss": w.provider.URL}), "", nil); a.status != http.StatusSeeOther {
		t.Errorf("the own issuer: callback = %d %s, want a redirect", a.status, a.message())
	}
}

// A wrong state must not end the sign-in that the person is about to finish.
func TestForgedStateEndsNothing(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	callback := b.atProvider(b.start("", "lobby"), providertest.User)
	b.expectRefused("forged", b.do(http.MethodGet, "/signin/callback?state=x&code=y", "", nil), http.StatusBadRequest, notLast)
	if a := b.do(http.MethodGet, callback.String(), "", nil); a.status != http.StatusSeeOther {
		t.Errorf("callback = %d %s, want a redirect", a.status, a.message())
	}
}

// An attacker who signs in, and lets a victim finish that, would have the victim write in the
// attacker's account (login CSRF).
func TestCallbackInAnotherBrowser(t *testing.T) {
	w := newWorld(t, nil)
	attacker, victim := w.browser(t), w.browser(t)
	callback := attacker.atProvider(attacker.start("", "lobby"), providertest.OtherUser)
	victim.expectRefused("without a sign-in of its own", victim.do(http.MethodGet, callback.String(), "", nil), http.StatusBadRequest, notStarted)
	own := victim.atProvider(victim.start("", "lobby"), providertest.User)
	victim.expectRefused("during a sign-in of its own", victim.do(http.MethodGet, callback.String(), "", nil), http.StatusBadRequest, notLast)
	// The attacker's code with the victim's state is stopped by PKCE, at the provider.
	mixed := with(own, map[string]any{"code": callback.Query().Get("code")})
	victim.expectRefused("with the attacker's code", victim.do(http.MethodGet, mixed, "", nil), http.StatusBadGateway, notValid)
	// And a code that was stolen from the victim is worth nothing in the attacker's browser.
	second := victim.atProvider(victim.start("", "lobby"), providertest.User)
	mine := attacker.atProvider(attacker.start("", "lobby"), providertest.OtherUser)
	stolen := with(mine, map[string]any{"code": second.Query().Get("code")})
	attacker.expectRefused("with the victim's code", attacker.do(http.MethodGet, stolen, "", nil), http.StatusBadGateway, notValid)
}

// copyOf returns a browser with the same cookies, as one who has stolen them has.
func (b *browser) copyOf() *browser {
	b.t.Helper()
	stolen := b.world.browser(b.t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(b.world.server.URL + pathPrefix)
	if err != nil {
		b.t.Fatal(err)
	}
	jar.SetCookies(u, b.http.Jar.Cookies(u))
	stolen.http.Jar = jar
	return stolen
}

// A callback is answered once, even with the cookie, and a token is given once.
func TestReplays(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	callback := b.atProvider(b.start("", "lobby"), providertest.User).String()
	before := b.copyOf()
	if a := b.do(http.MethodGet, callback, "", nil); a.status != http.StatusSeeOther {
		t.Fatalf("callback = %d %s, want a redirect", a.status, a.message())
	}
	before.expectRefused("with the cookie", before.do(http.MethodGet, callback, "", nil), http.StatusBadRequest, over)
	handedOver := b.copyOf()
	if a, _ := b.token(); a.status != http.StatusOK {
		t.Fatalf("token = %d %s, want one", a.status, a.body)
	}
	if a, _ := handedOver.token(); a.status != http.StatusForbidden {
		t.Errorf("token again = %d %s, want %d", a.status, a.body, http.StatusForbidden)
	}
	b.expectRefused("without the cookie", b.do(http.MethodGet, callback, "", nil), http.StatusBadRequest, notStarted)
}

// A cookie is believed only as what it was made for, by this service, and for a time.
func TestCookiesOfOthers(t *testing.T) {
	w := newWorld(t, nil)
	other := newWorld(t, nil)
	set := func(name, value string) *browser {
		b := w.browser(t)
		u, err := url.Parse(w.server.URL + pathPrefix)
		if err != nil {
			t.Fatal(err)
		}
		b.http.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: pathPrefix}})
		return b
	}
	sealed := func(c *cookie, value any) string {
		recorder := httptest.NewRecorder()
		if err := c.set(recorder, value); err != nil {
			t.Fatal(err)
		}
		return recorder.Result().Cookies()[0].Value
	}
	soon, late := time.Now().Add(time.Minute), time.Now().Add(-time.Second)
	account, err := w.config.Accounts.Save(t.Context(), identityProfile)
	if err != nil {
		t.Fatal(err)
	}
	valid := handOver{ID: "1", Account: account.ID, Expires: soon}
	if a, s := set(w.handOver.name, sealed(w.handOver, valid)).token(); a.status != http.StatusOK || s.Member != account {
		t.Fatalf("token = %d %s, want one of %+v", a.status, a.body, account)
	}
	valid.ID = "2"
	expired := valid
	expired.Expires = late
	value := sealed(w.handOver, valid)
	for name, cookie := range map[string]string{
		"of another service": sealed(other.handOver, valid),
		"of a pending one":   sealed(w.pending, valid),
		"that has expired":   sealed(w.handOver, expired),
		"that was changed":   value[:len(value)-2] + "AA",
		"cut":                value[:20],
		"empty":              "",
		"of plain text":      `{"account":"` + account.ID + `"}`,
	} {
		if a, _ := set(w.handOver.name, cookie).token(); a.status != http.StatusForbidden {
			t.Errorf("token for a cookie %s = %d %s, want %d", name, a.status, a.body, http.StatusForbidden)
		}
	}
	s := pending{State: "state", Expires: soon}
	for name, cookie := range map[string]string{
		"of another service":  sealed(other.pending, s),
		"of a finished one":   sealed(w.handOver, s),
		"that has expired":    sealed(w.pending, pending{State: "state", Expires: late}),
		"that never succeeds": "x",
	} {
		b := set(w.pending.name, cookie)
		b.expectRefused("a cookie "+name, b.do(http.MethodGet, "/signin/callback?state=state&code=x", "", nil), http.StatusBadRequest, notStarted)
	}
}

// ID tokens that are signed by the provider, but not for this sign-in.
func TestIDTokensAreChecked(t *testing.T) {
	w := newWorld(t, nil)
	for name, change := range map[string]func(map[string]any){
		"another nonce":            func(c map[string]any) { c["nonce"] = "another" },
		"no nonce":                 func(c map[string]any) { delete(c, "nonce") },
		"another audience":         func(c map[string]any) { c["aud"] = []string{"another"} },
		"no audience":              func(c map[string]any) { delete(c, "aud") },
		"several, without a party": func(c map[string]any) { c["aud"] = []string{providertest.ClientID, "another"}; delete(c, "azp") },
		"another party":            func(c map[string]any) { c["azp"] = "another" },
		"another issuer":           func(c map[string]any) { c["iss"] = "https://evil.example" },
		"no issuer":                func(c map[string]any) { delete(c, "iss") },
		"expired":                  func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
		"no subject":               func(c map[string]any) { delete(c, "sub") },
		"a subject that is long":   func(c map[string]any) { c["sub"] = strings.Repeat("x", maxSubject+1) },
		"another access token":     func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
	} {
		w.provider.Tamper(change)
		b := w.browser(t)
		callback := b.atProvider(b.start("", "lobby"), providertest.User)
		b.expectRefused(name, b.do(http.MethodGet, callback.String(), "", nil), http.StatusBadGateway, notValid)
	}
	w.provider.Tamper(func(map[string]any) {})
	if s := w.browser(t).signIn("", providertest.User); s.Member.Name != providertest.UserName {
		t.Errorf("the account is %+v, want %s", s.Member, providertest.UserName)
	}
	// A profile in the ID token needs no other request, and its name is made fit to be shown.
	w.provider.Tamper(func(c map[string]any) { c["name"] = "Ada\u202e\n  Lovelace" })
	if s := w.browser(t).signIn("", providertest.User); s.Member.Name != "Ada Lovelace" {
		t.Errorf("the account is %+v, want a name that can be shown", s.Member)
	}
}

// A token that is signed by another key, or not at all, is not accepted.
func TestIDTokenSignatures(t *testing.T) {
	w := newWorld(t, nil)
	for name, idToken := range map[string]string{
		"none":        "eyJhbGciOiJub25lIn0.e30.",
		"HS256":       "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
		"no token":    "",
		"not a token": "x",
	} {
		w.provider.Answer(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/token") {
				return false
			}
			writeJSON(rw, http.StatusOK, map[string]string{"access_token": "a", "token_type": "Bearer", "id_token": idToken})
			return true
		})
		b := w.browser(t)
		callback := b.atProvider(b.start("", "lobby"), providertest.User)
		b.expectRefused(name, b.do(http.MethodGet, callback.String(), "", nil), http.StatusBadGateway, notValid)
	}
}

// A person who has stolen the token of a guest gets what the guest has sent if it is the first to sign
// in, as it could before, but never the account of the other.
func TestStolenGuestToken(t *testing.T) {
	w := newWorld(t, nil)
	token, ada := w.guest(t, "Ada")
	owner := w.browser(t)
	pendingOwner := owner.atProvider(owner.start(token, "lobby"), providertest.User)
	thief := w.browser(t)
	pendingThief := thief.atProvider(thief.start(token, "lobby"), providertest.OtherUser)
	finish := func(b *browser, callback *url.URL) session {
		if a := b.do(http.MethodGet, callback.String(), "", nil); a.status != http.StatusSeeOther {
			t.Fatalf("callback = %d %s, want a redirect", a.status, a.message())
		}
		_, s := b.token()
		return s
	}
	mine, stolen := finish(owner, pendingOwner), finish(thief, pendingThief)
	if !slices.Equal(mine.FormerMemberIDs, []string{ada.ID}) || len(stolen.FormerMemberIDs) != 0 || mine.Member.ID == stolen.Member.ID {
		t.Errorf("the owner is %+v and the thief %+v, want the guest's id with the owner", mine, stolen)
	}
}

func TestHeadIsNoCallback(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	callback := b.atProvider(b.start("", "lobby"), providertest.User).String()
	if a := b.do(http.MethodHead, callback, "", nil); a.status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD = %d, want %d", a.status, http.StatusMethodNotAllowed)
	}
	if a := b.do(http.MethodGet, callback, "", nil); a.status != http.StatusSeeOther {
		t.Errorf("callback after HEAD = %d %s, want a redirect", a.status, a.message())
	}
}
