import { createContext } from "preact";
import { useContext, useMemo, useRef } from "preact/hooks";
import type { Member, SessionState } from "../../../client";
import { t } from "../../i18n";
import { assignHues, avatarLetter, avatarLetters, type Look, memberHue } from "../../state/avatar";
import { membersInSight } from "../../state/present";

/** What the views of members share: how each one looks, and the profile that a click opens. */
export interface Looks {
  readonly of: (member: Member) => Look;
  readonly openProfile: (member: Member, anchor: HTMLElement) => void;
}

export const LooksContext = createContext<Looks>({
  of: ({ id, name }) => ({ hue: memberHue(id), letters: avatarLetter(name) }),
  openProfile: () => {},
});

/** Returns how the members in sight look, so that they differ. Those who stay in sight keep their colours. */
export function useLooks(
  state: Pick<SessionState, "presence" | "timeline" | "room">,
  openProfile: Looks["openProfile"],
): Looks {
  const { presence, timeline, room } = state;
  const last = useRef<{ readonly room: string; readonly hues: ReadonlyMap<string, number> }>({ room, hues: new Map() });
  const open = useRef(openProfile);
  open.current = openProfile;
  const inSight = useMemo(() => membersInSight(state), [presence.members, presence.self, timeline.posts]);
  const key = inSight.map(({ id, name }) => `${id} ${name}`).join("\n");
  return useMemo(() => {
    const ids = inSight.map(({ id }) => id);
    const hues = assignHues(ids, last.current.room === room ? last.current.hues : undefined);
    last.current = { room, hues };
    const letters = avatarLetters(inSight);
    return {
      of: ({ id, name }) => ({
        hue: hues.get(id) ?? memberHue(id),
        letters: letters.get(id) ?? avatarLetter(name),
      }),
      openProfile: (member, anchor) => open.current(member, anchor),
    };
  }, [key, room]);
}

/** A member's picture, or letters in the member's colour. */
export function Avatar({ member }: { readonly member: Member }) {
  const { hue, letters } = useContext(LooksContext).of(member);
  const picture = allowedPicture(member.picture);
  if (picture) return <img class="avatar" src={picture} alt="" />;
  const isKnown = member.id !== "";
  return (
    <span class="avatar" data-hue={isKnown ? hue : undefined} data-letters={[...letters].length} aria-hidden="true">
      {isKnown || member.name !== "" ? letters : "?"}
    </span>
  );
}

/** Pictures of other servers are not loaded: they would learn who reads, and the page's policy forbids it. */
function allowedPicture(address: string | undefined): string | null {
  if (!address) return null;
  const isOwn = address.startsWith(`${location.origin}/`);
  return isOwn || /^data:image\/(png|jpeg|webp|gif);/.test(address) ? address : null;
}

interface MemberNameProps {
  readonly member: Member;
  readonly tabIndex?: number;
}

/** A member's name, which opens the profile. */
export function MemberName({ member, tabIndex = 0 }: MemberNameProps) {
  const looks = useContext(LooksContext);
  const name = <bdi class="name">{member.name || t("people.anonymous")}</bdi>;
  if (member.id === "") return name;
  return (
    <button
      type="button"
      class="member-name"
      tabIndex={tabIndex}
      aria-haspopup="dialog"
      onClick={(event) => looks.openProfile(member, event.currentTarget)}
    >
      {name}
    </button>
  );
}
