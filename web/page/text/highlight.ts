// Colours of code. The module is loaded when the first code with a language is shown.

import * as languages from "@speed-highlight/core/languages";
import { type ShjLanguageData, tokenizeWith } from "@speed-highlight/core/tokenize";

/** A part of code, and what it is in its language: empty for nothing in particular. */
export interface Token {
  readonly text: string;
  readonly kind: string;
}

// Its types don't allow for exactOptionalPropertyTypes.
const known = languages as unknown as Readonly<Record<string, ShjLanguageData>>;

/** Other names of languages, and those that are near enough to one that is known. */
const aliases: Readonly<Record<string, string>> = {
  javascript: "js",
  jsx: "js",
  mjs: "js",
  typescript: "ts",
  tsx: "ts",
  golang: "go",
  python: "py",
  rust: "rs",
  sh: "bash",
  shell: "bash",
  zsh: "bash",
  console: "bash",
  yml: "yaml",
  jsonc: "json",
  json5: "json",
  htm: "html",
  vue: "html",
  svg: "xml",
  scss: "css",
  less: "css",
  h: "c",
  cc: "c",
  cpp: "c",
  "c++": "c",
  hpp: "c",
  cs: "java",
  csharp: "java",
  "c#": "java",
  kotlin: "java",
  kt: "java",
  swift: "java",
  scala: "java",
  dockerfile: "docker",
  makefile: "make",
  markdown: "md",
  patch: "diff",
  perl: "pl",
  postgres: "sql",
  postgresql: "sql",
  mysql: "sql",
};

/** Returns the parts of code in a language; null if the language is not known. */
export function highlight(code: string, language: string): readonly Token[] | null {
  const name = aliases[language] ?? language;
  const grammar = Object.hasOwn(known, name) ? known[name] : undefined;
  if (!grammar) return null;
  const tokens: Token[] = [];
  tokenizeWith(code, grammar, (text, kind = "" as never) => text !== "" && tokens.push({ text, kind }), {
    languages: known,
  });
  return tokens;
}
