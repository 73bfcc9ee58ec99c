import type { TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { failureOf, type RoomProfile } from "../../../client";
import { t } from "../../i18n";
import { failureText } from "../controls/failure-text";

interface Props {
  readonly room: string;
  readonly profile: RoomProfile;
  /** Changes the profile; null for a user who may not. */
  readonly onSave: ((profile: RoomProfile) => Promise<void>) | null;
  /** Whether the user has signed in. */
  readonly isNamed: boolean;
  readonly onDone: () => void;
}

/** A room's name and topic, and a form to change them. */
export function AboutRoom({ room, profile, onSave, isNamed, onDone }: Props) {
  const [displayName, setDisplayName] = useState(profile.displayName);
  const [topic, setTopic] = useState(profile.topic);
  const [isSaving, setSaving] = useState(false);
  const [problem, setProblem] = useState("");
  const isUnmounted = useRef(false);
  useEffect(
    () => () => {
      isUnmounted.current = true;
    },
    [],
  );

  if (!onSave) {
    return (
      <div class="about">
        <p class="address">#{room}</p>
        <p class="topic-text">{profile.topic || t("room-dialogs.noTopic")}</p>
        <p class="hint">{isNamed ? t("room-dialogs.onlyManagers") : t("room-dialogs.joinToChange")}</p>
      </div>
    );
  }
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isSaving) return;
    setSaving(true);
    setProblem("");
    try {
      await onSave({ displayName: displayName.trim(), topic: topic.trim().replace(/\s+/g, " ") });
      if (!isUnmounted.current) onDone();
    } catch (reason) {
      if (isUnmounted.current) return;
      setSaving(false);
      setProblem(failureText(failureOf(reason)));
    }
  };
  return (
    <form class="about" onSubmit={submit}>
      <p class="address">#{room}</p>
      <label for="display-name">{t("room-dialogs.displayName")}</label>
      <input
        id="display-name"
        type="text"
        maxLength={80}
        dir="auto"
        autocomplete="off"
        placeholder={room}
        value={displayName}
        onInput={(event) => setDisplayName(event.currentTarget.value)}
      />
      <label for="topic">{t("room-dialogs.topic")}</label>
      <textarea
        id="topic"
        rows={3}
        maxLength={300}
        dir="auto"
        placeholder={t("room-dialogs.topicPlaceholder")}
        value={topic}
        onInput={(event) => setTopic(event.currentTarget.value)}
      />
      <p class="problem" role="alert">
        {problem}
      </p>
      <div class="buttons">
        <button type="button" class="quiet" onClick={onDone}>
          {t("room-dialogs.cancel")}
        </button>
        <button type="submit" aria-disabled={isSaving}>
          {isSaving ? t("room-dialogs.saving") : t("room-dialogs.save")}
        </button>
      </div>
    </form>
  );
}
