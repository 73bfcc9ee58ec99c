package page

import (
	"strings"
	"time"
)

// ada is whose page the pictures show.
const ada = "Ada Lovelace"

// A conversation is what the members of a room have said.
type conversation struct {
	room, displayName, topic string
	ended                    time.Duration // how long ago the last line was
	lines                    []line
}

// A line is a message of a conversation: who says what, how long after the line before, as an
// answer to the line before (if reply is set), what it said before it was edited, and the
// reactions: an emoji once for each member.
type line struct {
	who, text string
	after     time.Duration
	reply     bool
	edited    string
	reactions string
}

// townspeople are the members of the conversations. Ada is the first, the others react in their order.
var townspeople = []string{ada, "Grace Hopper", "Linus", "Katherine", "佐藤 花子", "田中 太郎", "ليلى", "عمر", "Margaret", "Mallory"}

// conversations are those of a small team, the one that ended first first: the store keeps the times
// of its rows in order.
var conversations = []conversation{
	{room: "archive", ended: 40 * 24 * time.Hour, lines: archiveLines()},
	{room: "books", displayName: "📚 Books", ended: 75 * time.Hour, lines: []line{{who: "Margaret", text: "Who has read *The Soul of a New Machine*?"}}},
	{room: "unruly", ended: 50 * time.Hour, lines: []line{
		{who: "Mallory", text: "One per line:\n" + strings.Repeat("line\n", 200) + "end"},
		{who: "Mallory", text: "y" + strings.Repeat("\u0301\u0316", 300)},
		{who: "Mallory", text: "https://example.com/" + strings.Repeat("very-long-", 30)},
		{who: "Mallory", text: strings.Repeat("W", 400)},
		{who: "Grace Hopper", text: "This is still readable."},
	}},
	{room: "infrastructure", ended: 26 * time.Hour, lines: []line{{who: "Katherine", text: "The new disks are in."}}},
	{room: "support", ended: 5 * time.Hour, lines: []line{{who: "Linus", text: "Two questions about backups came in this morning."}}},
	{room: "announcements", displayName: "📣 Announcements", topic: "What everyone should know", ended: 3 * time.Hour, lines: []line{
		{who: "Grace Hopper", text: "Version 0.9 is out. Thank you all! 🎉", reactions: "🎉🎉🎉"},
	}},
	{room: "majlis", displayName: "المجلس", topic: "أخبار الفريق", ended: 95 * time.Minute, lines: majlisLines},
	{room: "tokyo", displayName: "東京オフィス", topic: "日々の連絡", ended: 47 * time.Minute, lines: tokyoLines},
	{room: "design", displayName: "🎨 Design", topic: "Drafts are welcome", ended: 26 * time.Minute, lines: []line{
		{who: "Margaret", text: "The second draft of the icons is in the folder."},
		{who: "Katherine", text: "Much calmer. I like the round ones.", after: 4 * time.Minute, reactions: "❤️"},
	}},
	{room: "team", displayName: "Team", topic: "Releases, reviews and the odd cake", ended: 3 * time.Minute, lines: teamLines},
}

var teamLines = []line{
	{who: "Linus", text: "Heads-up: the nightly build is red since the change of the schema."},
	{who: "Grace Hopper", text: "I see it. The migration runs twice.", after: 6 * time.Minute, reply: true},
	{who: ada, text: "I can look at it tomorrow, first thing.", reactions: "🙏🙏"},
	{who: "Grace Hopper", text: "Good morning! The nightly build is green again 🎉", after: 17 * time.Hour, reactions: "🎉🎉🎉👍"},
	{who: "Linus", text: "Thanks to everyone who stayed late. Notes are at https://example.com/notes/2026/11/26/release-checklist-for-the-nightly-build", after: 8 * time.Minute},
	{who: "Grace Hopper", text: "Two things before the release:\n- the *upgrade* guide needs a second reader\n- `-drain` should be **8 s** by default", after: 11 * time.Minute},
	{who: "Grace Hopper", text: "Who can take the first one?"},
	{who: ada, text: "I will, this afternoon.", after: 3 * time.Minute, reply: true, reactions: "❤️"},
	{who: "Linus", text: "This is the line that fails for me:\n```go\nfor _, room := range rooms {\n\tif err := room.Close(ctx); err != nil {\n\t\treturn fmt.Errorf(\"closing %s: %w\", room.Name, err)\n\t}\n}\n```", after: 14 * time.Minute},
	{who: ada, text: "> if err := room.Close(ctx)\nThat context has ended already: give it one of its own.", edited: "That context has ended.", after: 2 * time.Minute, reply: true, reactions: "👍👍💯"},
	{who: "Katherine", text: "@Ada Lovelace could you add a test for that? It bit us in spring as well.", after: 4 * time.Minute},
	{who: ada, text: "It is in the branch already 🙂", after: time.Minute},
	{who: "Katherine", text: "👏"},
}

var tokyoLines = []line{
	{who: "佐藤 花子", text: "おはようございます。新しい版はもう試しましたか？", reactions: "👍"},
	{who: "田中 太郎", text: "はい、昨日入れました。詳しくは「https://example.com/ja/notes」をご覧ください。", after: 9 * time.Minute},
	{who: "佐藤 花子", text: "ありがとうございます！\n- 移行の手順\n- バックアップの確認", reply: true, after: 3 * time.Minute},
	{who: "佐藤 花子", text: "午後の会議までに、**手順書**の第２章をもう一度読み直しておきます。気づいた点があれば、ここに書いてください。"},
	{who: "田中 太郎", text: "了解です🙇", after: 2 * time.Minute, reactions: "🙏"},
}

var majlisLines = []line{
	{who: "ليلى", text: "صباح الخير يا أصدقاء! هل رأى أحدكم الإصدار الجديد؟", reactions: "👍"},
	{who: "عمر", text: "Yes: الإصدار 0.9 is out, see https://example.com/release", after: 5 * time.Minute},
	{who: "ليلى", text: "رائع! سأكتب الملاحظات:\n- الترقية\n- النسخ الاحتياطي", reply: true},
	{who: "عمر", text: "شكرًا جزيلًا 🙏", after: 3 * time.Minute},
}

// archiveLines are those of a week.
func archiveLines() []line {
	lines := make([]line, 0, 30)
	for i := range 30 {
		said := [...]string{"The build is green.", "I have read the notes, and they are fine with me.", "Who reviews the next one?", "I do.", "Merged."}[i%5]
		lines = append(lines, line{who: townspeople[1+i%3], text: said, after: 7 * time.Hour})
	}
	return lines
}
