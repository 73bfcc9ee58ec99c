// Signing in with an account. The page goes to the provider that the server names, and comes
// back with "signin=done" in its address: then its token is to be fetched, once. Tokens are
// never in an address.

import { ChatError, type Identity, ownReasons } from "../client";
import { removeMark } from "./sign-in";

/** Leaves for the provider, to return to a room. The guest of the token becomes the account. */
export async function startSignIn(room: string, token: string): Promise<void> {
  const authorization = token === "" ? {} : { authorization: `Bearer ${token}` };
  const response = await post("signin/start", { room }, authorization);
  if (response.status === 401 && token !== "") return startSignIn(room, ""); // the token has ended meanwhile
  const { url } = (await answerOf(response)) as { url: string };
  location.assign(url);
}

/** Fetches the token after signing in, and takes the mark of it out of the address. */
export async function fetchIdentity(): Promise<Identity> {
  const address = new URL(location.href);
  removeMark(address);
  history.replaceState(history.state, "", address.pathname + address.search + address.hash);
  const answer = await answerOf(await post("signin/token", {}, {}));
  const { token, member, formerMemberIds, expireTime } = answer as {
    token: string;
    member: { id: string; name: string };
    formerMemberIds: string[];
    expireTime: string;
  };
  return { token, member, expires: Date.parse(expireTime), account: { formerIds: formerMemberIds } };
}

async function post(path: string, body: object, headers: Record<string, string>): Promise<Response> {
  try {
    return await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  } catch (reason) {
    throw new ChatError({ code: "unavailable", message: String(reason), reason: ownReasons.unreachable });
  }
}

/** Returns an answer, or throws a ChatError. */
async function answerOf(response: Response): Promise<unknown> {
  const answer = (await response.json().catch(() => ({}))) as { message?: unknown };
  if (response.ok) return answer;
  const { status, headers } = response;
  const message = typeof answer.message === "string" ? answer.message : "";
  if (status >= 500 || message === "") throw new ChatError({ code: "unavailable", message, reason: "SIGN_IN" });
  const retryAfter = 1_000 * Number(headers.get("retry-after") ?? 0);
  throw new ChatError({ code: status === 429 ? "resource_exhausted" : "permission_denied", message, retryAfter });
}
