// Emoji and their words, see emoji.mjs.

declare module "emoji:set" {
  const groups: readonly { readonly key: string; readonly rows: string }[];
  export default groups;
}

declare module "emoji:en" {
  const words: string;
  export default words;
}

declare module "emoji:ja" {
  const words: string;
  export default words;
}
