// Commands: a message that begins with a slash and a word.

/** What a text asks for. */
export type Command =
  | { readonly kind: "message"; readonly text: string }
  | { readonly kind: "help" }
  | { readonly kind: "nick"; readonly name: string }
  | { readonly kind: "topic"; readonly topic: string }
  /** The text begins as a command does, and is none. */
  | { readonly kind: "unknown"; readonly name: string };

export const commandNames = ["help", "me", "nick", "shrug", "topic"] as const;
export type CommandName = (typeof commandNames)[number];

const shrug = "¯\\\\\\_(ツ)\\_/¯"; // in Markdown: the backslash and the underscores are escaped

/**
 * Returns what a text asks for. A path, as /etc/hosts, is a message, and two slashes
 * at the start stand for one.
 */
export function commandOf(text: string): Command {
  if (text.startsWith("//")) return { kind: "message", text: text.slice(1) };
  const [, word, rest = ""] = /^\/([a-z]+)(?:\s+([\s\S]*))?$/i.exec(text) ?? [];
  if (word === undefined) return { kind: "message", text };
  const words = rest.trim();
  switch (word.toLowerCase()) {
    case "me":
      // Readers of other clients see what Slack and Discord send for it: the words in italics.
      return words === "" ? { kind: "unknown", name: "me" } : { kind: "message", text: `_${words}_` };
    case "shrug":
      return { kind: "message", text: words === "" ? shrug : `${words} ${shrug}` };
    case "help":
      return { kind: "help" };
    case "nick":
      return { kind: "nick", name: words };
    case "topic":
      return { kind: "topic", topic: words };
    default:
      return { kind: "unknown", name: word };
  }
}
