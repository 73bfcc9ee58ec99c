package page

import (
	"fmt"
	"testing"

	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

const logStart = `document.querySelector(".log-start")?.textContent`

// What was read last is not retained any more: the room opens at the oldest message that is, where the
// unread ones begin, and says that others are gone.
func TestPageOpensAtTheOldestWhenWhatWasReadIsGone(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	s := harness.Start(t, harness.WithLimits("off"), func(c *service.Config) { c.RetainRoomEvents = 200 })
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.sendMessage("read")
	ada.expectMessages("read")
	ada.await(`(localStorage.getItem("chatroom.seen") ?? "").includes("lobby")`)
	ada.navigate("about:blank")
	v := harness.ConnectOver(harness.H2CClient)(t, s, "")
	for i := range 300 {
		_, err := v.Send(harness.Context(t), harness.TextRequest("lobby", fmt.Sprintf("message %d", i)))
		harness.Must(t, err)
	}
	ada.navigate(s.URL + "/")
	ada.await(logStart + ` === "Earlier messages were deleted, or are no longer kept."`)
	ada.await(`document.querySelector("[role=log] .message .text").textContent === "message 100"`)
	ada.await(`(() => {
		const line = document.querySelector(".divider.unread")?.getBoundingClientRect(), log = document.querySelector("[role=log]").getBoundingClientRect();
		return line && line.top >= log.top && line.bottom <= log.bottom;
	})()`)
}

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
