import { useMemo, useRef } from "preact/hooks";
import { rightsOf, type SessionState } from "../../../client";
import type { Dispatch } from "../../state/act";
import { commandNames } from "../../state/commands";
import { mentionable } from "../../state/completion";
import type { CompletionSources } from "./use-completion";

/** How many of the newest messages tell who may be mentioned. */
const maxSenders = 200;

/** Returns what is completed in a room: always the same object until the rights change. */
export function useSources(state: SessionState, dispatch: Dispatch): CompletionSources {
  const latest = useRef(state);
  latest.current = state;
  const rights = rightsOf(state);
  const mayMentionAll = rights?.moderate === true;
  const maySetTopic = rights?.manage !== false;
  const isAccount = state.auth.identity?.account !== undefined;
  return useMemo(
    () => ({
      people: () => {
        const { timeline, presence, auth } = latest.current;
        if (!presence.members) dispatch({ type: "mentionsWanted" });
        const senders = timeline.posts.slice(-maxSenders).map(({ sender }) => sender);
        return mentionable(senders, presence.members ?? [], auth.memberIds);
      },
      mayMentionAll,
      commands: commandNames.filter((name) => (name !== "topic" || maySetTopic) && (name !== "nick" || !isAccount)),
    }),
    [dispatch, mayMentionAll, maySetTopic, isAccount],
  );
}
