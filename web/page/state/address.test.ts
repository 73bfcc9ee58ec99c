import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress, roomLink, roomPath } from "./address";

test("the address names the room and the message, at any base", () => {
  const longest = "a".repeat(64);
  const noMessage = 2n ** 64n - 1n;
  const cases: [string, string | null, bigint][] = [
    ["", "lobby", 0n],
    ["r/team", "team", 0n],
    ["r/team/4711", "team", 4711n],
    ["r/team/0004711", "team", 4711n],
    ["r/team/18446744073709551614", "team", 18446744073709551614n],
    ["r/team/18446744073709551615", "team", noMessage],
    ["r/team/18446744073709551616", "team", noMessage],
    ["r/a.b_c-9", "a.b_c-9", 0n],
    ["r/Team", "team", 0n],
    ["r/team?signin=done", "team", 0n],
    ["r/team#other", "team", 0n],
    ["r/team?room=other", "team", 0n],
    ["r/team/", "team", 0n],
    ["r/team/0", "team", noMessage],
    ["r/team/-1", "team", noMessage],
    ["r/team/x", "team", noMessage],
    [`r/${longest}`, longest, 0n],
    [`r/${longest}a`, null, 0n],
    ["r/a%2Fb", null, 0n],
    ["r/", null, 0n],
  ];
  for (const base of ["https://chat.example/", "http://localhost:8080/apps/chat/"]) {
    for (const [path, room, sequence] of cases) {
      assert.deepEqual(parseAddress(base + path, base), { room, sequence, current: true }, base + path);
    }
  }
});

test("addresses of earlier builds: the query, or else the fragment", () => {
  const cases: [string, string | null, boolean][] = [
    ["#", "lobby", true],
    ["#go", "go", false],
    ["?room=go", "go", false],
    ["?room=Go", "go", false],
    ["?room=team#m12", "team", false],
    ["?other=1", "lobby", true],
    ["#a.b_c-9", "a.b_c-9", false],
    ["#%67o", "go", false],
    ["?room=..", "..", true],
    ["?room=.", ".", true],
    ["#..", "..", false],
    ["#a%20b", null, true],
    ["#%", null, true],
    ["?room=a/b", null, true],
    [`#${"a".repeat(65)}`, null, true],
  ];
  for (const [address, room, current] of cases) {
    const base = "https://chat.example/chat/";
    assert.deepEqual(parseAddress(base + address, base), { room, sequence: 0n, current }, address);
  }
});

test("paths name what they were made of", () => {
  for (const base of ["https://chat.example/", "https://chat.example/chat/"]) {
    for (const room of ["team", "a.b_c-9", "...", ".", "..", "r"]) {
      const address = parseAddress(roomLink(base, room), base);
      assert.deepEqual(address, { room, sequence: 0n, current: true }, base + room);
    }
  }
  assert.equal(roomPath("team"), "r/team");
  assert.equal(roomPath("team", 4711n), "r/team/4711");
  assert.equal(roomLink("https://chat.example/chat/", "team", 4711n), "https://chat.example/chat/r/team/4711");
});
