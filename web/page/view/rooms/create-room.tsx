import type { TargetedSubmitEvent } from "preact";
import { useRef, useState } from "preact/hooks";
import { type Failure, failureOf } from "../../../client";
import { rich, t } from "../../i18n";
import { roomNameProblem, roomSlug } from "../../state/room-name";
import { Dialog } from "../controls/dialog";
import { failureText } from "../controls/failure-text";
import type { RoomActions } from "./room-actions";

interface Props {
  readonly actions: RoomActions;
  /** What the name field has at first. */
  readonly name: string;
  /** Whether the user has a name: others can only open rooms. */
  readonly canCreate: boolean;
  readonly onClose: () => void;
}

const problems = {
  empty: "room-dialogs.nameRules",
  characters: "room-dialogs.nameCharacters",
  long: "room-dialogs.nameLong",
} as const;

/** A dialog that creates a room, or opens the one that there is. */
export function CreateRoom({ actions, name: initial, canCreate, onClose }: Props) {
  const [typed, setTyped] = useState(initial);
  const [topic, setTopic] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const isClosed = useRef(false);

  const name = roomSlug(typed);
  const problem = roomNameProblem(name);
  const isTyped = typed.trim() !== "";
  const exists = failure?.code === "already_exists";
  const close = () => {
    isClosed.current = true;
    onClose();
  };
  const open = () => {
    close();
    actions.open(name);
  };
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isBusy || problem) return;
    if (!canCreate || exists) return open();
    setBusy(true);
    setFailure(null);
    try {
      const wanted = typed.trim();
      await actions.create(name, {
        displayName: wanted === name || wanted === `#${name}` ? "" : wanted.replace(/^#+/, ""),
        topic: topic.trim().replace(/\s+/g, " "),
      });
      if (!isClosed.current) open();
    } catch (reason) {
      if (isClosed.current) return;
      setBusy(false);
      setFailure(failureOf(reason));
    }
  };
  return (
    <Dialog title={canCreate ? t("rooms.create") : t("room-dialogs.open")} kind="middle" onClose={close}>
      <form class="about create-room-form" onSubmit={submit}>
        <label for="new-room">{t("room-dialogs.name")}</label>
        <input
          id="new-room"
          type="text"
          maxLength={80}
          dir="auto"
          required
          autofocus
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          aria-invalid={isTyped && problem !== null}
          aria-describedby="new-room-help"
          value={typed}
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setFailure(null);
          }}
        />
        <p id="new-room-help" class={isTyped && problem ? "problem" : "hint"} aria-live="polite">
          {isTyped && !problem
            ? rich("room-dialogs.address", { name: <b class="slug">#{name}</b> })
            : t(problems[problem ?? "empty"])}
        </p>
        {canCreate && (
          <>
            <label for="new-topic">{t("room-dialogs.topicOptional")}</label>
            <input
              id="new-topic"
              type="text"
              maxLength={300}
              dir="auto"
              autocomplete="off"
              value={topic}
              onInput={(event) => setTopic(event.currentTarget.value)}
            />
          </>
        )}
        <p class="hint">{canCreate ? t("room-dialogs.public") : t("room-dialogs.joinToCreate")}</p>
        <p class="problem" role="alert">
          {failure &&
            (exists ? t("room-dialogs.exists") : t("room-dialogs.refused", { problem: failureText(failure) }))}
        </p>
        <div class="buttons">
          <button type="button" class="quiet" onClick={close}>
            {t("room-dialogs.cancel")}
          </button>
          <button type="submit" disabled={problem !== null} aria-disabled={isBusy}>
            {submitLabel(canCreate, exists, isBusy)}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function submitLabel(canCreate: boolean, exists: boolean, isBusy: boolean): string {
  if (isBusy) return t("room-dialogs.creating");
  if (exists) return t("room-dialogs.openExisting");
  return canCreate ? t("room-dialogs.createNow") : t("room-dialogs.openNow");
}
