// Changes to a text field that the browser's undo takes back.

/** Replaces a part of a field's text as if it were typed. */
export function replaceText(field: HTMLTextAreaElement, from: number, to: number, insert: string): void {
  field.focus();
  field.setSelectionRange(from, to);
  // The command is deprecated, and the only one whose result can be undone.
  const done = insert === "" ? document.execCommand("delete") : document.execCommand("insertText", false, insert);
  if (done || from === to + insert.length) return;
  field.setRangeText(insert, from, to, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

/** Inserts a text at the caret, or in place of the selection. */
export function insertText(field: HTMLTextAreaElement, text: string): void {
  replaceText(field, field.selectionStart, field.selectionEnd, text);
}

/** Whether keys that are pressed in an element are meant for it. */
export function takesText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}
