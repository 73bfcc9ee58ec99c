import { maxTextLength } from "../../../client";
import { t } from "../../i18n";
import { formatNumber } from "../../state/labels";
import { cutToLimit, type TextLength } from "../../state/text-length";

interface Props {
  readonly id: string;
  readonly length: TextLength;
  readonly text: string;
  readonly onCut: (text: string) => void;
}

/** Says how much may still be written, near the limit; and beyond it, how much is too much. */
export function LengthNote({ id, length, text, onCut }: Props) {
  return (
    <div id={id} class="length-note" data-kind={length.kind} role="status">
      {length.kind === "nearLimit" && t("composer.left", { count: length.left })}
      {length.kind === "over" && (
        <>
          <span>
            {t(length.about ? "composer.overAbout" : "composer.over", { count: length.by, n: formatNumber(length.by) })}{" "}
            {t("composer.limit", { n: formatNumber(maxTextLength) })}
          </span>
          <button type="button" class="small quiet" onClick={() => onCut(cutToLimit(text))}>
            {t("composer.cut", { n: formatNumber(maxTextLength) })}
          </button>
        </>
      )}
    </div>
  );
}
