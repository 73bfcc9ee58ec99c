import assert from "node:assert/strict";
import { test } from "node:test";
import { markedIcon, tabTitle } from "./tab-badge";

test("the title counts mentions, or unread messages if there are none", () => {
  const cases: [Parameters<typeof tabTitle>[0], string][] = [
    [{ title: "", unread: "", mentions: 0 }, "chatroom"],
    [{ title: "Team", unread: "", mentions: 0 }, "Team · chatroom"],
    [{ title: "Team", unread: "3", mentions: 0 }, "(3) Team · chatroom"],
    [{ title: "Team", unread: "3", mentions: 2 }, "(@2) Team · chatroom"],
  ];
  for (const [badge, want] of cases) assert.equal(tabTitle(badge), want);
});

test("the icon has the number of mentions, or a dot", () => {
  const shown = (mentions: number) => decodeURIComponent(markedIcon(mentions));
  assert.match(shown(0), /<circle/);
  assert.match(shown(3), />3<\/text>/);
  assert.match(shown(12), />9\+<\/text>/);
});
