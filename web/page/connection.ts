// The connection to the service. This is a script of its own, which runs while the views are still
// being loaded: the messages of the room are on their way when the page is drawn first.

import { createChat } from "../client";
import { isSignedIn } from "./sign-in";
import { parseAddress } from "./state/address";

/** The folder of the page. Calls go there as well, so that a proxy can have the service at any path. */
export const base = new URL(".", document.baseURI).href;

export const chat = createChat({ baseUrl: base.replace(/\/$/, ""), watchRooms: true });

/** Ends that the room of the address is joined for the views that are to come. */
export const endEarlyJoin = joinEarly();

/** Joins the room of the address, except after signing in: the token of the guest is about to end. */
function joinEarly(): () => void {
  const { room } = parseAddress(location.href, base);
  return room && !isSignedIn(location) ? chat.room(room).join() : () => {};
}
