import { useEffect, useMemo, useState } from "preact/hooks";
import { type Member, rightsOf, type SessionState } from "../../../client";
import type { Moderation } from "../../../client/moderation";
import { t } from "../../i18n";
import { membersInSight } from "../../state/present";
import { toast } from "../controls/toast";
import { useLoaded } from "../controls/use-loaded";
import { useLooks } from "./looks";
import { insertMention } from "./mention";
import type { DenialAct } from "./profile-card";

interface Options {
  readonly state: SessionState;
  readonly onRename: () => void;
  /** The user writes to a member: what covers the composer closes. */
  readonly onMention: () => void;
  /** Loads the calls of moderators. */
  readonly loadModeration: () => Promise<Moderation>;
}

type Shown =
  | { readonly kind: "profile"; readonly member: Member; readonly anchor: HTMLElement }
  | { readonly kind: "deny"; readonly act: DenialAct; readonly member: Member | null }
  | { readonly kind: "log" };

interface Tools {
  readonly views: typeof import("./moderation");
  readonly moderation: Moderation;
}

/** What the parts of the page do with people, and the dialogs and the card that belong to it. */
export function usePeople({ state, onRename, onMention, loadModeration }: Options) {
  const { room, presence, auth, timeline } = state;
  const [shown, setShown] = useState<Shown | null>(null);
  const looks = useLooks(state, (member, anchor) => setShown({ kind: "profile", member, anchor }));
  const needsTools = shown?.kind === "deny" || shown?.kind === "log";
  const tools = useTools(needsTools, loadModeration, () => {
    setShown(null);
    toast(t("people.notLoaded"));
  });
  const names = useMemo(
    () => new Map(membersInSight(state).map(({ id, name }) => [id, name])),
    [presence.members, presence.self, timeline.posts],
  );
  const rights = rightsOf(state);
  const mayModerate = rights?.moderate === true;
  const isSelf = (id: string) => auth.memberIds.includes(id);
  // The event that a dialog or a card has closed may come when another one is shown already.
  const closeOf = (of: Shown) => () => setShown((now) => (now === of ? null : now));
  const views = useLoaded(shown !== null, () => import("./profile-card"));
  const mention = (name: string) => () => {
    onMention();
    setTimeout(() => insertMention(name)); // a drawer that closes restores the focus first
  };
  const present = shown?.kind === "profile" ? presence.members?.find(({ id }) => id === shown.member.id) : undefined;
  const card = shown?.kind === "profile" && views && (
    <views.ProfileCard
      key={shown.member.id}
      {...shown}
      isSelf={isSelf(shown.member.id)}
      isHere={present !== undefined}
      isModerator={present?.moderator === true}
      onMention={auth.identity && rights?.post !== false ? mention(shown.member.name) : null}
      onRename={isSelf(shown.member.id) ? onRename : null}
      onDeny={
        mayModerate && !isSelf(shown.member.id) ? (act) => setShown({ kind: "deny", act, member: shown.member }) : null
      }
      onClose={closeOf(shown)}
    />
  );
  const isFromList = shown?.kind === "profile" && shown.anchor.closest(".people-list") !== null;
  const dialogs = shown && (
    <>
      {!isFromList && card}
      {shown.kind === "deny" && tools && (
        <tools.views.DenyMember
          {...shown}
          room={room}
          moderation={tools.moderation}
          onClose={shown.member ? closeOf(shown) : () => setShown((now) => (now === shown ? { kind: "log" } : now))}
        />
      )}
      {shown.kind === "log" && tools && (
        <tools.views.ModerationLog
          room={room}
          moderation={tools.moderation}
          names={names}
          onBanAddress={() => setShown({ kind: "deny", act: "ban", member: null })}
          onClose={closeOf(shown)}
        />
      )}
    </>
  );
  return {
    looks,
    dialogs,
    /** The profile that the list has opened: it is a part of it, as everything outside a modal drawer is inert. */
    listCard: isFromList ? card : null,
    /** Shows what moderators do; null for a user who may not moderate. */
    onModeration: mayModerate ? () => setShown({ kind: "log" }) : null,
  };
}

/** Returns the dialogs and the calls of moderators: null until they are loaded, which begins when they are needed. */
function useTools(isNeeded: boolean, loadModeration: () => Promise<Moderation>, onFailure: () => void): Tools | null {
  const [tools, setTools] = useState<Tools | null>(null);
  useEffect(() => {
    if (!isNeeded || tools) return;
    Promise.all([import("./moderation"), loadModeration()]).then(
      ([views, moderation]) => setTools({ views, moderation }),
      onFailure,
    );
  }, [isNeeded]);
  return tools;
}
