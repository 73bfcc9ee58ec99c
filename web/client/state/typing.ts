// Who is writing: others, as the server tells, and we, as it is told.

import type { Event, Member } from "../model";
import { isOurs, type Turn } from "../session/step";

/** How long somebody counts as writing, in milliseconds, unless a message comes before. */
export const holds = 6_000;
/** The shortest time between telling twice that we are writing, in milliseconds. */
export const tellEvery = 3_000;

export interface Typing {
  /** The others who are writing, in the order in which they began. */
  readonly others: readonly { readonly member: Member; readonly until: number }[];
  /** When we last told that we are writing. */
  readonly toldAt: number;
  /** Whether others may take us to be writing. */
  readonly told: boolean;
}

export const silent: Typing = { others: [], toldAt: -Infinity, told: false };

/** Somebody is writing, or has stopped. */
export function typed(turn: Turn, { sender, body }: Event): void {
  if (body.kind !== "typing" || sender.id === "" || isOurs(turn.state.who, { sender })) return;
  const { others } = turn.state.typing;
  const until = turn.env.now + holds;
  const at = others.findIndex((o) => o.member.id === sender.id);
  if (body.stopped) hush(turn, sender);
  else turn.typing({ others: at < 0 ? [...others, { member: sender, until }] : others.with(at, { member: sender, until }) });
  wake(turn);
}

/** Somebody is not writing any more. */
export function hush(turn: Turn, { id }: Member): void {
  const { others } = turn.state.typing;
  if (others.some((o) => o.member.id === id)) turn.typing({ others: others.filter((o) => o.member.id !== id) });
}

/** Nobody is known to write: the stream has ended. */
export function hushAll(turn: Turn): void {
  if (turn.state.typing.others.length > 0) turn.typing({ others: [] });
}

/** Lets those go who were held long enough. */
export function expire(turn: Turn): void {
  const { others } = turn.state.typing;
  const left = others.filter((o) => o.until > turn.env.now);
  if (left.length < others.length) turn.typing({ others: left });
  wake(turn);
}

function wake(turn: Turn): void {
  const { others } = turn.state.typing;
  if (others.length === 0) return;
  const after = Math.min(...others.map((o) => o.until)) - turn.env.now;
  turn.do({ type: "timer", timer: "typists", after });
}

/** We write something, or have taken all of it back. It is no matter if that isn't told. */
export function writing(turn: Turn, empty: boolean): void {
  const { link, who, typing } = turn.state;
  const since = turn.env.now - typing.toldAt;
  if (link.phase !== "live" || !who.identity || (empty ? !typing.told || since >= holds : since < tellEvery)) return;
  turn.typing(empty ? { told: false } : { told: true, toldAt: turn.env.now });
  turn.do({ type: "typing", token: who.identity.token, stopped: empty });
}

/** We have said what we were writing, which tells that we have stopped. */
export function wrote(turn: Turn): void {
  turn.typing({ told: false });
}
