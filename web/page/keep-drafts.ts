import { Drafts } from "./state/drafts";

/**
 * Returns the drafts of this browser, and follows those of its other tabs. Closing the
 * page asks the user first if words would be lost: drafts that cannot be stored, or
 * what isUnsent tells of.
 */
export function keepDrafts(isUnsent: () => boolean): Drafts {
  const drafts = new Drafts(browserStorage());
  window.addEventListener("storage", ({ key, newValue }) => drafts.storageChanged(key, newValue));
  document.addEventListener("visibilitychange", () => drafts.flush());
  window.addEventListener("pagehide", () => drafts.flush());
  window.addEventListener("beforeunload", (event) => {
    drafts.flush();
    if (drafts.hasUnstored() || isUnsent()) event.preventDefault();
  });
  return drafts;
}

function browserStorage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null; // it is forbidden
  }
}
