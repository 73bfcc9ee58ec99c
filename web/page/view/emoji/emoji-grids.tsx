import type { TargetedEvent } from "preact";
import { useId, useMemo, useRef, useState } from "preact/hooks";
import { type Emoji, type EmojiSet, type SkinTone, withTone } from "../../emoji";
import { type MessageKey, t } from "../../i18n";

const narrowColumns = 7;
const columns = 8;

interface Section {
  readonly key: string;
  readonly label: string;
  /** What stands for it in the row of groups. */
  readonly mark: string;
  readonly emoji: readonly Emoji[];
}

const groupLabels: Readonly<Record<string, readonly [mark: string, label: MessageKey]>> = {
  "smileys-emotion": ["😀", "text.groupSmileys"],
  "people-body": ["👋", "text.groupPeople"],
  "animals-nature": ["🐻", "text.groupNature"],
  "food-drink": ["🍎", "text.groupFood"],
  "travel-places": ["🚗", "text.groupTravel"],
  activities: ["⚽", "text.groupActivities"],
  objects: ["💡", "text.groupObjects"],
  symbols: ["💟", "text.groupSymbols"],
  flags: ["🏁", "text.groupFlags"],
};

interface Props {
  readonly set: EmojiSet;
  /** What was searched for; null if nothing is. */
  readonly results: readonly Emoji[] | null;
  /** Already in their skin tones. */
  readonly recent: readonly Emoji[];
  readonly tone: SkinTone | null;
  readonly onPick: (emoji: string, stay: boolean) => void;
}

/** The emoji, one grid for each group, and the row of the groups. The Tab key reaches one emoji, the arrow keys the others. */
export function EmojiGrids({ set, results, recent, tone, onPick }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [shown, setShown] = useState<Emoji | null>(null);
  const perRow = useMemo(() => (matchMedia("(max-width: 23.5rem)").matches ? narrowColumns : columns), []);
  const sections = useMemo(() => sectionsOf(set, results, recent, tone), [set, results, recent, tone]);

  const onClick = (event: MouseEvent) => {
    const emoji = cellOf(event.target)?.dataset.emoji;
    if (emoji) onPick(emoji, event.shiftKey);
  };
  const showTarget = (event: TargetedEvent<HTMLElement, Event>) => {
    const emoji = cellOf(event.target)?.dataset.emoji;
    setShown((emoji && set.describe(emoji)) || null);
  };
  const goTo = (key: string) => {
    const grid = scroller.current?.querySelector<HTMLElement>(`[data-section="${key}"]`);
    grid?.scrollIntoView({ block: "start" });
  };
  return (
    <>
      {!results && (
        <div class="emoji-groups" role="toolbar" aria-label={t("text.groups")}>
          {sections.map(({ key, label, mark }) => (
            <button key={key} type="button" class="quiet" title={label} aria-label={label} onClick={() => goTo(key)}>
              {mark}
            </button>
          ))}
        </div>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the events are those of the buttons in it. */}
      <div
        ref={scroller}
        class="emoji-scroller"
        onClick={onClick}
        onKeyDown={moveInGrid}
        onPointerOver={showTarget}
        onFocusIn={showTarget}
      >
        {results?.length === 0 && <p class="emoji-none">{t("text.noEmoji")}</p>}
        {sections.map((section, i) => (
          <Grid key={section.key} section={section} columns={perRow} reachable={i === 0} />
        ))}
      </div>
      <p class="emoji-shown" aria-hidden="true">
        {shown && (
          <>
            <span>{withTone(shown.emoji, tone)}</span> <b>{shown.label}</b> <bdi>:{shown.names[0]}:</bdi>
          </>
        )}
      </p>
    </>
  );
}

interface GridProps {
  readonly section: Section;
  readonly columns: number;
  /** Whether the Tab key reaches its first emoji. */
  readonly reachable: boolean;
}

function Grid({ section, columns, reachable }: GridProps) {
  const id = useId();
  const rows: (readonly Emoji[])[] = [];
  for (let at = 0; at < section.emoji.length; at += columns) rows.push(section.emoji.slice(at, at + columns));
  return (
    <section class="emoji-section" data-section={section.key}>
      <h2 id={id}>{section.label}</h2>
      <div role="grid" aria-labelledby={id} data-columns={columns}>
        {rows.map((row, i) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the cells have the focus.
          <div key={row[0]?.emoji} role="row" class="emoji-row">
            {row.map(({ emoji, label }, j) => (
              <button
                key={emoji}
                type="button"
                role="gridcell"
                class="quiet"
                tabIndex={reachable && i === 0 && j === 0 ? 0 : -1}
                data-emoji={emoji}
                aria-label={label}
              >
                {emoji}
              </button>
            ))}
          </div>
        ))}
      </div>
    </section>
  );
}

function sectionsOf(
  set: EmojiSet,
  results: readonly Emoji[] | null,
  recent: readonly Emoji[],
  tone: SkinTone | null,
): readonly Section[] {
  const inTone = (emoji: readonly Emoji[]) => emoji.map((e) => ({ ...e, emoji: withTone(e.emoji, tone) }));
  if (results) {
    return results.length > 0 ? [{ key: "results", label: t("text.results"), mark: "", emoji: inTone(results) }] : [];
  }
  const groups = set.groups.map(({ key, emoji }) => {
    const [mark, label] = groupLabels[key] ?? ["❓", "text.groupSymbols"];
    return { key, label: t(label), mark, emoji: inTone(emoji) };
  });
  if (recent.length === 0) return groups;
  return [{ key: "recent", label: t("text.recent"), mark: "🕘", emoji: recent }, ...groups];
}

function cellOf(target: EventTarget | null): HTMLElement | null {
  return (target as HTMLElement | null)?.closest<HTMLElement>("[data-emoji]") ?? null;
}

/** Moves the focus with the arrow keys, Home and End, across groups as well. */
function moveInGrid(event: KeyboardEvent): void {
  const from = cellOf(event.target);
  const scroller = event.currentTarget as HTMLElement;
  const to = from && target(event, from, scroller);
  if (!to) return;
  event.preventDefault();
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

function target(event: KeyboardEvent, from: HTMLElement, scroller: HTMLElement): HTMLElement | null {
  const cells = [...scroller.querySelectorAll<HTMLElement>("[data-emoji]")];
  const forward = getComputedStyle(scroller).direction === "ltr" ? 1 : -1;
  const at = cells.indexOf(from);
  const row = from.parentElement as HTMLElement;
  switch (event.key) {
    case "ArrowRight":
      return cells[at + forward] ?? null;
    case "ArrowLeft":
      return cells[at - forward] ?? null;
    case "Home":
      return (event.ctrlKey ? cells[0] : (row.firstElementChild as HTMLElement)) ?? null;
    case "End":
      return (event.ctrlKey ? cells.at(-1) : (row.lastElementChild as HTMLElement)) ?? null;
    case "ArrowDown":
      return cellInRow(row, from, scroller, 1);
    case "ArrowUp":
      return (
        cellInRow(row, from, scroller, -1) ??
        scroller.closest(".emoji-picker")?.querySelector<HTMLElement>("input") ??
        null
      );
    default:
      return null;
  }
}

/** The cell in the same column of the row before or after, or the last one of a shorter row. */
function cellInRow(row: HTMLElement, from: HTMLElement, scroller: HTMLElement, step: 1 | -1): HTMLElement | null {
  const rows = [...scroller.querySelectorAll<HTMLElement>("[role=row]")];
  const next = rows[rows.indexOf(row) + step];
  const column = [...row.children].indexOf(from);
  return ((next?.children[column] ?? next?.lastElementChild) as HTMLElement | undefined) ?? null;
}
