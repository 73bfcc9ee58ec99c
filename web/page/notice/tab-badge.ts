// The title and the icon of the browser's tab.

/** What the tab of the page shows. */
export interface TabBadge {
  /** The name of the room, empty for none. */
  readonly title: string;
  /** Unread messages, as a badge shows them; empty for none. */
  readonly unread: string;
  readonly mentions: number;
}

/** Returns the title, with the number of mentions, or of unread messages if there are none. */
export function tabTitle({ title, unread, mentions }: TabBadge): string {
  const count = mentions > 0 ? `@${mentions}` : unread;
  return `${count && `(${count}) `}${title === "" ? "chatroom" : `${title} · chatroom`}`;
}

/** Returns the icon with a mark: a number for mentions, a dot for unread messages. */
export function markedIcon(mentions: number): string {
  const number = mentions > 9 ? "9+" : `${mentions}`;
  const mark =
    mentions > 0
      ? `<rect x="26" y="26" width="38" height="38" rx="19" fill="#c62828"/><text x="45" y="54" text-anchor="middle" font-family="system-ui,sans-serif" font-weight="700" font-size="${mentions > 9 ? 22 : 28}" fill="#fff">${number}</text>`
      : `<circle cx="50" cy="50" r="12" fill="#c62828" stroke="#fff" stroke-width="3"/>`;
  const bubble = `<path d="M10 8h44a8 8 0 0 1 8 8v26a8 8 0 0 1-8 8H30L16 62V50h-6a8 8 0 0 1-8-8V16a8 8 0 0 1 8-8z" fill="#00708a"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">${bubble}${mark}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Shows a badge in the tab, and only touches the document when something changes. */
export class Tab {
  readonly #icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  readonly #plainIcon = this.#icon?.href ?? "";
  #shown = "";

  show(badge: TabBadge): void {
    const title = tabTitle(badge);
    if (document.title !== title) document.title = title;
    const hasMark = badge.mentions > 0 || badge.unread !== "";
    const icon = hasMark ? markedIcon(badge.mentions) : this.#plainIcon;
    if (!this.#icon || icon === this.#shown) return;
    this.#icon.href = icon;
    this.#shown = icon;
  }
}
