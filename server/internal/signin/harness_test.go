package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/signin/providertest"
	"chatroom/server/internal/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a service that signs people in, and the provider where they do.
type world struct {
	*Handler
	base     string
	server   *httptest.Server
	provider *providertest.Provider
	tokens   identity.Tokens
	log      lockedBuffer

	mu      sync.Mutex // guards below
	renamed []chat.Member
}

// newWorld starts both. The function may change what the service is made of.
func newWorld(t *testing.T, change func(*Config)) *world { return newWorldAt(t, "", change) }

// newWorldAt is newWorld with the service at a path, which is taken off what it gets.
func newWorldAt(t *testing.T, base string, change func(*Config)) *world {
	t.Helper()
	w := &world{base: base}
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.Handler.ServeHTTP(rw, r) })
	w.server = httptest.NewUnstartedServer(http.StripPrefix(base, handler))
	public := "http://" + w.server.Listener.Addr().String() + base
	w.provider = providertest.Start(t, public+callbackPath)
	state := memory.Open(memory.Config{})
	guests := identity.NewGuests()
	accounts, err := identity.OpenAccounts(t.Context(), guests, state, identity.AccountsConfig{})
	if err != nil {
		t.Fatal(err)
	}
	w.tokens = identity.Tokens{Guests: guests, Accounts: accounts}
	c := Config{
		Provider: ProviderConfig{
			Issuer: w.provider.URL, ClientID: providertest.ClientID, ClientSecret: providertest.ClientSecret, PublicURL: public,
		},
		Accounts: accounts, Key: guests.Derive("cookies of sign-ins"), Identify: w.tokens.Identify,
		Renamed: func(m chat.Member) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.renamed = append(w.renamed, m)
		},
		Style: "style.css",
		Log:   slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	if change != nil {
		change(&c)
	}
	if w.Handler, err = New(c); err != nil {
		t.Fatal(err)
	}
	w.server.Start()
	t.Cleanup(func() {
		w.server.Close()
		w.Close()
		accounts.Close()
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex // guards below
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// browser is a browser of a person.
type browser struct {
	t     *testing.T
	world *world
	http  *http.Client
}

func (w *world) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, w, &http.Client{
		Jar: jar, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is a response.
type answer struct {
	status   int
	header   http.Header
	body     string
	location string
}

// message returns what the answer tells a person.
func (a *answer) message() string {
	var m struct{ Message string }
	if json.Unmarshal([]byte(a.body), &m) == nil {
		return m.Message
	}
	_, rest, _ := strings.Cut(a.body, `<p role="alert">`)
	message, _, _ := strings.Cut(rest, "</p>")
	return message
}

func (b *browser) do(method, path, body string, header http.Header) *answer {
	b.t.Helper()
	address := path
	if strings.HasPrefix(path, "/") {
		address = b.world.server.URL + b.world.base + path
	}
	request, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Origin", b.world.server.URL)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	maps.Copy(request.Header, header)
	response, err := b.http.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return &answer{response.StatusCode, response.Header, string(data), response.Header.Get("Location")}
}

// start starts a sign-in, with the token of a guest unless it is empty, and returns where it
// continues.
func (b *browser) start(token, room string) string {
	b.t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	a := b.do(http.MethodPost, "/signin/start", `{"room":"`+room+`"}`, header)
	var started struct{ URL string }
	if err := json.Unmarshal([]byte(a.body), &started); err != nil || a.status != http.StatusOK || started.URL == "" {
		b.t.Fatalf("start = %d %s, want a URL", a.status, a.body)
	}
	return started.URL
}

// atProvider signs a user in at the provider, and returns where that sends the browser.
func (b *browser) atProvider(start, user string) *url.URL {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	callback, err := b.world.provider.SignIn(ctx, start, user)
	if err != nil {
		b.t.Fatal(err)
	}
	return callback
}

// session is what the page gets.
type session struct {
	Token           string
	Member          chat.Member
	FormerMemberIDs []string `json:"formerMemberIds"`
	ExpireTime      time.Time
}

// token fetches the token of the page.
func (b *browser) token() (*answer, session) {
	b.t.Helper()
	a := b.do(http.MethodPost, "/signin/token", "", nil)
	var s session
	if a.status == http.StatusOK {
		if err := json.Unmarshal([]byte(a.body), &s); err != nil {
			b.t.Fatalf("token = %s: %v", a.body, err)
		}
	}
	return a, s
}

// signIn signs a user in, who is a guest unless the token is empty.
func (b *browser) signIn(guest, user string) session {
	b.t.Helper()
	back := b.do(http.MethodGet, b.atProvider(b.start(guest, "lobby"), user).String(), "", nil)
	if back.status != http.StatusSeeOther {
		b.t.Fatalf("callback = %d %s, want a redirect", back.status, back.message())
	}
	a, s := b.token()
	if a.status != http.StatusOK {
		b.t.Fatalf("token = %d %s, want one", a.status, a.body)
	}
	return s
}

// cookies returns the names of the cookies that the browser has.
func (b *browser) cookies() []string {
	b.t.Helper()
	u, err := url.Parse(b.world.server.URL + b.world.base + pathPrefix)
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, c := range b.http.Jar.Cookies(u) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// guest signs in as a guest.
func (w *world) guest(t *testing.T, name string) (token string, m chat.Member) {
	t.Helper()
	token, m, _, err := w.tokens.Guests.SignIn(name, chat.Member{})
	if err != nil {
		t.Fatal(err)
	}
	return token, m
}
