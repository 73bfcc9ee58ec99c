import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { takesText } from "./field";

/** Keys that do something where they are pressed: they scroll, press buttons or open the help. */
const keysOfThePage = new Set([" ", "?"]);

/**
 * Brings to the field what is typed, pasted or dropped elsewhere on the page. A file that
 * is dropped never replaces the page. It returns whether a file is dragged over the page.
 */
export function usePageInput(
  field: RefObject<HTMLTextAreaElement | null>,
  onFiles: (files: readonly File[]) => void,
  onText: (text: string) => void,
): boolean {
  const [isDragged, setDragged] = useState(false);
  const latest = useRef({ onFiles, onText });
  latest.current = { onFiles, onText };
  useEffect(() => {
    const ended = new AbortController();
    const options = { signal: ended.signal };
    document.addEventListener("keydown", (event) => onKeyDown(event, field.current), options);
    document.addEventListener("paste", (event) => field.current && onPaste(event, latest.current), options);
    listenToDrags(options, setDragged, (data) => {
      if (data.files.length > 0) latest.current.onFiles([...data.files]);
      else latest.current.onText(droppedText(data));
    });
    return () => ended.abort();
  }, []);
  return isDragged;
}

function isFree(event: Event): boolean {
  if (event.defaultPrevented || takesText(event.target)) return false;
  const isMenu = event.target instanceof Element && event.target.closest("[role=menu], [role=listbox], [role=grid]");
  return !isMenu && !document.querySelector("dialog[open], :popover-open");
}

function onKeyDown(event: KeyboardEvent, field: HTMLTextAreaElement | null): void {
  const isText = [...event.key].length === 1 && !keysOfThePage.has(event.key);
  const isShortcut = event.metaKey || ((event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph"));
  // The key itself, which is still to come, then goes to the field.
  if (field && (isText || event.key === "Process") && !isShortcut && isFree(event)) field.focus();
}

interface Receiver {
  readonly onFiles: (files: readonly File[]) => void;
  readonly onText: (text: string) => void;
}

function onPaste(event: ClipboardEvent, { onFiles, onText }: Receiver): void {
  const data = event.clipboardData;
  if (!data || !isFree(event)) return;
  const text = data.getData("text/plain");
  if (text === "" && data.files.length === 0) return;
  event.preventDefault();
  if (text === "") onFiles([...data.files]);
  else onText(text);
}

function listenToDrags(
  options: { readonly signal: AbortSignal },
  setDragged: (dragged: boolean) => void,
  onDrop: (data: DataTransfer) => void,
): void {
  let isOurs = false; // a link or a selection of the page itself
  const isWanted = ({ dataTransfer, target }: DragEvent) => {
    const types = dataTransfer?.types ?? [];
    if (types.includes("Files")) return true;
    return !isOurs && !takesText(target) && types.some((type) => type === "text/plain" || type === "text/uri-list");
  };
  const setOurs = ({ type }: DragEvent) => {
    isOurs = type === "dragstart";
  };
  document.addEventListener("dragstart", setOurs, options);
  document.addEventListener("dragend", setOurs, options);
  document.addEventListener(
    "dragover",
    (event) => {
      if (!isWanted(event)) return;
      event.preventDefault();
      setDragged(event.dataTransfer?.types.includes("Files") ?? false);
    },
    options,
  );
  document.addEventListener("dragleave", (event) => !event.relatedTarget && setDragged(false), options);
  document.addEventListener(
    "drop",
    (event) => {
      setDragged(false);
      if (!isWanted(event) || !event.dataTransfer) return;
      event.preventDefault();
      onDrop(event.dataTransfer);
    },
    options,
  );
}

function droppedText(data: DataTransfer): string {
  const links = data.getData("text/uri-list").split(/\r?\n/);
  return data.getData("text/plain") || links.filter((line) => line && !line.startsWith("#")).join("\n");
}
