import { isValidText, maxTextLength } from "../../../client";
import { codeBlock } from "../../state/text-format";

/** A file that can be sent as text. */
export interface TextFile {
  readonly name: string;
  /** Its text as a code block. */
  readonly block: string;
}

/** Returns a file as a code block; null if it is empty or no text, or too long for a message. */
export async function readTextFile(file: File): Promise<TextFile | null> {
  if (/^(image|audio|video|font)\//.test(file.type) || file.size > 4 * maxTextLength) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    const language = /\.([a-z0-9]{1,8})$/i.exec(file.name)?.[1]?.toLowerCase() ?? "";
    const block = codeBlock(text.replaceAll("\r\n", "\n"), language === "txt" ? "" : language);
    // Text contains no NUL: it is a file in another format.
    return isValidText(text) && isValidText(block) && !text.includes("\0") ? { name: file.name, block } : null;
  } catch {
    return null; // it is not UTF-8, or cannot be read
  }
}
