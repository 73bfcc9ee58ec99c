import assert from "node:assert/strict";
import { test } from "node:test";
import { commandOf } from "./commands";

test("a text is a message or a command", () => {
  const cases: [string, ReturnType<typeof commandOf>][] = [
    ["hello", { kind: "message", text: "hello" }],
    ["/etc/hosts is a file", { kind: "message", text: "/etc/hosts is a file" }],
    ["/ alone", { kind: "message", text: "/ alone" }],
    ["/1 x", { kind: "message", text: "/1 x" }],
    [" /help", { kind: "message", text: " /help" }],
    ["//help", { kind: "message", text: "/help" }],
    ["/me waves  ", { kind: "message", text: "_waves_" }],
    ["/me waves\nand bows", { kind: "message", text: "_waves\nand bows_" }],
    ["/me", { kind: "unknown", name: "me" }],
    ["/shrug", { kind: "message", text: "¯\\\\\\_(ツ)\\_/¯" }],
    ["/shrug why not", { kind: "message", text: "why not ¯\\\\\\_(ツ)\\_/¯" }],
    ["/HELP", { kind: "help" }],
    ["/nick Ann Lee", { kind: "nick", name: "Ann Lee" }],
    ["/topic", { kind: "topic", topic: "" }],
    ["/topic Earl Grey", { kind: "topic", topic: "Earl Grey" }],
    ["/foo bar", { kind: "unknown", name: "foo" }],
  ];
  for (const [text, want] of cases) assert.deepEqual(commandOf(text), want, text);
});
