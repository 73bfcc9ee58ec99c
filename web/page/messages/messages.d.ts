// Compiled messages, see messages.mjs.

declare module "messages:*" {
  type Format = (values: Readonly<Record<string, string | number>>) => string;
  const messages: Readonly<Record<string, Readonly<Record<string, string | Format>>>>;
  export default messages;
}
