import type { RefObject, TargetedKeyboardEvent } from "preact";
import { useEffect, useState } from "preact/hooks";
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

/** Completes the word before the caret of a field. */
export function useCompletion(field: RefObject<HTMLTextAreaElement | null>, sources: CompletionSources): Completion {
  const [query, setQuery] = useState<Query | null>(null);
  const [found, setFound] = useState<{ readonly query: Query; readonly options: readonly Option[] } | null>(null);
  const [active, setActive] = useState(0);
  const options = query && found?.query.kind === query.kind ? found.options : [];

  useEffect(() => {
    setActive(0);
    let wanted = true;
    if (!query) setFound(null);
    else if (query.kind === "emoji") {
      emojiOptions(query.words).then(
        (all) => wanted && setFound({ query, options: all }),
        () => {}, // without a network there are no names of emoji
      );
    } else setFound({ query, options: optionsOf(query, sources) });
    return () => {
      wanted = false;
    };
  }, [query?.kind, query?.start, query?.words]);

  const refresh = () => {
    const { current } = field;
    if (!current) return;
    const { selectionStart, selectionEnd, value } = current;
    setQuery(selectionStart === selectionEnd ? queryAt(value, selectionStart) : null);
  };
  const close = () => setQuery(null);
  const pick = (option: Option) => {
    const { current } = field;
    if (!current || !query) return;
    replaceText(current, query.start, current.selectionEnd, option.insert);
    close();
  };
  const keyDown = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    if (options.length === 0 || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const option = options[Math.min(active, options.length - 1)];
    if (step) setActive((active + step + options.length) % options.length);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && option) pick(option);
    else return false;
    return true;
  };
  return { options, active: Math.min(active, Math.max(0, options.length - 1)), refresh, pick, close, keyDown };
}

function optionsOf({ kind, words }: Query, { people, mayMentionAll, commands }: CompletionSources): Option[] {
  if (kind === "command") {
    const matching = commands.filter((name) => name.startsWith(words.toLowerCase()));
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
