import type { NameMark } from "../../../client";
import { nameMarkLabel } from "../../state/labels";
import { Icon } from "./icons";

/** Warns of a name that may mislead, in little space: the profile says why. */
export function NameMarkTag({ mark }: { readonly mark: NameMark | undefined }) {
  if (!mark) return null;
  const { text, reason } = nameMarkLabel(mark);
  return (
    <span class="name-mark warning" title={`${text}: ${reason}`}>
      <Icon name="warning" size={14} />
      <span class="sr-only">{text}</span>
    </span>
  );
}
