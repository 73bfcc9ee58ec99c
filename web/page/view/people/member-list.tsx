import type { Auth, Presence } from "../../../client";
import { avatarLetter, memberHue } from "../../state/avatar";
import { selfOf } from "../../state/message-rows";
import { NameMarkTag } from "../controls/name-mark";

interface Props {
  readonly presence: Presence;
  readonly auth: Auth;
  /** Whether there is a stream, so that the list will be loaded. */
  readonly connected: boolean;
}

const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/** Who is in the room: this member first, then the others by name. */
export function MemberList({ presence, auth, connected }: Props) {
  const { members, count, more } = presence;
  const isSelf = (id: string) => auth.memberIds.includes(id);
  const self = auth.identity && selfOf({ auth, presence });
  // A long list may end before this member.
  const all = self && members && !members.some((m) => isSelf(m.id)) ? [self, ...members] : (members ?? []);
  const sorted = [...all].sort(
    (a, b) => Number(isSelf(b.id)) - Number(isSelf(a.id)) || collator.compare(a.name, b.name),
  );
  const rest = count - sorted.length;
  const missing = connected ? "Loading…" : "There is no connection.";
  return (
    <div class="people-list">
      <ul>
        {sorted.map(({ id, name, mark }) => (
          <li key={id} class="person">
            <span class="avatar" data-hue={memberHue(id)} aria-hidden="true">
              {avatarLetter(name)}
            </span>
            <bdi class="name" data-hue={memberHue(id)} title={name}>
              {name}
            </bdi>
            <NameMarkTag mark={mark} />
            {isSelf(id) && <span class="tag">you</span>}
          </li>
        ))}
      </ul>
      <p class="hint">{members ? restLabel(rest, sorted.length > 0, more) : missing}</p>
    </div>
  );
}

function restLabel(rest: number, isContinued: boolean, more: boolean): string {
  if (rest <= 0) return isContinued ? "" : "Nobody is here.";
  const and = isContinued ? "and " : "";
  const n = rest.toLocaleString();
  if (more) return `${and}${n} more`;
  return `${and}${n} ${rest === 1 ? "guest" : "guests"} without a name`;
}
