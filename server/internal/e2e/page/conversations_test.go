package page

import (
	"context"
	"fmt"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// The screens are those of a small team's rooms.
var screens = []screen{
	{name: "first-visit", languages: "en", room: "team"},
	{name: "conversation", languages: "en", room: "team", signedIn: true},
	{name: "empty-room", languages: "en", room: "quiet", signedIn: true},
	{name: "long-messages", languages: "en", room: "unruly", signedIn: true},
	{name: "arabic", languages: "en", room: "majlis", signedIn: true},
	{name: "japanese-first-visit", languages: "ja", room: "tokyo"},
	{name: "japanese", languages: "ja", room: "tokyo", signedIn: true},
}

// A line is a message of a seeded conversation: who says what, as an answer to the line before
// it (if reply is set), and the reactions to it.
type line struct {
	who, text string
	reply     bool
	reactions string
}

var conversations = map[string][]line{
	"team": {
		{who: "Grace Hopper", text: "Good morning! The nightly build is green again 🎉", reactions: "🎉👍"},
		{who: "Linus", text: "Thanks to everyone who stayed late. Notes are at https://example.com/notes/2026/11/26/release-checklist-for-the-nightly-build"},
		{who: "Grace Hopper", text: "Two things before the release:\n- the *upgrade* guide needs a second reader\n- `-drain` should be **8 s** by default"},
		{who: "Grace Hopper", text: "Who can take the first one?"},
		{who: "Ada Lovelace", text: "I will, this afternoon.", reply: true, reactions: "❤️"},
		{who: "Linus", text: "This is the line that fails for me:\n```go\nfor _, room := range rooms {\n\tif err := room.Close(ctx); err != nil {\n\t\treturn fmt.Errorf(\"closing %s: %w\", room.Name, err)\n\t}\n}\n```"},
		{who: "Ada Lovelace", text: "> if err := room.Close(ctx)\nThat context has ended already: use one of its own.", reply: true, reactions: "👍💯"},
		{who: "Linus", text: "@Grace Hopper does that fit with what you saw yesterday?"},
		{who: "Grace Hopper", text: "👍"},
	},
	"majlis": {
		{who: "ليلى", text: "صباح الخير يا أصدقاء! هل رأى أحدكم الإصدار الجديد؟", reactions: "👍"},
		{who: "Omar", text: "Yes: الإصدار 0.1.0 is out, see https://example.com/release"},
		{who: "ليلى", text: "رائع! سأكتب الملاحظات:\n- الترقية\n- النسخ الاحتياطي", reply: true},
		{who: "عمر", text: "شكرًا جزيلًا 🙏"},
	},
	"tokyo": {
		{who: "佐藤花子", text: "おはようございます。新しい版はもう試しましたか？", reactions: "👍"},
		{who: "田中", text: "はい、昨日入れました。詳しくは「https://example.com/ja/notes」をご覧ください。"},
		{who: "佐藤花子", text: "ありがとうございます！\n- 移行の手順\n- バックアップの確認", reply: true},
	},
	"unruly": {
		{who: "Mallory", text: strings.Repeat("line\n", 200) + "end"},
		{who: "Mallory", text: "y" + strings.Repeat("\u0301\u0316", 300)},
		{who: "Mallory", text: "https://example.com/" + strings.Repeat("very-long-", 30)},
		{who: "Mallory", text: strings.Repeat("W", 400)},
		{who: "Grace Hopper", text: "This is still readable."},
	},
}

// seedConversations fills rooms, as their members write.
func seedConversations(ctx context.Context, t *testing.T, s *harness.Service) {
	t.Helper()
	members := make(map[string]harness.Client)
	for room, lines := range conversations {
		var last uint64
		for i, l := range lines {
			if members[l.who] == nil {
				token, _ := s.SignIn(t, l.who)
				members[l.who] = harness.ConnectHTTP1.Open(t, s, token)
			}
			m := &chatv1.Message{Text: l.text}
			if l.reply {
				m.ReplyTo = last
			}
			sent, err := members[l.who].Send(ctx, harness.MessageRequest(room, fmt.Sprint(room, i), m))
			harness.Must(t, err)
			last = sent.GetSequence()
			for emoji := range strings.SplitSeq(separated(l.reactions), " ") {
				if emoji == "" {
					continue
				}
				_, err := members[lines[0].who].Send(ctx, harness.ReactionRequest(room, fmt.Sprint(room, i, emoji), last, emoji, false))
				harness.Must(t, err)
			}
		}
	}
	profile := &chatv1.SetRoomRequest{Room: "team", DisplayName: "Team", Topic: "Releases, reviews and the odd cake"}
	_, err := members["Grace Hopper"].SetRoom(ctx, profile)
	harness.Must(t, err)
}

// separated puts spaces between emoji.
func separated(emoji string) string {
	var parts []string
	for _, r := range emoji {
		if r == '\uFE0F' && len(parts) > 0 {
			parts[len(parts)-1] += string(r)
		} else {
			parts = append(parts, string(r))
		}
	}
	return strings.Join(parts, " ")
}
