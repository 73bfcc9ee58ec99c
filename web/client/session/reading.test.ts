import assert from "node:assert/strict";
import { test } from "node:test";
import { bob, ephemeral, event, joined, message, SessionHarness } from "../testing/session-harness";

const epoch = "e1";

test("unread messages begin where the room was read to, until they are read", () => {
  const p = new SessionHarness().do({ type: "opened", read: { epoch, sequence: 2n } });
  p.do({ type: "viewportChanged", visible: true, atEnd: false }).live(5, 1, 2, 3, 4, 5).events(6);
  assert.deepEqual(p.state.unreadStart, { after: { epoch, sequence: 2n }, read: false });
  p.do({ type: "viewportChanged", visible: true, atEnd: true });
  assert.deepEqual(p.state.unreadStart, { after: { epoch, sequence: 2n }, read: true });
  p.events(7).do({ type: "viewportChanged", visible: false, atEnd: true }).events(8, 9);
  assert.deepEqual(p.state.unreadStart, { after: { epoch, sequence: 7n }, read: false });
});

test("own messages are not unread", () => {
  const p = new SessionHarness().live(1, 1).do({ type: "viewportChanged", visible: true, atEnd: false });
  const own = event(2, { sender: { id: "ada", name: "Ada" }, body: message("mine") });
  p.frames({ kind: "event", event: own });
  assert.equal(p.state.unreadStart, null);
});

test("a rename is kept with the former name, if that is known", () => {
  const rename = (id: string, name: string) => ephemeral({ kind: "memberRenamed" }, { id, name });
  const p = new SessionHarness().start().frames(joined(1)).events(1);
  p.frames(rename("bob", "Bobby"), rename("bob", "Bobby"), rename("eve", "Eva"), rename("bob", "Rob"));
  assert.deepEqual(
    p.state.renames.map(({ after, from, member }) => [after, from, member.name]),
    [
      [1n, bob.name, "Bobby"],
      [1n, "Bobby", "Rob"],
    ],
  );
});
