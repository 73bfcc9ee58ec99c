// The members who have changed their names while the room was followed.

import type { Event, Member } from "../model";
import type { Timeline } from "./timeline";

/** How many renames are kept. */
const maxRenames = 50;

export interface Rename {
  /** The sequence of the newest event before it. */
  readonly after: bigint;
  readonly time: number;
  readonly from: string;
  /** The member, by the new name. */
  readonly member: Member;
}

/** A member has another name. The former one is known if the member is listed, or has sent a message. */
export function renamed(
  renames: readonly Rename[],
  { sender, time }: Event,
  { members, posts }: { readonly members: readonly Member[] | null; readonly posts: Timeline["posts"] },
  after: bigint,
): readonly Rename[] {
  const isSame = ({ id }: Member) => id === sender.id;
  const last = renames.findLast(({ member }) => isSame(member))?.member;
  const known = last ?? members?.find(isSame) ?? posts.findLast((post) => isSame(post.sender))?.sender;
  if (sender.id === "" || !known || known.name === sender.name) return renames;
  return [...renames, { after, time, from: known.name, member: sender }].slice(-maxRenames);
}
