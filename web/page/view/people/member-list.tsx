import type { ComponentChild } from "preact";
import { useContext, useEffect, useMemo, useState } from "preact/hooks";
import type { Auth, Member, Presence } from "../../../client";
import { locale, t } from "../../i18n";
import { foldCase } from "../../state/fold-case";
import { selfOf } from "../../state/message-rows";
import { Icon } from "../controls/icons";
import { NameMarkTag } from "../controls/name-mark";
import { useOneStop } from "../controls/use-one-stop";
import { Avatar, LooksContext } from "./looks";

interface Props {
  readonly presence: Presence;
  readonly auth: Auth;
  /** Whether there is a stream, so that the list will be loaded. */
  readonly connected: boolean;
  /** Lists more members than the list shows, to search in. It rejects with a ChatError. */
  readonly onList: () => Promise<readonly Member[]>;
  /** The profile of a member of the list that is open. */
  readonly card: ComponentChild;
  /** Shows what moderators do; null for a user who may not moderate. */
  readonly onModeration: (() => void) | null;
}

/** From this number of members on there is a search. */
const searchFrom = 10;

/** Who is in the room: this member first, then the others by name. */
export function MemberList({ presence, auth, connected, onList, card, onModeration }: Props) {
  const { members, count, more } = presence;
  const [search, setSearch] = useState("");
  const listed = useMoreMembers(more && search.trim() !== "", onList);
  const self = auth.identity && selfOf({ auth, presence });
  const isSelf = (id: string) => auth.memberIds.includes(id);
  const sorted = useMemo(() => {
    const all = listed ?? members ?? [];
    // A long list may end before this member.
    const withSelf = self && members && !all.some((m) => isSelf(m.id)) ? [self, ...all] : all;
    const collator = new Intl.Collator(locale(), { sensitivity: "base", numeric: true });
    return [...withSelf].sort(
      (a, b) => Number(isSelf(b.id)) - Number(isSelf(a.id)) || collator.compare(a.name, b.name),
    );
  }, [listed, members, self, auth.memberIds]);
  const wanted = foldCase(search.trim());
  const shown = wanted === "" ? sorted : sorted.filter(({ name }) => foldCase(name).includes(wanted));
  const [stop, listeners] = useOneStop(
    ".person > button",
    shown.map(({ id }) => id),
    "",
  );
  const missing = connected ? t("people.loading") : t("people.noConnection");
  const rest = more && !listed ? count - sorted.length : 0;
  const unnamed = more ? 0 : count - sorted.length;
  return (
    <div class="people-list">
      {sorted.length >= searchFrom && (
        <div class="people-search" role="search" aria-label={t("people.search")}>
          <input
            type="search"
            aria-label={t("people.search")}
            placeholder={t("people.search")}
            autocomplete="off"
            spellcheck={false}
            maxLength={80}
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
          <p class="sr-only" role="status">
            {wanted === "" ? "" : t("people.found", { count: shown.length })}
          </p>
        </div>
      )}
      {/* biome-ignore lint/a11y/noRedundantRoles: Safari drops the role of a list without markers. */}
      <ul role="list" {...listeners}>
        {shown.map((member) => (
          <Person key={member.id} member={member} isSelf={isSelf(member.id)} isStop={member.id === stop} />
        ))}
      </ul>
      {wanted !== "" && shown.length === 0 && <p class="hint">{t("people.noMatch")}</p>}
      {wanted === "" && <p class="hint">{members ? restLabel(sorted.length, rest, unnamed) : missing}</p>}
      {onModeration && (
        <button type="button" class="quiet small to-moderation" aria-haspopup="dialog" onClick={onModeration}>
          <Icon name="ban" size={16} />
          {t("people.moderation")}
        </button>
      )}
      {card}
    </div>
  );
}

/** Returns the members that a search of a large room looks at, null before they are known. */
function useMoreMembers(isWanted: boolean, list: Props["onList"]): readonly Member[] | null {
  const [members, setMembers] = useState<readonly Member[] | null>(null);
  useEffect(() => {
    if (!isWanted) return setMembers(null);
    let isCurrent = true;
    list().then(
      (all) => isCurrent && setMembers(all),
      () => {}, // the members that are known are searched
    );
    return () => {
      isCurrent = false;
    };
  }, [isWanted]);
  return isWanted ? members : null;
}

interface PersonProps {
  readonly member: Member;
  readonly isSelf: boolean;
  /** Whether the Tab key reaches it: one person is reached. */
  readonly isStop: boolean;
}

function Person({ member, isSelf, isStop }: PersonProps) {
  const looks = useContext(LooksContext);
  return (
    <li class="person" data-row={member.id}>
      <button
        type="button"
        class="quiet"
        tabIndex={isStop ? 0 : -1}
        aria-haspopup="dialog"
        title={member.name}
        onClick={(event) => looks.openProfile(member, event.currentTarget)}
      >
        <Avatar member={member} />
        <bdi class="name">{member.name}</bdi>
        <NameMarkTag mark={member.mark} />
        {member.moderator && <span class="tag moderator">{t("people.moderator")}</span>}
        {isSelf && <span class="you">{t("people.you")}</span>}
      </button>
    </li>
  );
}

function restLabel(named: number, rest: number, unnamed: number): string {
  if (rest > 0) return t("people.more", { count: rest });
  if (unnamed > 0) return t(named > 0 ? "people.andUnnamed" : "people.unnamed", { count: unnamed });
  return named > 0 ? "" : t("people.nobody");
}
