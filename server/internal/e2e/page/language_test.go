package page

import (
	"testing"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// Errors are shown in the language of the page: those of the server (a rule, a limit, a refusal with a
// reason) and those of the client library.
func TestFailuresAreInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	b, dir := newBrowser(t), t.TempDir()
	key := harness.CreateKey(t, dir, harness.KeySpec{Name: "administrator", Grants: []harness.KeyGrant{{Pattern: "*", Can: []string{"read", "moderate"}}}})
	s := harness.Start(t, harness.InDir(dir), harness.WithLimits("off,send.member=1/h:1"))
	line := newBreakableProxy(t, s.Addr)
	ada := b.openBlank(t, "Ada")
	ada.setLanguages("ja")
	ada.navigate(line.URL)
	ada.await(`document.querySelector("#name") !== null && ` + isLive)
	ada.run(`document.querySelector("#name").focus(); document.execCommand("insertText", false, "\u202eAda")`)
	ada.press("\r")
	ada.await(`document.querySelector("#name-problem").textContent === "この名前は長すぎるか、使えない文字が含まれています。"`)
	ada.run(`document.querySelector("#name").select(); document.execCommand("insertText", false, "Ada")`)
	line.breakConnections()
	ada.press("\r")
	ada.await(`document.querySelector("#name-problem").textContent === "サーバーに接続できませんでした。"`)
	line.restore()
	ada.press("\r")
	ada.do(chromedp.WaitVisible(chromedp.CSS("#text")))

	ada.sendMessage("one")
	ada.sendMessage("two")
	ada.await(`document.querySelector(".banner[data-shown=true]")?.textContent.includes("操作が多すぎます。")`)

	member := evaluate[string](ada, `JSON.parse(localStorage.getItem("chatroom.identity")).member.id`)
	_, err := harness.ConnectHTTP1.Open(t, s, key).Ban(harness.Context(t), &chatv1.BanRequest{Room: "lobby", Subject: subject(member), Reason: "noise"})
	harness.Must(t, err)
	ada.await(`document.querySelector(".placeholder .reason")?.textContent === "このルームへの参加を禁止されています。 理由: noise"`)
}
