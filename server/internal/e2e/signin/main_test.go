// Package signin tests people who sign in at an OpenID Connect provider that runs, as the page
// does it, and call a service that runs.
package signin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
	"chatroom/server/internal/signin/providertest"
)

func TestMain(m *testing.M) { harness.Main(m) }

// world is a service and its provider.
type world struct {
	*harness.Service
	provider *providertest.Provider
	options  []harness.Option
}

func start(t *testing.T, options ...harness.Option) *world {
	t.Helper()
	address, data := providertest.FreeAddress(t), t.TempDir()
	w := &world{provider: providertest.Start(t, "http://"+address+"/signin/callback")}
	w.options = append([]harness.Option{harness.ListenOn(address), harness.InDir(data), func(c *service.Config) {
		c.SignIn.Issuer, c.SignIn.PublicURL = w.provider.URL, "http://"+address
		c.SignIn.ClientID, c.SignIn.ClientSecret = providertest.ClientID, providertest.ClientSecret
	}}, options...)
	w.Service = harness.Start(t, w.options...)
	return w
}

// restart stops the service, and starts it with its data and more options.
func (w *world) restart(t *testing.T, more ...harness.Option) {
	t.Helper()
	w.Stop(t)
	w.options = append(w.options, more...)
	w.Service = harness.Start(t, w.options...)
}

// account is a member who has signed in, as the page knows it.
type account struct {
	Token           string
	Member          struct{ ID, Name string }
	FormerMemberIDs []string `json:"formerMemberIds"`
	ExpireTime      time.Time
}

// call makes a request of the page, and decodes the answer.
func (w *world) call(t *testing.T, client *http.Client, path, token string, answer any) error {
	t.Helper()
	request, err := http.NewRequestWithContext(harness.Context(t), http.MethodPost, w.URL+path, strings.NewReader(`{"room":"lobby"}`))
	harness.Must(t, err)
	request.Header.Set("Origin", w.URL)
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	harness.Must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	harness.Must(t, err)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", path, response.Status, body)
	}
	return json.Unmarshal(body, answer)
}

// trySignIn signs a user in, who is the guest of a token unless that is empty.
func (w *world) trySignIn(t *testing.T, guest, user string) (account, error) {
	t.Helper()
	client := harness.HTTP1Client(t)
	jar, err := cookiejar.New(nil)
	harness.Must(t, err)
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var started struct{ URL string }
	if err := w.call(t, client, "/signin/start", guest, &started); err != nil {
		return account{}, err
	}
	ctx := harness.Context(t)
	callback, err := w.provider.SignIn(ctx, started.URL, user)
	harness.Must(t, err)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, callback.String(), http.NoBody)
	harness.Must(t, err)
	response, err := client.Do(request)
	harness.Must(t, err)
	response.Body.Close()
	if got := response.Header.Get("Location"); got != "/r/lobby?signin=done" {
		return account{}, fmt.Errorf("callback: %s to %q", response.Status, got)
	}
	var a account
	return a, w.call(t, client, "/signin/token", "", &a)
}

// signIn is trySignIn that must succeed.
func (w *world) signIn(t *testing.T, guest, user string) account {
	t.Helper()
	a, err := w.trySignIn(t, guest, user)
	harness.Must(t, err)
	return a
}

// open returns a client for a token.
func (w *world) open(t *testing.T, token string) harness.Client {
	return harness.ConnectHTTP2.Open(t, w.Service, token)
}

// send sends a message, and returns its sequence.
func (w *world) send(t *testing.T, token, room, text string) uint64 {
	t.Helper()
	sent, err := w.open(t, token).Send(harness.Context(t), harness.TextRequest(room, text))
	harness.Must(t, err)
	return sent.GetSequence()
}

// messages returns the messages of a room, as "text by name".
func (w *world) messages(t *testing.T, room string) []string {
	t.Helper()
	page, err := w.open(t, "").ListEvents(harness.Context(t), &chatv1.ListEventsRequest{Room: room})
	harness.Must(t, err)
	var messages []string
	for _, e := range page.GetEvents() {
		if m := e.GetMessage(); m != nil {
			messages = append(messages, m.GetText()+" by "+e.GetSender().GetName())
		}
	}
	return messages
}
