import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { rich, t } from "../../i18n";
import { unreadBadge } from "../../state/labels";
import type { RoomGroups, RoomItem } from "../../state/room-groups";
import { roomBadge } from "../../state/room-groups";
import { roomNameProblem, roomSlug } from "../../state/room-name";
import { searchRooms } from "../../state/room-search";
import { Dialog } from "../controls/dialog";
import { Icon } from "../controls/icons";
import { RoomGlyph, roomLabel } from "./room-link";

/** How many rooms are offered. */
const maxShown = 12;

interface Props {
  readonly groups: RoomGroups;
  readonly current: string;
  readonly canCreate: boolean;
  readonly onRoom: (room: string) => void;
  readonly onCreate: (name: string) => void;
  readonly onClose: () => void;
}

type Choice = { readonly kind: "room"; readonly item: RoomItem } | { readonly kind: "new"; readonly name: string };

/** A dialog to go to a room by some letters of its name, without the pointer. */
export function RoomSwitcher({ groups, current, canCreate, onRoom, onCreate, onClose }: Props) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const choices = useMemo(() => choicesFor(groups, current, text), [groups, current, text]);
  const at = Math.min(active, choices.length - 1);
  useEffect(() => list.current?.children[at]?.scrollIntoView({ block: "nearest" }), [at]);

  const choose = (choice: Choice | undefined) => {
    if (!choice) return;
    onClose();
    if (choice.kind === "room") onRoom(choice.item.name);
    else if (canCreate) onCreate(text);
    else onRoom(choice.name);
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLInputElement>) => {
    if (event.isComposing || event.keyCode === 229) return;
    const { length } = choices;
    if (event.key === "Enter") choose(choices[at]);
    else if (event.key === "ArrowDown") setActive((at + 1) % Math.max(length, 1));
    else if (event.key === "ArrowUp") setActive((at - 1 + length) % Math.max(length, 1));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={t("room-dialogs.switchTo")} kind="middle" onClose={onClose}>
      <div class="switcher">
        <input
          type="text"
          role="combobox"
          aria-label={t("rooms.find")}
          aria-expanded={choices.length > 0}
          aria-controls="switcher-list"
          aria-activedescendant={at >= 0 ? `switcher-${at}` : undefined}
          aria-autocomplete="list"
          placeholder={t("rooms.find")}
          autofocus
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          enterkeyhint="go"
          maxLength={80}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
        <div id="switcher-list" ref={list} role="listbox" aria-label={t("rooms.title")}>
          {choices.map((choice, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field.
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field.
            <div
              key={choice.kind === "room" ? choice.item.name : "new"}
              id={`switcher-${i}`}
              role="option"
              aria-selected={i === at}
              onPointerMove={() => setActive(i)}
              onClick={() => choose(choice)}
            >
              {choice.kind === "room" ? (
                <RoomChoice item={choice.item} />
              ) : (
                <>
                  <Icon name="add" size={16} />
                  <span class="one-line">
                    {rich(canCreate ? "room-dialogs.createNamed" : "room-dialogs.openNamed", {
                      name: <b>#{choice.name}</b>,
                    })}
                  </span>
                </>
              )}
            </div>
          ))}
        </div>
        {choices.length === 0 && <p class="hint">{t("rooms.noMatch")}</p>}
      </div>
    </Dialog>
  );
}

function choicesFor(groups: RoomGroups, current: string, text: string): readonly Choice[] {
  const items = [...groups.visited.filter(({ name }) => name !== current), ...groups.others];
  const found = searchRooms(items, text, maxShown).map((item): Choice => ({ kind: "room", item }));
  const name = roomSlug(text);
  const isKnown = name === current || items.some((item) => item.name === name);
  return isKnown || roomNameProblem(name) ? found : [...found, { kind: "new", name }];
}

function RoomChoice({ item }: { readonly item: RoomItem }) {
  const { name, displayName } = item;
  const badge = roomBadge(item);
  return (
    <>
      <RoomGlyph item={item} />
      <bdi class="one-line">{roomLabel(item)}</bdi>
      {displayName !== "" && <span class="address one-line">{name}</span>}
      {typeof badge === "number" && (
        <span class="badge">
          <span aria-hidden="true">{unreadBadge(badge)}</span>
          <span class="sr-only">{t("rooms.unread", { count: unreadBadge(badge) })}</span>
        </span>
      )}
    </>
  );
}
