import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { failureOf, isValidName, isValidText, normalizeText } from "../../../client";
import { expandShortcodes } from "../../emoji";
import { t } from "../../i18n";
import { type Command, commandOf } from "../../state/commands";
import type { Drafts } from "../../state/drafts";
import { failureText } from "../controls/failure-text";
import type { ComposerNote } from "./notes";

/** What commands do besides sending. */
export interface CommandActions {
  /** Changes the user's name; null for an account, whose name is the provider's. */
  readonly nick: ((name: string) => void) | null;
  /** Sets the topic; null without the right. */
  readonly topic: ((topic: string) => Promise<void>) | null;
  readonly help: () => void;
}

interface Options {
  readonly room: string;
  readonly drafts: Drafts;
  readonly field: RefObject<HTMLTextAreaElement | null>;
  /** Why the last name was refused; empty if it was not. */
  readonly nameProblem: string;
  readonly commands: CommandActions;
  readonly onSend: (text: string, replyTo: bigint) => void;
}

/** Sends the draft, or does what the command in it says. */
export function useSending({ room, drafts, field, nameProblem, commands, onSend }: Options) {
  const [note, setNote] = useState<ComposerNote | null>(null);
  const asksName = useRef(false);
  useEffect(() => {
    if (asksName.current && nameProblem !== "") setNote({ kind: "problem", text: nameProblem });
  }, [nameProblem]);

  const problem = (text: string) => setNote({ kind: "problem", text });
  const done = (rest = "") => {
    drafts.change(room, { text: rest, reply: null });
    setNote(null);
    field.current?.focus();
  };
  const sendText = async (text: string) => {
    const normal = normalizeText(text);
    if (!isValidText(normal)) return;
    const written = drafts.get(room).text;
    const expanded = await expandShortcodes(normal);
    // While the emoji were loaded, the text stayed in the field: it may have been sent or changed, or is followed by more.
    const draft = drafts.get(room);
    if (!draft.text.startsWith(written)) return;
    onSend(expanded, draft.reply?.sequence ?? 0n);
    done(draft.text.slice(written.length));
  };
  const run = (command: Command) => {
    switch (command.kind) {
      case "message":
        return void sendText(command.text);
      case "unknown":
        return setNote({ kind: "unknownCommand", name: command.name });
      case "help":
        done();
        return commands.help();
      case "nick":
        if (!commands.nick) return problem(t("composer.nickAccount"));
        if (!isValidName(command.name)) return problem(t("composer.nickInvalid"));
        asksName.current = true;
        commands.nick(command.name);
        return done();
      case "topic":
        if (!commands.topic) return problem(t("composer.topicForbidden"));
        commands.topic(command.topic).then(
          () => done(),
          (reason: unknown) => problem(failureText(failureOf(reason))),
        );
    }
  };
  const submit = () => {
    const { text } = drafts.get(room);
    if (isValidText(normalizeText(text))) run(commandOf(text));
  };
  const sendAsIs = () => void sendText(drafts.get(room).text);
  return { note, setNote, submit, sendAsIs };
}
