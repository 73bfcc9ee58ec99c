package signin

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"chatroom/server/internal/ratelimit"
)

// problemPage tells a person why signing in did not work. It looks like the page.
var problemPage = template.Must(template.New("problem").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Signing in did not work · chatroom</title>
<link rel="icon" href="{{.Base}}/icon.svg">
<link rel="stylesheet" href="{{.Base}}/{{.Style}}">
</head>
<body>
<main class="note">
<h1>Signing in did not work</h1>
<p role="alert">{{.Message}}</p>
<p><a href="{{.Return}}">Back to the chat</a></p>
</main>
</body>
</html>
`))

// returnPath returns where a person continues. It is always an address of the page.
func (h *Handler) returnPath(room string, signedIn bool) string {
	page := &url.URL{Path: h.public.Path + "/"}
	query := url.Values{}
	switch room {
	case "":
	case ".", "..": // which a path can't have
		query.Set("room", room)
	default:
		page.Path += "r/" + room
	}
	if signedIn {
		query.Set("signin", "done") // the page fetches its token
	}
	page.RawQuery = query.Encode()
	return page.String()
}

// secureHeaders sets the headers of the page: an address with a code must not get out by the
// header Referer or by a cache.
func secureHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

func (h *Handler) writePage(w http.ResponseWriter, status int, room, message string) {
	secureHeaders(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = problemPage.Execute(w, struct{ Message, Return, Base, Style string }{message, h.returnPath(room, false), h.public.Path, h.config.Style}) // the client may be gone
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	secureHeaders(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may be gone
}

func writeMessage(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"message": message})
}

func writeProvider(w http.ResponseWriter, name string) {
	writeJSON(w, http.StatusOK, map[string]string{"provider": name})
}

// limited sets when to try again, and returns what to tell a person.
func limited(w http.ResponseWriter, refusal *ratelimit.Refusal) string {
	seconds := int(math.Ceil(refusal.RetryAfter.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return fmt.Sprintf("That was too often. Try again in %d s.", seconds)
}

func writeLimit(w http.ResponseWriter, refusal *ratelimit.Refusal) {
	writeMessage(w, http.StatusTooManyRequests, limited(w, refusal))
}

func (h *Handler) writeLimitPage(w http.ResponseWriter, refusal *ratelimit.Refusal) {
	h.writePage(w, http.StatusTooManyRequests, "", limited(w, refusal))
}
