import type { RefObject, TargetedKeyboardEvent } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Member } from "../../../client";
import { searchEmoji } from "../../emoji";
import { type MessageKey, t } from "../../i18n";
import type { CommandName } from "../../state/commands";
import { matchingMembers, maxOptions, type Option, type Query, queryAt } from "../../state/completion";
import { replaceText } from "./field";

/** What is offered for completion. */
export interface CompletionSources {
  /** Who can be mentioned, the best first. */
  readonly people: () => readonly Member[];
  /** Whether the user may mention everyone in the room. */
  readonly mayMentionAll: boolean;
  readonly commands: readonly CommandName[];
}

export interface Completion {
  readonly options: readonly Option[];
  /** The index of the option that Enter and Tab accept. */
  readonly active: number;
  /** The text or the caret has changed. */
  readonly refresh: () => void;
  readonly pick: (option: Option) => void;
  readonly close: () => void;
  /** Handles a key. It returns whether the key was for the list. */
  readonly keyDown: (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => boolean;
}

const commandHints: Readonly<Record<CommandName, MessageKey>> = {
  help: "composer.commandHelp",
  me: "composer.commandMe",
  nick: "composer.commandNick",
  shrug: "composer.commandShrug",
  topic: "composer.commandTopic",
};

/** What is offered for a word. */
interface Offer {
  readonly query: Query;
  readonly options: readonly Option[];
  readonly active: number;
}

/** Completes the word before the caret of a field. */
export function useCompletion(field: RefObject<HTMLTextAreaElement | null>, sources: CompletionSources): Completion {
  const [shown, setShown] = useState<Offer | null>(null);
  // A key may come before what the one before it has changed is drawn.
  const latest = useRef<Offer | null>(null);
  const offer = (next: Offer | null) => {
    latest.current = next;
    setShown(next);
  };

  const refresh = () => {
    const { current } = field;
    if (!current) return;
    const { selectionStart, selectionEnd, value } = current;
    const query = selectionStart === selectionEnd ? queryAt(value, selectionStart) : null;
    if (query?.kind !== "emoji") return offer(query && { query, options: optionsOf(query, sources), active: 0 });
    const pending = { query, options: [], active: 0 };
    latest.current = pending; // what is shown for the word so far stays until there is more
    emojiOptions(query.words).then(
      (options) => latest.current === pending && offer({ query, options, active: 0 }),
      () => {}, // without a network there are no names of emoji
    );
  };
  const close = () => offer(null);
  const pick = (option: Option) => {
    const { current: now } = latest;
    if (!field.current || !now) return;
    close();
    replaceText(field.current, now.query.start, field.current.selectionEnd, option.insert);
  };
  const keyDown = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    const { current: now } = latest;
    if (!now || now.options.length === 0) return false;
    if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false;
    const { options, active } = now;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const option = options[active];
    if (step) offer({ ...now, active: (active + step + options.length) % options.length });
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && option) pick(option);
    else return false;
    return true;
  };
  return { options: shown?.options ?? [], active: shown?.active ?? 0, refresh, pick, close, keyDown };
}

function optionsOf({ kind, words }: Query, { people, mayMentionAll, commands }: CompletionSources): Option[] {
  if (kind === "command") {
    const written = words.toLowerCase();
    const matching = commands.filter((name) => name.startsWith(written));
    if (matching.some((name) => name === written)) return []; // Enter runs it
    return matching.map((name) => ({
      key: name,
      insert: `/${name} `,
      label: `/${name}`,
      hint: t(commandHints[name]),
      emoji: "",
    }));
  }
  const members = matchingMembers(words, people()).map(({ id, name }) => ({
    key: id,
    insert: `@${name} `,
    label: name,
    hint: "",
    emoji: "",
  }));
  // A name with a space is completed while it is written; a whole one needs no list.
  if (members.length === 1 && members[0]?.label === words.trimEnd() && words.endsWith(" ")) return [];
  if (!mayMentionAll || !"room".startsWith(words.toLowerCase())) return members;
  const everyone = { key: "room", insert: "@room ", label: "room", hint: t("composer.everyone"), emoji: "" };
  return [...members.slice(0, maxOptions - 1), everyone];
}

async function emojiOptions(words: string): Promise<Option[]> {
  const found = await searchEmoji(words, maxOptions);
  return found.map(({ emoji, names, label }) => ({
    key: emoji,
    insert: `${emoji} `,
    label: names[0] ? `:${names[0]}:` : label,
    hint: label,
    emoji,
  }));
}
