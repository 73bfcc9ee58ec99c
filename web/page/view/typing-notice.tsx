import { useEffect, useRef, useState } from "preact/hooks";
import { listing } from "../state/message-rows";
import type { Typing } from "../../client/state/typing";

/** How many are named; the others are counted. */
const named = 2;
/** The shortest time between two readings-out, in milliseconds. */
const speakEvery = 15_000;
/** How long somebody must have been writing to be worth a reading-out, in milliseconds. */
const settles = 1_000;

/** Says who is writing. It is read out now and then only. */
export function Writers({ typing: { others } }: { typing: Typing }) {
  const names = others.slice(0, named).map((o) => `\u2068${o.member.name}\u2069`); // isolated: they may run the other way
  const who = listing(names, others.length - names.length);
  const text = others.length === 0 ? "" : `${who} ${others.length === 1 ? "is" : "are"} typing…`;
  return (
    <div class="writers">
      <p class="typing" aria-hidden="true">{text}</p>
      <p class="hidden" role="status">{useSpoken(text)}</p>
    </div>
  );
}

function useSpoken(text: string): string {
  const [spoken, setSpoken] = useState("");
  const at = useRef(-Infinity);
  useEffect(() => {
    if (text === "") {
      setSpoken("");
      return undefined;
    }
    const timer = setTimeout(() => {
      at.current = Date.now();
      setSpoken(text);
    }, Math.max(settles, at.current + speakEvery - Date.now()));
    return () => clearTimeout(timer);
  }, [text]);
  return spoken;
}
