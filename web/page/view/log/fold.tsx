import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n";
import { WholeContext } from "../text/text-context";

/** The messages that the user has unfolded, by key: they stay so when they are drawn again. */
const unfolded = new Set<string>();

interface Props {
  /** Names the message. */
  readonly id: string;
  readonly text: string;
  readonly children: ComponentChildren;
}

/** Whether a text has so few characters and lines that it is shown as a whole, even where a line has few words. */
function isSurelyShort(text: string): boolean {
  return text.length <= 120 && text.split("\n").length <= 5;
}

/** A text of which the style sheet shows the beginning, if it is long, with a button for the rest. */
export function Fold({ id, text, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(unfolded.has(id));
  const [isLong, setLong] = useState(isOpen);
  useLayoutEffect(() => {
    const { current } = box;
    if (!current || isOpen) return;
    if (isSurelyShort(text)) return setLong(false);
    const isCut = () => current.querySelector("[data-cut]") !== null;
    const measure = () => setLong(current.scrollHeight > current.clientHeight + 1 || isCut());
    measure();
    const observer = new ResizeObserver(measure); // lines break elsewhere in another width
    observer.observe(current);
    return () => observer.disconnect();
  }, [text, isOpen]);
  const toggle = () => {
    if (isOpen) unfolded.delete(id);
    else unfolded.add(id);
    setOpen(!isOpen);
  };
  return (
    <>
      <div ref={box} class="fold" data-open={isOpen} data-long={isLong}>
        <WholeContext.Provider value={isOpen}>{children}</WholeContext.Provider>
      </div>
      {isLong && (
        <button type="button" class="small quiet unfold" aria-expanded={isOpen} onClick={toggle}>
          {isOpen ? t("log.collapse") : t("log.expand")}
        </button>
      )}
    </>
  );
}
