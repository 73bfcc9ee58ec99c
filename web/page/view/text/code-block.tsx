import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Token } from "../../text/highlight";
import { loadChunk } from "../../update/load-chunk";
import { copyText } from "../controls/copy";
import { Icon } from "../controls/icons";

/** How long the button says that the code is copied, in milliseconds. */
const copiedTime = 2_000;

interface Props {
  /** As written after the fence; empty for none. */
  readonly language: string;
  readonly text: string;
}

/** Code as it is written. Its colours come later, and move nothing. */
export function CodeBlock({ language, text }: Props) {
  const [tokens, setTokens] = useState<readonly Token[] | null>(null);
  const [copied, setCopied] = useState<boolean | null>(null);
  useEffect(() => {
    setTokens(null);
    if (language === "") return;
    let wanted = true;
    loadChunk(() => import("../../text/highlight")).then(
      ({ highlight }) => wanted && setTokens(highlight(text, language)),
      () => {}, // without a network the code has no colours
    );
    return () => {
      wanted = false;
    };
  }, [language, text]);
  useEffect(() => {
    if (copied === null) return;
    const timer = setTimeout(setCopied, copiedTime, null);
    return () => clearTimeout(timer);
  }, [copied]);

  const label = copied === null ? t("text.copyCode") : copied ? t("text.copied") : t("text.notCopied");
  return (
    <div class="code-block">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled with the keyboard. */}
      <pre dir="ltr" role="group" tabIndex={0} aria-label={language ? t("text.codeIn", { language }) : t("text.code")}>
        <code>
          {tokens
            ? tokens.map(({ text: part, kind }, i) => (
                <span key={i} data-token={kind || undefined}>
                  {part}
                </span>
              ))
            : text}
        </code>
      </pre>
      <button
        type="button"
        class="quiet icon-only copy-code"
        title={label}
        aria-label={label}
        data-copied={copied ?? undefined}
        onClick={() => void copyText(text).then(setCopied)}
      >
        <Icon name="copy" />
      </button>
      <span class="sr-only" role="status">
        {copied === null ? "" : label}
      </span>
    </div>
  );
}
