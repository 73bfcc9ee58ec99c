// Times as a list shows them: how long ago, in as few letters as a language has.

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const units = [
  { unit: "day", length: day },
  { unit: "hour", length: hour },
  { unit: "minute", length: minute },
] as const;

/** The languages whose narrow units are their own: in Japanese they would be Latin letters. */
const narrowLanguages: ReadonlySet<string> = new Set(["en"]);

/**
 * Returns how long ago a time was, as "5m" or "5 分"; the date after a week; empty within the last minute,
 * and for a time of which nothing is known.
 */
export function relativeTime(time: number, now: number, locale: string): string {
  const age = now - time;
  if (time === 0) return "";
  if (age >= 7 * day) return new Intl.DateTimeFormat(locale, dateFields(time, now)).format(time);
  const found = units.find(({ length }) => age >= length);
  if (!found) return "";
  const unitDisplay = narrowLanguages.has(locale.split("-", 1)[0] ?? "") ? "narrow" : "short";
  const format = new Intl.NumberFormat(locale, { style: "unit", unit: found.unit, unitDisplay });
  return format.format(Math.floor(age / found.length));
}

function dateFields(time: number, now: number): Intl.DateTimeFormatOptions {
  const isThisYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return isThisYear ? { day: "numeric", month: "short" } : { year: "numeric", month: "short" };
}
