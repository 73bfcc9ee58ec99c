import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { localValues } from "../../../client";
import { type Emoji, type EmojiSet, loadEmoji, loadedEmoji, type SkinTone, skinTones, withTone } from "../../emoji";
import { chosenTone, keepRecentEmoji, keepTone, recentEmoji } from "../../emoji/recent";
import { t } from "../../i18n";
import { Popover } from "../controls/popover";
import { EmojiGrids } from "./emoji-grids";
import "../../styles/emoji.css";

/** How many emoji a search shows. */
const maxResults = 72;

export interface PickerProps {
  /** Called with the emoji that is picked, in the chosen skin tone. */
  readonly onPick: (emoji: string) => void;
  /** Called once the picker has closed, also after a pick. A pick with the Shift key leaves it open. */
  readonly onClose: () => void;
  /** What the popover is shown beside; the end of the page without it. */
  readonly anchor?: HTMLElement;
}

/** The emoji in groups, with a search, the recent ones and a choice of the skin tone. */
export function Picker({ onPick, onClose, anchor }: PickerProps) {
  const search = useRef<HTMLInputElement>(null);
  const [set, setSet] = useState(loadedEmoji);
  const [query, setQuery] = useState("");
  const [tone, setTone] = useState(() => chosenTone(localValues));
  const recent = useMemo(() => recentEmoji(localValues), []);
  const results = useMemo(() => (query.trim() && set ? set.search(query, maxResults) : null), [query, set]);
  const id = useId();

  useEffect(() => void loadEmoji().then(setSet, onClose), []);
  const pick = (emoji: string) => {
    keepRecentEmoji(localValues, emoji);
    onPick(emoji);
  };
  const onSearchKey = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const first = document.getElementById(id)?.querySelector<HTMLElement>("[role=gridcell]");
    if (event.key === "ArrowDown") first?.focus();
    else if (event.key === "Enter" && results) first?.click();
    else return;
    event.preventDefault();
  };

  return (
    <Popover
      class="emoji-picker"
      role="dialog"
      label={t("text.pickEmoji")}
      placement={{ anchor, side: "above", align: "end" }}
      focused={search}
      onClose={onClose}
    >
      {(closeAnd) => (
        <>
          <input
            ref={search}
            type="search"
            class="emoji-search"
            enterkeyhint="search"
            autocomplete="off"
            spellcheck={false}
            placeholder={t("text.searchEmoji")}
            aria-label={t("text.searchEmoji")}
            aria-controls={id}
            value={query}
            onInput={(event) => setQuery(event.currentTarget.value)}
            onKeyDown={onSearchKey}
          />
          <p class="sr-only" role="status">
            {results && t("text.emojiFound", { count: results.length })}
          </p>
          <div class="emoji-body" id={id}>
            {set && (
              <EmojiGrids
                set={set}
                results={results}
                recent={knownEmoji(set, recent)}
                tone={tone}
                onPick={(emoji, stay) => (stay ? pick(emoji) : closeAnd(() => pick(emoji))())}
              />
            )}
          </div>
          <ToneChoice
            tone={tone}
            onChoose={(chosen) => {
              keepTone(localValues, chosen);
              setTone(chosen);
            }}
          />
        </>
      )}
    </Popover>
  );
}

/** The recent emoji, with the skin tones that they were picked in. */
function knownEmoji(set: EmojiSet, recent: readonly string[]): readonly Emoji[] {
  return recent.flatMap((emoji) => {
    const known = set.describe(emoji);
    return known ? [{ ...known, emoji }] : [];
  });
}

interface ToneProps {
  readonly tone: SkinTone | null;
  readonly onChoose: (tone: SkinTone | null) => void;
}

function ToneChoice({ tone, onChoose }: ToneProps) {
  const name = useId();
  const labels = [
    t("text.toneNone"),
    t("text.toneLight"),
    t("text.toneMediumLight"),
    t("text.toneMedium"),
    t("text.toneMediumDark"),
    t("text.toneDark"),
  ];
  return (
    <fieldset class="emoji-tones">
      <legend class="sr-only">{t("text.skinTone")}</legend>
      {[null, ...skinTones].map((choice, i) => (
        <label key={choice} title={labels[i]}>
          <input
            type="radio"
            class="sr-only"
            name={name}
            aria-label={labels[i]}
            checked={choice === tone}
            onChange={() => onChoose(choice)}
          />
          <span aria-hidden="true">{withTone("✋", choice)}</span>
        </label>
      ))}
    </fieldset>
  );
}
