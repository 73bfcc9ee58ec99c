/**
 * Returns the name of what the browser keeps of a service, as its drafts. Services at other paths of
 * the origin have names of their own; for the one at the root it is the name itself.
 */
export function storageKey(name: string, base = typeof document === "undefined" ? null : document.baseURI): string {
  const path = base === null ? "/" : new URL(".", base).pathname;
  return path === "/" ? name : `${name} ${path}`;
}
