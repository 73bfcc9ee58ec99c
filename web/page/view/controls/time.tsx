import { locale } from "../../i18n";

const timeFields = { hour: "numeric", minute: "2-digit" } as const;
const dayFields = { weekday: "long", day: "numeric", month: "long", year: "numeric" } as const;
const styles = {
  time: timeFields,
  day: dayFields,
  dayAndTime: { ...dayFields, ...timeFields },
  full: { dateStyle: "full", timeStyle: "medium" },
} as const;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Returns the format of a style in the language of the page, which may change. */
function format(style: keyof typeof styles): Intl.DateTimeFormat {
  const key = `${style} ${locale()}`;
  let known = formats.get(key);
  if (!known) {
    known = new Intl.DateTimeFormat(locale(), styles[style]);
    formats.set(key, known);
  }
  return known;
}

/** Makes the format of messages' times, which takes a while, before there are messages. */
export function prepareTimes(): void {
  format("time").formatToParts();
}

/** Returns a time with its date and seconds. */
export function fullTime(ms: number): string {
  return format("full").format(new Date(ms));
}

/** Returns a time of day, with the date unless it is within a day from now. */
export function shortTime(ms: number): string {
  return format(ms - Date.now() < 86_400_000 ? "time" : "dayAndTime").format(new Date(ms));
}

/** Adds the tooltip when the pointer comes: to format all dates of a log takes long. */
function showFullTime({ currentTarget: time }: { readonly currentTarget: HTMLTimeElement }): void {
  time.title = fullTime(Date.parse(time.dateTime));
}

/** A time of day; short is without "AM". */
export function Time({ ms, short }: { ms: number; short: boolean }) {
  const date = new Date(ms);
  const parts = format("time")
    .formatToParts(date)
    .filter((part) => !short || part.type !== "dayPeriod");
  const text = parts
    .map((part) => part.value)
    .join("")
    .trim();
  return (
    <time datetime={date.toISOString()} onPointerEnter={showFullTime}>
      {text}
    </time>
  );
}

/** A date. */
export function DateLabel({ ms }: { ms: number }) {
  const date = new Date(ms);
  return <time datetime={localDay(date)}>{format("day").format(date)}</time>;
}

/** Returns a day as dates are written in HTML. */
export function localDay(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
