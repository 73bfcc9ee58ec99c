// What the user has chosen for this browser.

import { type Language, languageNames } from "../i18n/languages";

/** The settings, and the choices for each. The first is the default. */
export const choices = {
  theme: ["system", "light", "dark"],
  density: ["comfortable", "compact"],
  language: ["system", ...(Object.keys(languageNames) as Language[])],
  notifications: ["off", "mentions", "all"],
  sound: ["off", "on"],
} as const;

export type Settings = { readonly [Name in keyof typeof choices]: (typeof choices)[Name][number] };

/** Reads settings as they are stored. A choice that does not exist, as of another version, is the default. */
export function parseSettings(stored: string | null): Settings {
  let found: unknown;
  try {
    found = JSON.parse(stored ?? "{}");
  } catch {
    found = {};
  }
  const chosen = (typeof found === "object" && found !== null ? found : {}) as Record<string, unknown>;
  const settings = Object.entries(choices).map(([name, values]: [string, readonly string[]]) => {
    const value = chosen[name];
    return [name, typeof value === "string" && values.includes(value) ? value : values[0]];
  });
  return Object.fromEntries(settings) as Settings;
}
