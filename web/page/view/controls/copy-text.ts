/** Copies a text. Over plain http from another machine there is no clipboard API: then as a selection. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copySelection(text);
  }
}

function copySelection(text: string): void {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "sr-only";
  (document.activeElement?.closest("dialog") ?? document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
