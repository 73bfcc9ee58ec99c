package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/logsample"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/tally"
)

const (
	pathPrefix   = "/signin/"
	callbackPath = pathPrefix + "callback"

	pendingLife  = 10 * time.Minute // how long a person may take at the provider
	handOverLife = 2 * time.Minute  // how long the page may take to fetch its token

	maxBody = 4 << 10 // bytes
	maxCode = 4 << 10 // bytes
)

// Handler serves what is under /signin/:
//
//	GET  provider   who signs people in
//	POST start      begins a sign-in, and says where it continues
//	GET  callback   is where the provider sends people back to
//	POST token      gives the page its token, once
//
// Create it with New.
type Handler struct {
	config   Config
	public   *url.URL
	name     string // of the provider, to show
	provider *provider
	pending  *cookie
	handOver *cookie
	peers    *logsample.Logger
	refusals tally.Tally
	mux      *http.ServeMux
	// protection refuses what pages of other origins send, also those of -cors-origins.
	protection http.CrossOriginProtection
}

// New returns a handler, to be closed.
func New(c Config) (*Handler, error) {
	if err := c.Provider.Check(); err != nil {
		return nil, err
	}
	public, err := ParsePublicURL(c.Provider.PublicURL)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	issuer, err := url.Parse(c.Provider.Issuer)
	if err != nil {
		return nil, err
	}
	h := &Handler{config: c, public: public, name: issuer.Host, peers: &logsample.Logger{Log: c.Log}, mux: http.NewServeMux()}
	h.refusals.Begin("provider_unavailable", "sign_in")
	secure := public.Scheme == "https"
	// The browser sends a cookie that is strict only for requests of the page's own.
	if h.pending, err = newCookie(c.Key, "chatroom-signin", public.Path, secure, http.SameSiteLaxMode, pendingLife); err != nil {
		return nil, err
	}
	if h.handOver, err = newCookie(c.Key, "chatroom-signed-in", public.Path, secure, http.SameSiteStrictMode, handOverLife); err != nil {
		return nil, err
	}
	h.provider = newProvider(c.Provider, public.String()+callbackPath, c.Transport)
	h.mux.HandleFunc("GET "+pathPrefix+"provider", h.serveProvider)
	h.mux.HandleFunc("POST "+pathPrefix+"start", h.serveStart)
	h.mux.HandleFunc("GET "+callbackPath, h.serveCallback)
	h.mux.HandleFunc("POST "+pathPrefix+"token", h.serveToken)
	return h, nil
}

// Close ends what asks the provider. A nil Handler has nothing to end.
func (h *Handler) Close() {
	if h != nil {
		h.provider.close()
	}
}

// Handlers returns the handler by its pattern. A nil Handler offers no sign-in.
func (h *Handler) Handlers() map[string]http.Handler {
	if h == nil {
		off := http.NewServeMux()
		off.HandleFunc("GET "+pathPrefix+"provider", func(w http.ResponseWriter, _ *http.Request) { writeProvider(w, "") })
		return map[string]http.Handler{pathPrefix: off}
	}
	return map[string]http.Handler{pathPrefix: h}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.protection.Check(r); err != nil {
		writeMessage(w, http.StatusForbidden, "Pages of other origins may not sign in here.")
		return
	}
	h.mux.ServeHTTP(w, r)
}

func (h *Handler) serveProvider(w http.ResponseWriter, _ *http.Request) { writeProvider(w, h.name) }

// serveStart begins a sign-in for the caller, which may be a guest.
func (h *Handler) serveStart(w http.ResponseWriter, r *http.Request) {
	if refusal := h.limit(r); refusal != nil {
		writeLimit(w, refusal)
		return
	}
	// The provider sends the person to the public URL, where the browser would have no cookie of
	// another host. A proxy may have changed the header Host.
	if from := r.Header.Get("Origin"); from != "" && from != origin(h.public) {
		writeMessage(w, http.StatusMisdirectedRequest, fmt.Sprintf("Signing in works at %s only: open the page there.", h.public))
		return
	}
	var request struct {
		Room string `json:"room"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&request); err != nil {
		writeMessage(w, http.StatusBadRequest, `The request must be JSON, such as {"room": "lobby"}.`)
		return
	}
	if chat.CheckRoom(request.Room) != nil {
		request.Room = ""
	}
	guest, err := h.guest(r)
	if err != nil {
		status, message := http.StatusServiceUnavailable, "Signing in does not work at the moment. Try again in a minute."
		if errors.Is(err, identity.ErrInvalidToken) {
			status, message = http.StatusUnauthorized, "The token is not valid any more: sign in without it."
		}
		h.failed(r, err)
		writeMessage(w, status, message)
		return
	}
	found, err := h.provider.get(r.Context())
	if err != nil {
		h.failed(r, err)
		writeMessage(w, http.StatusServiceUnavailable, h.unavailable())
		return
	}
	s := &pending{
		State: newSecret(), Nonce: newSecret(), Verifier: oauth2.GenerateVerifier(),
		Room: request.Room, Guest: guest, Expires: time.Now().Add(pendingLife),
	}
	if err := h.pending.set(w, s); err != nil {
		h.failed(r, err)
		writeMessage(w, http.StatusInternalServerError, "Signing in does not work.")
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"url": found.start(s)})
}

// guest returns the member id of the guest who starts a sign-in, empty for a caller who is none.
func (h *Handler) guest(r *http.Request) (string, error) {
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		return "", nil
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", identity.ErrInvalidToken
	}
	c, err := h.config.Identify(r.Context(), token)
	if err != nil || c.Kind != policy.Guest {
		return "", err
	}
	return c.Member.ID, nil
}

// serveCallback finishes a sign-in, or says why not. The order matters: nothing is asked of the
// provider, and nothing is stored, before the answer is known to be of a sign-in that was
// started in this browser.
func (h *Handler) serveCallback(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet { // HEAD
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if refusal := h.limit(r); refusal != nil {
		h.writeLimitPage(w, refusal)
		return
	}
	var s pending
	answer := r.URL.Query()
	if err := h.pending.get(r, &s); err != nil {
		h.failed(r, err)
		h.writePage(w, http.StatusBadRequest, "", "This sign-in was not started in this browser, or took longer than 10 minutes.")
		return
	}
	if !equal(answer.Get("state"), s.State) {
		h.failed(r, errors.New("signin: the state differs"))
		h.writePage(w, http.StatusBadRequest, s.Room, "This is not the sign-in that was started last in this browser.")
		return
	}
	h.pending.clear(w)
	status, message, err := h.finish(r.Context(), w, answer, &s)
	if err != nil {
		h.failed(r, err)
		h.writePage(w, status, s.Room, message)
		return
	}
	secureHeaders(w)
	http.Redirect(w, r, h.returnPath(s.Room, true), http.StatusSeeOther)
}

// finish finishes a sign-in that was started in the browser. It returns what to tell the person
// if there is an error.
func (h *Handler) finish(ctx context.Context, w http.ResponseWriter, answer url.Values, s *pending) (status int, message string, err error) {
	const later = "Signing in does not work at the moment. Try again in a minute."
	switch err := h.config.Accounts.Use(ctx, "state "+s.State, s.Expires); {
	case errors.Is(err, identity.ErrUsed):
		return http.StatusBadRequest, "This sign-in is over already.", err
	case err != nil:
		return http.StatusServiceUnavailable, later, err
	}
	found, err := h.provider.get(ctx)
	if err != nil {
		return http.StatusBadGateway, h.unavailable(), err
	}
	code := answer.Get("code")
	switch by := answer.Get("iss"); {
	case by != "" && by != h.config.Provider.Issuer, by == "" && found.names:
		return http.StatusBadRequest, "The answer is not of " + h.name + ".", fmt.Errorf("%w: it is of %.100q", errInvalid, by)
	case answer.Has("error"):
		return http.StatusBadRequest, h.refused(answer.Get("error")), fmt.Errorf("signin: the provider has answered %.60q", answer.Get("error"))
	case code == "" || len(code) > maxCode:
		return http.StatusBadRequest, "The answer of " + h.name + " is not valid.", fmt.Errorf("%w: it has no code", errInvalid)
	}
	profile, err := h.provider.finish(ctx, found, code, s)
	switch {
	case errors.Is(err, errUnavailable):
		return http.StatusBadGateway, h.unavailable(), err
	case err != nil:
		return http.StatusBadGateway, "The answer of " + h.name + " is not valid.", err
	}
	m, err := h.config.Accounts.Save(ctx, profile)
	if err == nil {
		h.config.Renamed(m)
		err = h.handOver.set(w, &handOver{ID: newSecret(), Account: m.ID, Guest: s.Guest, Expires: time.Now().Add(handOverLife)})
	}
	if err != nil {
		return http.StatusServiceUnavailable, later, err
	}
	return 0, "", nil
}

// unavailable is what to tell a person while the provider can't be reached.
func (h *Handler) unavailable() string {
	return h.name + " can’t be reached at the moment. Try again in a minute."
}

// refused is what to tell a person who the provider has not signed in.
func (h *Handler) refused(code string) string {
	switch code {
	case "access_denied", "consent_required", "interaction_required", "login_required", "account_selection_required":
		return h.name + " did not sign you in: it was cancelled, or you have no access."
	case "temporarily_unavailable", "server_error":
		return h.unavailable()
	}
	return h.name + " did not sign you in."
}

// serveToken begins the session of the account that has signed in in this browser.
func (h *Handler) serveToken(w http.ResponseWriter, r *http.Request) {
	if refusal := h.limit(r); refusal != nil {
		writeLimit(w, refusal)
		return
	}
	var s handOver
	if err := h.handOver.get(r, &s); err != nil {
		writeMessage(w, http.StatusForbidden, "Nobody has signed in in this browser during the last 2 minutes.")
		return
	}
	h.handOver.clear(w)
	err := h.config.Accounts.Use(r.Context(), "token "+s.ID, s.Expires)
	if errors.Is(err, identity.ErrUsed) {
		h.failed(r, err)
		writeMessage(w, http.StatusForbidden, "The token was fetched already.")
		return
	}
	var session identity.Session
	if err == nil {
		session, err = h.config.Accounts.Begin(r.Context(), s.Account, s.Guest)
	}
	if err != nil {
		h.failed(r, err)
		writeMessage(w, http.StatusServiceUnavailable, "Signing in does not work at the moment. Try again in a minute.")
		return
	}
	h.config.Log.InfoContext(r.Context(), "an account has signed in", "member", s.Account, "guest", s.Guest, "peer", h.config.Proxies.Of(r))
	writeJSON(w, http.StatusOK, map[string]any{
		"token":           session.Token,
		"member":          map[string]string{"id": session.Member.ID, "name": session.Member.Name},
		"formerMemberIds": append([]string{}, session.Former...),
		"picture":         session.Member.Picture,
		"expireTime":      session.Expires.UTC().Format(time.RFC3339),
	})
}

// Refused returns how many sign-ins were refused, by the reason: a limit, a provider that is not
// available, or another one. A nil Handler has refused none.
func (h *Handler) Refused() map[string]uint64 {
	if h == nil {
		return nil
	}
	return h.refusals.Counts()
}

// limit lets a request pass, or says which limit refuses it.
func (h *Handler) limit(r *http.Request) *ratelimit.Refusal {
	address := h.config.Proxies.Of(r)
	refusal := h.config.Rates.Allow(ratelimit.SignIn, ratelimit.Caller{Address: address})
	if refusal != nil {
		h.refusals.Add(refusal.Limit())
		h.peers.Warn(r.Context(), "a sign-in was refused by a limit", "peer", address, "reason", refusal)
	}
	return refusal
}

// failed logs and counts why a sign-in has failed. Errors contain no token and no code.
func (h *Handler) failed(r *http.Request, err error) {
	if errors.Is(err, errUnavailable) {
		h.refusals.Add("provider_unavailable")
	} else {
		h.refusals.Add("sign_in")
	}
	h.peers.Warn(r.Context(), "a sign-in has failed", "peer", h.config.Proxies.Of(r), "path", r.URL.Path, "reason", err)
}
