import type { ComponentChildren } from "preact";

const candidate = /https?:\/\/[^\s<>"'`]+/giu;

/**
 * Splits a text into plain strings and links. Only http and https URLs become links.
 * Punctuation at the end, and a closing bracket that the URL does not open, are not
 * part of it.
 */
export function splitLinks(text: string): (string | { readonly href: string; readonly shown: string })[] {
  const parts: (string | { href: string; shown: string })[] = [];
  let end = 0;
  for (const match of text.matchAll(candidate)) {
    const shown = trimUrl(match[0]);
    const href = webUrl(shown);
    if (!href) continue;
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push({ href, shown });
    end = match.index + shown.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

function trimUrl(url: string): string {
  for (;;) {
    const last = url.at(-1) ?? "";
    const isUnopened = (last === ")" && !url.includes("(")) || (last === "]" && !url.includes("["));
    if (!isUnopened && !/[.,:;!?*_~…。，！？]/u.test(last)) return url;
    url = url.slice(0, -1);
  }
}

function webUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { href, protocol, hostname } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && hostname !== "" ? href : null;
}

/** A message's text, with its URLs as links. */
export function LinkedText({ text }: { text: string }) {
  const children: ComponentChildren = splitLinks(text).map((part, i) =>
    typeof part === "string" ? (
      part
    ) : (
      <a key={i} href={part.href} target="_blank" rel="noopener noreferrer">
        {part.shown}
      </a>
    ),
  );
  return (
    <p class="text" dir="auto">
      {children}
    </p>
  );
}
