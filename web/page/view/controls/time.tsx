const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
});
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** Returns a time with its date and seconds. */
export function fullTime(ms: number): string {
  return fullFormat.format(new Date(ms));
}

/** Returns a time of day, with the date unless it is within a day from now. */
export function shortTime(ms: number): string {
  const date = new Date(ms);
  return ms - Date.now() < 86_400_000
    ? timeFormat.format(date)
    : `${dayFormat.format(date)}, ${timeFormat.format(date)}`;
}

/** A time of day; short is without "AM". */
export function Time({ ms, short }: { ms: number; short: boolean }) {
  const date = new Date(ms);
  const parts = timeFormat.formatToParts(date).filter((part) => !short || part.type !== "dayPeriod");
  const text = parts
    .map((part) => part.value)
    .join("")
    .trim();
  return (
    <time datetime={date.toISOString()} title={fullTime(ms)}>
      {text}
    </time>
  );
}

/** A date. */
export function DateLabel({ ms }: { ms: number }) {
  const date = new Date(ms);
  return <time datetime={localDay(date)}>{dayFormat.format(date)}</time>;
}

function localDay(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
