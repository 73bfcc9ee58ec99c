/** A style sheet that a script brings along: see styles.mjs. */
declare module "*.css" {}
