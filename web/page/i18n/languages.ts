/** A language that the page has messages in. */
export type Language = "en" | "ja";

/** The languages by their own names, as a list to choose from shows them. */
export const languageNames: Readonly<Record<Language, string>> = { en: "English", ja: "日本語" };

/** Returns the first language of a browser's list that there are messages in, English if there is none. */
export function chooseLanguage(tags: readonly string[]): Language {
  const wanted = tags.map((tag) => tag.split("-")[0]?.toLowerCase());
  return wanted.find((tag): tag is Language => tag !== undefined && tag in languageNames) ?? "en";
}
