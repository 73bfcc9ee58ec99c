/** Puts a mention of a member into the composer, where the caret is, and focuses it. */
export function insertMention(name: string): void {
  const field = document.querySelector<HTMLTextAreaElement>("textarea#text");
  if (!field) return;
  const { selectionStart, selectionEnd, value } = field;
  const before = value.slice(0, selectionStart);
  const space = before === "" || /\s$/.test(before) ? "" : " ";
  field.focus();
  field.setRangeText(`${space}@${name} `, selectionStart, selectionEnd, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true })); // as if it were typed
}
