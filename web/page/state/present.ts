// Which members are in sight: those in the room, and those who have written lately.

import type { Member, SessionState } from "../../client";

/** How many members and how many messages are looked at. */
const maxMembers = 60;
const maxMessages = 80;

/** Returns the members in sight, each once, by the newest name. */
export function membersInSight({ presence, timeline }: Pick<SessionState, "presence" | "timeline">): Member[] {
  const found = new Map<string, Member>();
  const add = (member: Member) => {
    if (member.id !== "") found.set(member.id, member);
  };
  for (const { sender } of timeline.posts.slice(-maxMessages)) add(sender);
  for (const member of presence.members?.slice(0, maxMembers) ?? []) add(member);
  if (presence.self) add(presence.self);
  return [...found.values()];
}
