import { useEffect, useRef, useState } from "preact/hooks";
import type { Typing } from "../../../client";
import { t } from "../../i18n";

/** The shortest time between two announcements to screen readers, in milliseconds. */
const announceInterval = 15_000;
/** How long a notice must last to be announced, in milliseconds. */
const announceAfter = 1_000;

/** Shows who is typing. Screen readers announce it less often than it changes. */
export function TypingNotice({ typing: { others } }: { typing: Typing }) {
  // A name may be written from right to left: it is isolated from the text around it.
  const [first = "", second = ""] = others.map(({ member }) => `\u2068${member.name}\u2069`);
  const count = others.length;
  const text = count === 0 ? "" : t("log.typing", { count, first, second, more: count - 2 });
  return (
    <div class="writers">
      <p class="typing" aria-hidden="true">
        {text}
      </p>
      <p class="sr-only" role="status">
        {useAnnouncement(text)}
      </p>
    </div>
  );
}

function useAnnouncement(text: string): string {
  const [announced, setAnnounced] = useState("");
  const announcedAt = useRef(-Infinity);
  useEffect(() => {
    if (text === "") {
      setAnnounced("");
      return;
    }
    const after = Math.max(announceAfter, announcedAt.current + announceInterval - Date.now());
    const timer = setTimeout(() => {
      announcedAt.current = Date.now();
      setAnnounced(text);
    }, after);
    return () => clearTimeout(timer);
  }, [text]);
  return announced;
}
