// Keeps the settings in localStorage, for all tabs of the browser, and applies them.

import { localValues, type Store } from "../../client";
import { setLanguage } from "../i18n";
import { parseSettings, type Settings } from "./settings";

const key = "chatroom.settings";
const listeners = new Set<() => void>();
let current = parseSettings(localValues.getItem(key));

/** The settings, as this tab or another one has changed them last. */
export const settings: Store<Settings> = {
  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  getSnapshot: () => current,
};

/** Changes some settings, in all tabs. */
export function changeSettings(changed: Partial<Settings>): void {
  const next = { ...current, ...changed };
  localValues.setItem(key, JSON.stringify(next));
  void take(next);
}

/** Applies the settings to the page. It resolves when the language is loaded. */
export async function applySettings(): Promise<void> {
  const { theme, density, language } = current;
  const { dataset } = document.documentElement;
  dataset.theme = theme;
  dataset.density = density;
  colorBrowser();
  await setLanguage(language);
}

/** Follows changes of other tabs. */
export function followSettings(): void {
  window.addEventListener("storage", (event) => {
    if (event.key === key || event.key === null) void take(parseSettings(localValues.getItem(key)));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", colorBrowser);
  window.addEventListener("languagechange", () => void take(current));
}

async function take(next: Settings): Promise<void> {
  current = next;
  await applySettings().catch(() => {}); // without the words of a language, those from before stay
  for (const listener of listeners) listener();
}

/** Gives the browser's own bars, as on a phone, the colour of the page. */
function colorBrowser(): void {
  const color = getComputedStyle(document.documentElement).backgroundColor;
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) meta.content = color;
}
