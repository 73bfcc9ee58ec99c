import { useEffect, useState } from "preact/hooks";
import type { Draft, Drafts } from "../../state/drafts";

/** Returns a part of the draft of a room, and draws again when the part changes. */
export function useDraft<T>(drafts: Drafts, room: string, part: (draft: Draft) => T): T {
  const [value, setValue] = useState(() => part(drafts.get(room)));
  useEffect(() => {
    const update = () => setValue(() => part(drafts.get(room)));
    update();
    return drafts.subscribe((changed) => changed === room && update());
  }, [drafts, room]);
  return value;
}
