import type { TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Failure, Presented } from "../../client/model";

interface Props {
  readonly room: string;
  readonly presented: Presented;
  /** Says how the room presents itself from now on; null for who may not. */
  readonly onPresent: ((presented: Presented) => Promise<void>) | null;
  readonly onDone: () => void;
}

/** What a room is about, and a form to say so. */
export function About({ room, presented, onPresent, onDone }: Props) {
  const [displayName, setDisplayName] = useState(presented.displayName);
  const [topic, setTopic] = useState(presented.topic);
  const [saving, setSaving] = useState(false);
  const [problem, setProblem] = useState("");
  const gone = useRef(false);
  useEffect(() => () => void (gone.current = true), []);

  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!onPresent || saving) return;
    setSaving(true);
    setProblem("");
    const refused = (failure: Failure) => {
      setSaving(false);
      setProblem(failure.message);
    };
    onPresent({ displayName: displayName.trim(), topic: topic.trim().replace(/\s+/g, " ") }).then(
      () => !gone.current && onDone(),
      (failure: Failure) => !gone.current && refused(failure),
    );
  };
  if (!onPresent) {
    return (
      <div class="about">
        <p class="address">#{room}</p>
        <p class="topic-text">{presented.topic || "No topic has been set."}</p>
        <p class="rest">Join in to change the name and the topic.</p>
      </div>
    );
  }
  return (
    <form class="about" onSubmit={submit}>
      <p class="address">#{room}</p>
      <label for="display-name">Name</label>
      <input
        id="display-name" type="text" maxLength={80} dir="auto" autocomplete="off" placeholder={room}
        value={displayName} onInput={(event) => setDisplayName(event.currentTarget.value)}
      />
      <label for="topic">Topic</label>
      <textarea
        id="topic" rows={3} maxLength={300} dir="auto" placeholder="What is it about?"
        value={topic} onInput={(event) => setTopic(event.currentTarget.value)}
      />
      <p class="problem" role="alert">{problem}</p>
      <div class="choices">
        <button type="submit" disabled={saving}>{saving ? "One moment…" : "Save"}</button>
        <button type="button" class="quiet" onClick={onDone}>Cancel</button>
      </div>
    </form>
  );
}
