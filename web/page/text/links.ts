// URLs and addresses in a text, and how they are shown so that they don't mislead.

import type { LinkifyIt } from "linkify-it";
import { characterBefore } from "./characters";

export interface FoundLink {
  readonly start: number;
  readonly end: number;
  readonly href: string;
  readonly shown: string;
  readonly realHost: string | null;
}

/** The longest URL that is shown whole. */
const maxShown = 72;
/** How much of the end of a longer one is shown. */
const shownEnd = 20;

const maxLength = 4_000;
/** Finds links; null until it is loaded. Most messages have none, and do without it. */
let linkifier: LinkifyIt | null = null;

/** Whether a text may have links: if so, and the finder of links is not loaded, loadLinkFinder loads it. */
export function mayHaveLinks(text: string): boolean {
  return /:\/\/|www\.|@\S*\./i.test(text);
}

/** Whether links are found. */
export function findsLinks(): boolean {
  return linkifier !== null;
}

/** Loads what finds links. Until then, URLs are plain text. */
export async function loadLinkFinder(): Promise<void> {
  const module = await import("linkify-it");
  linkifier ??= newLinkifier(module.LinkifyIt);
}

function newLinkifier(Constructor: typeof LinkifyIt): LinkifyIt {
  return new Constructor({ fuzzyLink: false, fuzzyEmail: true, urlAuth: true, maxLength })
    .add("ftp:", null)
    .add("//", null)
    .add("www.", {
      validate: (text, pos, self) => {
        const rest = `//www.${text.slice(pos, pos + maxLength)}`;
        const validator = self.re.get_http_validator();
        validator.lastIndex = 0;
        const found = validator.exec(rest)?.[0] ?? "";
        return /^\/\/www(?:\.[^./?#:@]+){2}/.test(found) ? found.length - "//www.".length : 0;
      },
      normalize: (match) => {
        match.url = `https://${match.url}`;
      },
    });
}

/** Finds the http and https URLs, those that begin with www. and the addresses of mail, in order. */
export function findLinks(text: string): FoundLink[] {
  if (!linkifier || !mayHaveLinks(text)) return [];
  const links: FoundLink[] = [];
  const cuts = beginnings(text);
  for (const [i, from] of cuts.entries()) {
    for (const match of linkifier.match(text.slice(from, cuts[i + 1])) ?? []) {
      const raw = trimmed(match.raw);
      const href = safeUrl(match.url.slice(0, match.url.length - (match.raw.length - raw.length)));
      const start = from + match.index;
      if (href) links.push({ start, end: start + raw.length, href, ...describe(raw, href) });
    }
  }
  return links;
}

/** Where a URL follows a letter of a script without spaces: linkify-it wants a space or a stop before it. */
function beginnings(text: string): number[] {
  const found = [0];
  for (const { index } of text.matchAll(/https?:\/\/|www\./gi)) {
    if (/[^\p{ASCII}]/u.test(characterBefore(text, index)) && /\p{L}/u.test(characterBefore(text, index))) {
      found.push(index);
    }
  }
  return found;
}

/** Leaves what follows a URL in Japanese without a space, and marks of Markdown, out of it. */
function trimmed(raw: string): string {
  const host = /^(?:https?:\/\/)?[^/?#]*/i.exec(raw)?.[0] ?? "";
  const inHost = /\.[a-z]{2,}(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])/iu.exec(host);
  const after = inHost ? inHost.index + inHost[0].length : raw.search(/(?<=[a-z0-9])\p{Script=Hiragana}/iu);
  const cut = after > 0 ? raw.slice(0, after) : raw;
  return cut.replace(/[*_~]{1,8}$/, "");
}

/** Returns an absolute URL that may be followed, as the browser writes it; null for any other. */
export function safeUrl(url: string): string | null {
  if (!/^(?:https?:\/\/|mailto:)/i.test(url) || !URL.canParse(url)) return null;
  const { href, protocol, hostname } = new URL(url);
  if (protocol === "mailto:") return href;
  return (protocol === "http:" || protocol === "https:") && hostname !== "" ? href : null;
}

/** How a URL is shown that stands in a text. */
function describe(raw: string, href: string): Pick<FoundLink, "shown" | "realHost"> {
  const { protocol, host, username, password, hostname } = new URL(href);
  if (protocol === "mailto:") return { shown: raw, realHost: null };
  // Characters that are invisible or change the direction of text are shown encoded.
  const shown = /\p{Cf}/u.test(raw) ? href : raw;
  if (username !== "" || password !== "") return { shown, realHost: host };
  return { shown: shortened(shown), realHost: isMisleading(hostname, raw) ? host : null };
}

/** Whether a host has letters that may look like others. Those of Western Europe, China, Japan and Korea do not. */
function isMisleading(hostname: string, raw: string): boolean {
  if (!/(?:^|\.)xn--/.test(hostname)) return false;
  const host = /^(?:https?:\/\/)?([^/?#]*)/i.exec(raw)?.[1] ?? "";
  const clear = /^[\p{ASCII}à-öø-ÿß\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー。]*$/u;
  return /(?:^|\.)xn--/i.test(host) ? false : !clear.test(host.toLowerCase());
}

/** Leaves out the middle of a long URL, but nothing of its host. */
function shortened(url: string): string {
  if (url.length <= maxShown) return url;
  const host = /^(?:https?:\/\/)?[^/?#]*/i.exec(url)?.[0].length ?? 0;
  const begin = Math.max(maxShown - shownEnd - 1, host + 8);
  if (begin + shownEnd + 1 >= url.length) return url;
  return `${wholeCharacters(url.slice(0, begin))}…${url.slice(-shownEnd).replace(/^[\udc00-\udfff]/, "")}`;
}

function wholeCharacters(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, "");
}

/** Returns the host of a link if its label reads as an address at another host, null otherwise. */
export function hostBehind(label: string, href: string): string | null {
  const { protocol, host, hostname, username } = new URL(href);
  if (protocol === "mailto:") return null;
  if (username !== "") return host;
  const named = /[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){0,8}\.\p{L}{2,24}(?![\p{L}\p{N}])/u.exec(label)?.[0];
  if (named === undefined) return null;
  const bare = (name: string) => name.toLowerCase().replace(/^www\./, "");
  return bare(named) === bare(hostname) ? null : host;
}
