package page

import (
	"fmt"
	"testing"

	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

const logStart = `document.querySelector(".log-start")?.textContent`

// P4: what was not received and is not retained any more is told, with the number
// of messages, and the room does not seem to begin where the log now does.
func TestPageTellsWhatIsLost(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	s := harness.Start(t, harness.WithLimits(""), func(c *service.Config) { c.RetainRoomEvents = 20 })
	line := newBreakableProxy(t, s.Addr)
	ada := b.openSignedIn(t, line.URL, "Ada")
	ada.sendMessage("before")
	ada.expectMessages("before")
	ada.await(logStart + ` === "This is where #lobby begins."`)
	line.breakConnections()
	ada.await(`!(` + isLive + `)`)
	v := harness.ConnectOver(harness.H2CClient)(t, s, "")
	var kept []string
	for i := range 60 {
		text := fmt.Sprintf("message %d", i)
		_, err := v.Send(harness.Context(t), harness.TextRequest("lobby", text))
		harness.Must(t, err)
		if i >= 40 {
			kept = append(kept, text)
		}
	}
	line.restore()
	ada.run(`document.querySelector(".try-now")?.click()`)
	ada.await(logStart + ` === "40 messages are no longer kept."`)
	ada.expectMessages(kept...)
	bob := b.openSignedIn(t, line.URL, "Bob")
	bob.await(logStart + ` === "41 earlier messages are no longer kept."`)
	bob.expectMessages(kept...)
}
