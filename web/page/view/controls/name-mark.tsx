import type { NameMark } from "../../../client";
import { nameMarkLabel } from "../../state/labels";

/** Warns of a name that may mislead. */
export function NameMarkTag({ mark }: { readonly mark: NameMark | undefined }) {
  if (!mark) return null;
  const { text, reason } = nameMarkLabel(mark);
  return (
    <span class="tag warning" title={reason}>
      {text}
    </span>
  );
}
