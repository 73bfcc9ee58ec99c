// What the user may do in the room.

import type { Auth } from "../hub/auth";
import type { Rights } from "../model";

/** Rights, and the id of the member who has them: empty for a caller without a token. */
export interface MemberRights {
  readonly memberId: string;
  readonly rights: Rights;
}

/**
 * Returns the rights of the user: null if they are not known, as before the first stream with
 * the user's token, or of a server that does not tell them.
 */
export function rightsOf(state: { readonly auth: Auth; readonly rights: MemberRights | null }): Rights | null {
  const { auth, rights } = state;
  return rights && auth.identity?.member.id === rights.memberId ? rights.rights : null;
}
