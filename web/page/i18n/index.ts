// The words of the page, in the language that it is shown in. They are in
// page/messages, as ICU MessageFormat, with one file for each area of the page.

import firstEnglish from "messages:en";
import type { ComponentChild } from "preact";
import { loadChunk } from "../update/load-chunk";
import type { MessageKey } from "./keys";
import { chooseLanguage, type Language } from "./languages";

export type { MessageKey } from "./keys";
export { type Language, languageNames } from "./languages";

type Messages = typeof firstEnglish;

/** Grows by the areas that are loaded later. */
const english = { ...firstEnglish };
let shown: Language = "en";
let messages: Messages = english;

/** Marks the place of an element in a text; no message contains it. */
const placeMark = "\u{F8FF}";
const place = new RegExp(`${placeMark}(\\w+)${placeMark}`, "u");

/** Returns the language that the page is shown in. */
export function language(): Language {
  return shown;
}

/** Returns the locale of dates and numbers: the browser's own variant of the language, as en-GB. */
export function locale(): string {
  return navigator.languages.find((tag) => tag.split("-")[0] === shown) ?? shown;
}

/** Loads a language, and shows the page in it from the next drawing on. */
export async function setLanguage(wanted: Language | "system"): Promise<void> {
  const next = wanted === "system" ? chooseLanguage(navigator.languages) : wanted;
  messages = next === "ja" ? (await loadChunk(() => import("messages:ja"))).default : english;
  shown = next;
  document.documentElement.lang = next;
}

/** Adds the English words of a part of the page that is loaded later. Those of other languages are loaded at once. */
export function addEnglish(added: Messages): void {
  Object.assign(english, added);
}

/** Whether there is a message with a key that was made from a name. */
export function hasMessage(key: MessageKey): boolean {
  return messageOf(key) !== undefined;
}

function messageOf(key: MessageKey) {
  const [area = ""] = key.split(".", 1);
  return messages[area]?.[key.slice(area.length + 1)];
}

/** Returns a message, with values in the places of its arguments. */
export function t(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  const message = messageOf(key);
  if (message === undefined) throw new Error(`there is no message ${key}`);
  return typeof message === "string" ? message : message(values);
}

/** Returns a message with elements in the places of some arguments, such as a name in <bdi>. */
export function rich(
  key: MessageKey,
  elements: Readonly<Record<string, ComponentChild>>,
  values: Readonly<Record<string, string | number>> = {},
): ComponentChild[] {
  const places = Object.keys(elements).map((name) => [name, `${placeMark}${name}${placeMark}`]);
  return t(key, { ...values, ...Object.fromEntries(places) })
    .split(place)
    .map((part, i) => (i % 2 === 0 ? part : elements[part]));
}
