// What the service worker keeps, and when it answers with it. Nothing of a browser is needed here.

/** The page as it was built. */
export interface Build {
  /** Changes with each build. */
  readonly id: string;
  /** What the page loads at first, relative to the base; the first is the script that index.html names. */
  readonly files: readonly [string, ...string[]];
}

/** Begins the names of the caches of a base. Services at other paths of the origin have other ones. */
export function cachePrefix(base: URL): string {
  return `chatroom.shell ${base.pathname} `;
}

/** What a request is for: the page, a file of it that never changes, or anything else, as calls are. */
export function kindOf(
  request: { readonly method: string; readonly mode: string; readonly url: string },
  base: URL,
): "page" | "file" | "other" {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return "other";
  const path = url.pathname.slice(base.pathname.length);
  if (request.mode === "navigate") return /^(r\/[a-z0-9._-]{1,64}(\/[^/]+)?)?$/.test(path) ? "page" : "other";
  return path.startsWith("assets/") ? "file" : "other";
}

/** Whether index.html is that of a build: during a deploy it may be of another one. */
export function isOfBuild(html: string, { files: [script] }: Build): boolean {
  return html.includes(`"${script}"`);
}

/** Returns index.html for any address of the page. */
export function withBase(html: string, base: URL): string {
  return html.replace('<base href="./">', () => `<base href="${base.pathname.replaceAll("&", "&amp;")}">`);
}
