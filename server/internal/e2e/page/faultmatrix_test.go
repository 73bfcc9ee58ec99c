package page

import (
	"fmt"
	"slices"
	"testing"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// A fault is what can go wrong between a page and its server, and what the page does about it.
// Not here are a reader who sends nothing (TestPageSaysThatTheServerIsFrozen), connections that
// break again and again (TestPageResumesAfterBrokenConnections), a room that is refused from the
// start (TestPageSaysThatARoomIsRefused), the session of an account (TestPageWhenASessionEnds), how
// many messages are not kept (TestPageTellsWhatIsLost), and tabs that are closed, hang or crash
// (TestOutboxOutlivesTheTab, TestAnotherTabTakesOver).
type fault struct {
	name  string
	begin func(r *faultRoom)
	// midway is what happens once Ada has written the first message, nil for nothing.
	midway func(r *faultRoom)
	// reads is whether the page can do nothing but read meanwhile.
	reads bool
	// says is the sentence that the page has for it.
	says string
	// shows is a condition that holds besides, empty for none.
	shows string
	// down is whether the server answers no client during the fault.
	down bool
	end  func(r *faultRoom)
	// after is a condition that holds once it is over, empty for none.
	after string
	// lost is how many of the messages before are not kept. The page may show more than the log has.
	lost    int
	options []harness.Option
}

const (
	saysLost       = "The connection is lost. What you write is kept, and sent when it is back."
	saysRestarting = "The server is restarting. It will be back in a moment."
	saysUnanswered = "The server does not answer. What you write is kept, and sent when it does."
	saysOffline    = "You are offline. What you write is kept, and sent when you are back."
)

var faults = []fault{
	{
		name:  "the server is killed and starts again",
		begin: func(r *faultRoom) { r.server.Kill() },
		says:  saysLost, down: true,
		end: (*faultRoom).startServer,
	},
	{
		name:  "the server is stopped and starts again",
		begin: func(r *faultRoom) { r.server.Terminate(r.t) },
		says:  saysRestarting, down: true,
		end: func(r *faultRoom) {
			r.server.AwaitExit(r.t, time.Minute)
			r.startServer()
		},
	},
	{
		name:  "the server is frozen",
		begin: func(r *faultRoom) { r.server.Freeze(r.t) },
		says:  saysUnanswered, down: true,
		end: func(r *faultRoom) { r.server.Thaw(r.t) },
	},
	{
		name:  "nothing passes on the line",
		begin: func(r *faultRoom) { r.line.hold() },
		says:  saysUnanswered,
		end:   func(r *faultRoom) { r.line.release() },
	},
	{
		name:  "the line is cut",
		begin: func(r *faultRoom) { r.line.breakConnections() },
		says:  saysLost,
		end:   func(r *faultRoom) { r.line.restore() },
	},
	{
		name:  "the line is cut while a message is being sent",
		begin: func(r *faultRoom) { r.line.hold() },
		midway: func(r *faultRoom) {
			r.ada.await(`window.attempted.includes("during 0")`)
			r.line.breakConnections()
			r.line.release()
		},
		says: saysLost,
		end:  func(r *faultRoom) { r.line.restore() },
	},
	{
		name:  "the browser is offline",
		begin: func(r *faultRoom) { r.ada.setOffline(true) },
		says:  saysOffline,
		end:   func(r *faultRoom) { r.ada.setOffline(false) },
	},
	{
		name: "what was missed is not kept",
		begin: func(r *faultRoom) {
			r.line.breakConnections()
			for i := range 30 {
				r.sayElsewhere(fmt.Sprintf("missed %d", i))
			}
		},
		says: saysLost,
		end:  func(r *faultRoom) { r.line.restore() },
		// Two more go while the page sends its own.
		after:   `/^1[123] messages are no longer kept\.$/.test(` + logStart + `)`,
		lost:    1,
		options: []harness.Option{func(c *service.Config) { c.RetainRoomEvents = 20 }},
	},
	{
		name: "the room is refused",
		begin: func(r *faultRoom) {
			_, err := r.administrator().Ban(harness.Context(r.t), &chatv1.BanRequest{Room: "lobby", Subject: subject(r.memberID()), Reason: "a mistake"})
			harness.Must(r.t, err)
		},
		reads: true,
		shows: `document.querySelector(".placeholder h2")?.textContent === "You cannot open this room" && document.querySelector(".reason").textContent.includes("a mistake") && !document.querySelector("#text")`,
		end: func(r *faultRoom) {
			_, err := r.administrator().Unban(harness.Context(r.t), &chatv1.UnbanRequest{Room: "lobby", Subject: subject(r.memberID())})
			harness.Must(r.t, err)
			r.ada.clickButton("Try again")
		},
	},
	{
		name: "the token is not valid any more",
		begin: func(r *faultRoom) {
			member := &chatv1.RevokedMember{MemberId: r.memberID()}
			r.ada.run(`window.former = localStorage.getItem("chatroom.identity")`)
			_, err := r.administrator().RevokeTokens(harness.Context(r.t), &chatv1.RevokeTokensRequest{Target: &chatv1.RevokeTokensRequest_Member{Member: member}})
			harness.Must(r.t, err)
		},
		// A guest gets another one, and has the same name: there is nothing to say.
		shows: `window.former !== localStorage.getItem("chatroom.identity") && ` + isLive,
		end:   func(*faultRoom) {},
		after: `JSON.parse(localStorage.getItem("chatroom.identity")).member.name === "Ada"`,
	},
}

// faultRoom is a page in a room, and all that can fail.
type faultRoom struct {
	t       *testing.T
	dir     string
	options []harness.Option
	key     string
	server  *harness.Process
	guest   chatv1connect.ChatRoomClient // of the server, not through the line
	line    *breakableProxy
	ada     *tab
}

func newFaultRoom(t *testing.T, options []harness.Option) *faultRoom {
	t.Helper()
	r := &faultRoom{t: t, dir: t.TempDir(), options: options}
	r.key = harness.CreateKey(t, r.dir, harness.KeySpec{Name: "administrator", Grants: []harness.KeyGrant{{Pattern: "*", Can: []string{"read", "moderate", "manage"}}}})
	r.line = newBreakableProxy(t, "")
	r.startServer()
	r.ada = newBrowser(t).openSignedIn(t, r.line.URL, "Ada")
	r.ada.await(bannerKind + ` === "" && document.querySelector(".banner [role=status]").textContent === ""`)
	// What the page has begun to send, with the bytes around it.
	r.ada.run(`{
		const real = window.fetch;
		window.attempted = "";
		window.fetch = (url, init) => {
			if (String(url).endsWith("/Send")) window.attempted += new TextDecoder().decode(init.body);
			return real(url, init);
		};
	}`)
	// What the page says of the connection, also for a moment.
	r.ada.run(`window.said = []; new MutationObserver(() => {
		const banner = document.querySelector(".banner");
		const text = banner?.querySelector("[role=status]").textContent ?? "";
		if (text !== "" && said.at(-1) !== text && (banner.dataset.shown === "true" || text === "Connected again.")) said.push(text);
	}).observe(document.body, { childList: true, subtree: true, attributes: true, characterData: true })`)
	return r
}

// startServer starts the server on the data that there are.
func (r *faultRoom) startServer() {
	r.t.Helper()
	r.server = harness.StartProcess(r.t, append([]harness.Option{harness.InDir(r.dir), harness.WithLimits("")}, r.options...)...)
	r.guest = harness.RPCClient(r.t, &r.server.Service)
	r.line.leadTo(r.server.Addr)
}

func (r *faultRoom) administrator() harness.Client {
	return harness.ConnectHTTP1.Open(r.t, &r.server.Service, r.key)
}

func (r *faultRoom) memberID() string {
	r.t.Helper()
	return evaluate[string](r.ada, `JSON.parse(localStorage.getItem("chatroom.identity")).member.id`)
}

// sayElsewhere sends a message as a member whose connection works.
func (r *faultRoom) sayElsewhere(text string) {
	r.t.Helper()
	_, err := r.guest.Send(harness.Context(r.t), harness.TextRequest("lobby", text))
	harness.Must(r.t, err)
}

// stored returns the messages in the log.
func (r *faultRoom) stored() []string {
	r.t.Helper()
	page, err := r.guest.ListEvents(harness.Context(r.t), &chatv1.ListEventsRequest{Room: "lobby", Limit: 100})
	harness.Must(r.t, err)
	var texts []string
	for _, e := range page.GetEvents() {
		texts = append(texts, e.GetMessage().GetText())
	}
	return texts
}

// Whatever fails, the page says what it is in words of its own, recovers by itself or offers a way
// on, and neither loses nor repeats what was sent; unsent words stay in the field. The log has how
// long each takes: go test -v -run TestPageInFaults ./server/internal/e2e/page.
func TestPageInFaults(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := newFaultRoom(t, f.options)
			r.ada.sendMessage("before")
			r.ada.expectMessages("before")
			r.suffer(f)
			r.recover(f)
		})
	}
}

// suffer brings a fault, during which Ada writes.
func (r *faultRoom) suffer(f fault) {
	r.t.Helper()
	if f.reads {
		r.ada.press("unsent words")
	}
	began := time.Now()
	f.begin(r)
	if !f.reads {
		r.ada.sendMessage("during 0")
		if f.midway != nil {
			f.midway(r)
		}
		r.ada.sendMessage("during 1")
		r.ada.press("unsent words")
	}
	if f.says != "" {
		r.ada.await(fmt.Sprintf(`said.includes(%q)`, f.says))
	}
	if f.shows != "" {
		r.ada.await(f.shows)
	}
	r.t.Logf("told of after %v", time.Since(began).Round(time.Millisecond))
	if !f.down {
		r.sayElsewhere("elsewhere")
	}
}

// recover ends a fault, and compares the page with the log.
func (r *faultRoom) recover(f fault) {
	r.t.Helper()
	ended := time.Now()
	f.end(r)
	if f.down {
		r.sayElsewhere("elsewhere")
	}
	r.ada.await(isLive + ` && ` + bannerKind + ` === "" && document.querySelector("#text") !== null`)
	r.t.Logf("over after %v", time.Since(ended).Round(time.Millisecond))
	if f.says != "" {
		r.ada.await(`said.at(-1) === "Connected again."`)
	}
	own := []string{"before", "during 0", "during 1"}[f.lost:]
	if f.reads {
		own = own[:1]
	}
	var stored []string
	eventually(r.t, func() error {
		stored = r.stored()
		got := slices.DeleteFunc(slices.Clone(stored), func(text string) bool { return !slices.Contains(own, text) })
		if !slices.Equal(got, own) {
			return fmt.Errorf("of what Ada has sent, %q is stored, want %q", got, own)
		}
		return nil
	})
	r.expectLog(f, stored)
	r.ada.awaitField("unsent words")
	if f.after != "" {
		r.ada.await(f.after)
	}
	r.ada.run(`document.querySelector("#text").focus()`) // the composer may be a new one
	r.ada.press("\r")
	r.expectLog(f, append(stored, "unsent words"))
}

// expectLog waits until the page shows what is stored.
func (r *faultRoom) expectLog(f fault, stored []string) {
	r.t.Helper()
	if f.lost == 0 {
		r.ada.expectMessages(stored...)
		return
	}
	eventually(r.t, func() error {
		got := r.ada.texts()
		if more := len(got) - len(stored); more < 0 || !slices.Equal(got[more:], stored) {
			return fmt.Errorf("the page shows %q, want %q at its end", got, stored)
		}
		return nil
	})
}
