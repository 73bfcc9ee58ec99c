// The shortcuts that work everywhere on the page. Views register theirs while they are shown;
// the help lists what is registered.

import { useEffect, useRef } from "preact/hooks";
import type { MessageKey } from "../i18n";

export interface Shortcut {
  /**
   * The keys, as "Mod+K" or "Alt+Shift+ArrowUp". Mod is Command on Apple's systems and Control
   * elsewhere; a single character is compared without Shift, as layouts differ.
   */
  readonly keys: string;
  /** What it does. */
  readonly description: MessageKey;
  readonly run: () => void;
}

type KeyPress = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

const registered = new Set<readonly Shortcut[]>();

/** Returns the shortcuts that work now, in the order in which they were registered. */
export function shortcuts(): readonly Shortcut[] {
  return [...registered].flat();
}

/** Whether a key press is that of a shortcut. */
export function matchesKeys(keys: string, press: KeyPress, isApple: boolean): boolean {
  const parts = keys.split("+");
  const key = parts.pop() || "+";
  const wants = (modifier: string) => parts.includes(modifier);
  const isCharacter = [...key].length === 1 && key.toLowerCase() === key.toUpperCase();
  return (
    press.key.toLowerCase() === key.toLowerCase() &&
    press.ctrlKey === (wants("Ctrl") || (wants("Mod") && !isApple)) &&
    press.metaKey === (wants("Mod") && isApple) &&
    press.altKey === wants("Alt") &&
    (isCharacter || press.shiftKey === wants("Shift"))
  );
}

const symbols: Readonly<Record<string, string>> = { ArrowUp: "↑", ArrowDown: "↓" };
const appleSymbols: Readonly<Record<string, string>> = { Mod: "⌘", Alt: "⌥", Shift: "⇧", Ctrl: "⌃" };

/** Returns the keys of a shortcut as they are shown: "Ctrl+K", or "⌘K" on a system of Apple's. */
export function shownKeys(keys: string, isApple: boolean): string {
  const parts = keys.split("+").map((part) => symbols[part] ?? part);
  if (isApple) return parts.map((part) => appleSymbols[part] ?? part).join("");
  return parts.map((part) => (part === "Mod" ? "Ctrl" : part)).join("+");
}

/** Registers shortcuts. The function that it returns ends that. */
function registerShortcuts(list: readonly Shortcut[]): () => void {
  if (registered.size === 0) document.addEventListener("keydown", onKeyDown);
  registered.add(list);
  return () => {
    registered.delete(list);
    if (registered.size === 0) document.removeEventListener("keydown", onKeyDown);
  };
}

/** Registers shortcuts while a component is shown. Their keys and descriptions stay the same. */
export function useShortcuts(list: readonly Shortcut[]): void {
  const latest = useRef(list);
  latest.current = list;
  useEffect(
    () => registerShortcuts(list.map((shortcut, i) => ({ ...shortcut, run: () => latest.current[i]?.run() }))),
    [],
  );
}

/** Whether the page runs on a system of Apple's, where Command takes the place of Control. */
export function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.platform);
}

function onKeyDown(event: KeyboardEvent): void {
  // Typed characters are text where there is a field; a modal dialog has the keyboard for itself.
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog:modal")) return;
  const found = shortcuts().find(({ keys }) => matchesKeys(keys, event, isApple()));
  if (!found || (isTextField(event.target) && !/(Ctrl|Mod|Alt)\+/.test(found.keys))) return;
  event.preventDefault();
  found.run();
}

function isTextField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}
