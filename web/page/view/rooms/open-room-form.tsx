import type { TargetedSubmitEvent } from "preact";
import { useState } from "preact/hooks";
import { roomFromInput } from "../../state/address";

/** A form to open a room by its name. */
export function OpenRoomForm({ onRoom }: { onRoom: (room: string) => void }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const room = roomFromInput(text);
    if (!room) {
      setProblem("A room’s name has 1 to 64 characters: a to z, 0 to 9, dot, hyphen and underscore.");
      return;
    }
    setText("");
    onRoom(room);
  };
  return (
    <form class="open-room" onSubmit={submit}>
      <label for="room">Open or create a room</label>
      <div class="line">
        <input
          id="room"
          name="room"
          type="text"
          maxLength={64}
          placeholder="room-name"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          enterkeyhint="go"
          aria-invalid={problem !== ""}
          aria-describedby="room-problem"
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setProblem("");
          }}
        />
        <button type="submit" class="outlined" disabled={text.trim() === ""}>
          Open
        </button>
      </div>
      <p id="room-problem" class="problem" role="alert">
        {problem}
      </p>
    </form>
  );
}
