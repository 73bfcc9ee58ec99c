package page

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
	"chatroom/server/internal/signin/providertest"
)

// startWithProvider starts a service at which people sign in at a provider.
func startWithProvider(t *testing.T, options ...harness.Option) (*harness.Service, *providertest.Provider) {
	t.Helper()
	address := providertest.FreeAddress(t)
	provider := providertest.Start(t, "http://"+address+"/signin/callback")
	return harness.Start(t, append(options, harness.ListenOn(address), func(c *service.Config) {
		c.SignIn.Issuer, c.SignIn.PublicURL = provider.URL, "http://"+address
		c.SignIn.ClientID, c.SignIn.ClientSecret = providertest.ClientID, providertest.ClientSecret
	})...), provider
}

// click clicks a button that the page has, or will have.
func (p *tab) click(selector string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// atProvider fills in the login page of the provider, to which the page has gone, and waits
// until it is back.
func (p *tab) atProvider(user string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS("#username")),
		chromedp.SendKeys(chromedp.CSS("#username"), user),
		chromedp.SendKeys(chromedp.CSS("#password"), providertest.Password+"\r"))
	p.do(chromedp.WaitVisible(chromedp.CSS("#who"))) // a script would be cut off when the tab moves on
}

// A guest signs in at the provider, edits what the guest has written, and signs out. The other
// tabs of the browser follow, and no token is in an address.
func TestPageSignsInAtAProvider(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	s, _ := startWithProvider(t)
	page := b.open(t, s.URL+"/?room=garden", "Ada")
	page.widen()
	page.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada"), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	page.do(chromedp.WaitVisible(chromedp.CSS("#text")))
	page.sendMessage("as a guest")
	page.expectMessages("as a guest")
	other := b.open(t, s.URL+"/?room=garden", "another tab of Ada")
	other.widen()
	other.await(ownName + ` === "Ada"`)

	page.click("#who")
	page.click(".profile .sign-in")
	page.atProvider(providertest.User)
	page.await(ownName + ` === "Test User"`)
	page.await(`location.pathname === "/r/garden" && location.search === "" && location.hash === ""`)
	page.await(`document.querySelectorAll("[role=log] [data-ours=true]").length === 1`)
	other.await(ownName + ` === "Test User" && document.querySelectorAll("[role=log] [data-ours=true]").length === 1`)

	page.choose("as a guest", "Edit")
	page.do(chromedp.WaitVisible(chromedp.CSS("#edit-text")))
	page.run(`document.querySelector("#edit-text").select()`)
	page.do(chromedp.SendKeys(chromedp.CSS("#edit-text"), "edited by the account"))
	page.press("\r")
	page.expectMessages("edited by the account")
	page.sendMessage("as an account")
	other.expectMessages("edited by the account", "as an account")
	other.await(bylines + `.endsWith("Test User")`)
	token, err := chromedp.Run(page.ctx, chromedp.Evaluate[string](`JSON.parse(localStorage.getItem("chatroom.identity")).token`))
	harness.Must(t, err)
	if _, err := harness.ConnectHTTP2.Open(t, s, token).Send(harness.Context(t), harness.TextRequest("garden", "by the token")); err != nil {
		t.Errorf("Send with the token of the page = %v, want nil", err)
	}

	page.reload()
	page.await(ownName + ` === "Test User"`)
	page.await(`document.querySelectorAll("[role=log] [data-ours=true]").length === 3`)

	page.click("#who")
	page.await(`document.querySelector(".profile-name bdi")?.textContent === "Test User" && !document.querySelector("#name")`)
	page.click(".profile .sign-out")
	for _, p := range []*tab{page, other} {
		p.do(chromedp.WaitVisible(chromedp.CSS(".naming .sign-in")))
		p.await(ownName + ` === "" && document.querySelectorAll("[role=log] [data-ours=true]").length === 0`)
	}
	awaitRefused(t, harness.ConnectHTTP2.Open(t, s, token))
}

// When the session of an account ends, the page says so. After the user has signed in again, what was
// not sent is sent, and the field still has its text.
func TestPageWhenASessionEnds(t *testing.T) {
	t.Parallel()
	b, dir := newBrowser(t), t.TempDir()
	key := harness.CreateKey(t, dir, harness.KeySpec{Name: "administrator", Grants: []harness.KeyGrant{{Pattern: "*", Can: []string{"manage"}}}})
	s, _ := startWithProvider(t, harness.InDir(dir))
	page := b.open(t, s.URL, "Ada", chromedp.WithNewBrowserContext())
	page.widen()
	page.click(".naming .sign-in")
	page.atProvider(providertest.User)
	page.do(chromedp.WaitVisible(chromedp.CSS("#text")))
	page.sendMessage("before")
	page.expectMessages("before")
	member := evaluate[string](page, `JSON.parse(localStorage.getItem("chatroom.identity")).member.id`)

	page.setOffline(true)
	page.sendMessage("written offline")
	page.press("unsent words")
	_, err := harness.ConnectHTTP1.Open(t, s, key).RevokeTokens(harness.Context(t), &chatv1.RevokeTokensRequest{
		Target: &chatv1.RevokeTokensRequest_Member{Member: &chatv1.RevokedMember{MemberId: member}},
	})
	harness.Must(t, err)
	page.setOffline(false)
	page.await(`document.querySelector("#name-problem")?.textContent === "Your sign-in has ended. Sign in again." && !document.querySelector("#text")`)
	page.click(".naming .sign-in")
	page.atProvider(providertest.User)
	page.expectMessages("before", "written offline")
	page.awaitField("unsent words")
	page.await(`document.querySelectorAll("[role=log] [data-ours=true]").length === 2`)
}

// While no token is accepted, not even a new one, the banner says that the sign-in has expired, with ways
// on. What is written is sent once a token is accepted.
func TestPageWhenNoTokenIsAccepted(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	s, _ := startWithProvider(t, harness.WithLimits(""))
	target, err := url.Parse(s.URL)
	harness.Must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	var refuses atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuses.Load() && strings.HasSuffix(r.URL.Path, "/Subscribe") && r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	page := b.openSignedIn(t, front.URL, "Ada")
	page.sendMessage("before")
	page.expectMessages("before")

	refuses.Store(true)
	front.CloseClientConnections()
	page.await(bannerKind + ` === "expired" && document.querySelector(".banner [role=status]").textContent === "Your sign-in has expired."`)
	page.await(`[...document.querySelectorAll(".banner button")].map((b) => b.textContent).join() === "Sign in again,Try now"`)
	page.sendMessage("meanwhile")
	page.await(`document.querySelectorAll("[role=log] .message").length === 2`)

	refuses.Store(false)
	page.run(`document.querySelector(".banner .try-now")?.click()`) // unless an attempt of its own was faster
	page.expectMessages("before", "meanwhile")
	page.await(bannerKind + ` === "" && ` + isLive)
}

// What does not work is said in words, and leads back to the page.
func TestPageWhenSigningInFails(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	s, provider := startWithProvider(t)
	page := b.open(t, s.URL+"/?room=garden", "Ada", chromedp.WithNewBrowserContext())
	provider.SetDown(true)
	page.click(".naming .sign-in")
	page.await(`document.querySelector("#name-problem").textContent === "Signing in does not work at the moment. Try again in a minute."`)

	page.navigate(s.URL + "/signin/callback?state=forged&code=forged")
	page.await(`document.querySelector("[role=alert]")?.textContent.includes("was not started in this browser")`)
	page.click("main a")
	page.do(chromedp.WaitVisible(chromedp.CSS("#name")))

	page.navigate(s.URL + "/?room=garden&signin=done")
	page.await(`document.querySelector("#name-problem")?.textContent.includes("Nobody has signed in")`)
	page.await(`location.pathname + location.search === "/r/garden" && document.documentElement.dataset.connection === "live"`)
}

// Without a provider the page offers none.
func TestPageWithoutAProvider(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	page := b.open(t, s.URL, "Ada")
	page.do(chromedp.WaitVisible(chromedp.CSS("#name")))
	page.await(`performance.getEntriesByName(location.origin + "/signin/provider").some((e) => e.responseEnd > 0)`)
	page.await(`!document.querySelector(".naming .sign-in")`)
}
