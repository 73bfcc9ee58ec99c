import type { People } from "../../client/state/presence";
import { hueOf, initialOf } from "../state/message-rows";
import type { Who } from "../../client/session/step";

interface Props {
  readonly people: People;
  readonly who: Who;
  /** Whether there is a stream, and with it a list to come. */
  readonly connected: boolean;
}

const collator = new Intl.Collator(undefined, { sensitivity: "base", numeric: true });

/** Who is in the room. */
export function PeopleList({ people: { members, count, more }, who, connected }: Props) {
  const isUs = (id: string) => who.ids.includes(id);
  const us = who.identity?.member;
  const all = us && members && !members.some((m) => isUs(m.id)) ? [us, ...members] : (members ?? []); // a long list is cut
  const sorted = [...all].sort((a, b) => Number(isUs(b.id)) - Number(isUs(a.id)) || collator.compare(a.name, b.name));
  const rest = count - sorted.length;
  return (
    <div class="people-list">
      <ul>
        {sorted.map(({ id, name }) => (
          <li key={id} class="person">
            <span class="avatar" data-hue={hueOf(id)} aria-hidden="true">{initialOf(name)}</span>
            <bdi class="name" data-hue={hueOf(id)} title={name}>{name}</bdi>
            {isUs(id) && <span class="tag">you</span>}
          </li>
        ))}
      </ul>
      <p class="rest">{members ? others(rest, sorted.length > 0, more) : connected ? "Loading…" : "There is no connection."}</p>
    </div>
  );
}

function others(rest: number, some: boolean, more: boolean): string {
  if (rest <= 0) return some ? "" : "Nobody is here.";
  const and = some ? "and " : "";
  if (more) return `${and}${rest.toLocaleString()} more`;
  return `${and}${rest.toLocaleString()} ${rest === 1 ? "guest" : "guests"} without a name`;
}

/** How many are here, in words. */
export function headcount(count: number): string {
  return count === 1 ? "1 person" : `${count.toLocaleString()} people`;
}
