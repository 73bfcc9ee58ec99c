import { maxTextLength } from "../../../client";
import { locale, t } from "../../i18n";
import { cutToLimit, type TextLength } from "../../state/text-length";

interface Props {
  readonly id: string;
  readonly length: TextLength;
  readonly text: string;
  readonly onCut: (text: string) => void;
}

/** Says how much may still be written, near the limit; and beyond it, how much is too much. */
export function LengthNote({ id, length, text, onCut }: Props) {
  const number = (n: number) => n.toLocaleString(locale());
  return (
    <div id={id} class="length-note" data-kind={length.kind} role="status">
      {length.kind === "nearLimit" && t("composer.left", { count: length.left })}
      {length.kind === "over" && (
        <>
          <span>
            {t(length.about ? "composer.overAbout" : "composer.over", { count: length.by, n: number(length.by) })}{" "}
            {t("composer.limit", { n: number(maxTextLength) })}
          </span>
          <button type="button" class="small quiet" onClick={() => onCut(cutToLimit(text))}>
            {t("composer.cut", { n: number(maxTextLength) })}
          </button>
        </>
      )}
    </div>
  );
}
