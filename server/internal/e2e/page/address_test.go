package page

import (
	"fmt"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

// Every form of an address opens the room and the message that it names. The page says so if there is
// no such message, or no such room.
func TestPageOpensWhateverAnAddressNames(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	fill(t, member(t, s, "grace"), "team", 0, 3)
	p := b.openSignedIn(t, s.URL, "Ada")
	const (
		named  = `document.activeElement?.matches(".message") && document.activeElement.querySelector(".text").textContent.startsWith("message 1")`
		absent = `document.querySelector(".absent") !== null && ` + atEnd
		plain  = `document.querySelector(".absent") === null && document.title === "#team · chatroom" && document.querySelector("#text") !== null`
		broken = `document.querySelector("h1")?.textContent === "This is not a room’s name"`
	)
	for _, tt := range []struct{ address, path, holds string }{
		{"/r/team", "/r/team", plain},
		{"/r/Team", "/r/team", plain},
		{"/r/t%65am/", "/r/team", plain},
		{"/?room=Team", "/r/team", plain},
		{"/#Team", "/r/team", plain},
		{"/r/team/2", "/r/team/2", named},
		{"/r/TEAM/2", "/r/team/2", named},
		{"/r/team/0", "/r/team/0", absent},
		{"/r/Team/-1", "/r/team/-1", absent},
		{"/r/team/x", "/r/team/x", absent},
		{"/r/team/18446744073709551615", "/r/team/18446744073709551615", absent},
		{"/r/team/18446744073709551616", "/r/team/18446744073709551616", absent},
		{"/r/%00", "/?room=%00", broken},
		{"/r/caf%C3%A9", "/?room=caf%C3%A9", broken},
	} {
		p.navigate(s.URL + tt.address)
		p.await(fmt.Sprintf(`location.pathname + location.search === %q && %s`, tt.path, tt.holds))
	}
}
