import type { Member } from "../../../client";
import { t } from "../../i18n";
import { nameMarkLabel } from "../../state/labels";
import { copyText } from "../controls/copy";
import { Icon } from "../controls/icons";
import { Popover } from "../controls/popover";
import { Avatar } from "./looks";
import "../../styles/settings.css";
import "../../styles/profile.css";

/** What a moderator does about a member. */
export type DenialAct = "mute" | "kick" | "ban";

interface Props {
  readonly member: Member;
  readonly anchor: HTMLElement;
  readonly isSelf: boolean;
  /** Whether the member is in the room now. */
  readonly isHere: boolean;
  /** Whether the member is in the room now, as a moderator of it. */
  readonly isModerator: boolean;
  /** Null for a user who may not write. */
  readonly onMention: (() => void) | null;
  /** Null for others. */
  readonly onRename: (() => void) | null;
  /** Null for a user who may not moderate, and for oneself. */
  readonly onDeny: ((act: DenialAct) => void) | null;
  readonly onClose: () => void;
}

/** How much of an id tells members apart. */
const shortIdLength = 8;

export function shortId(id: string): string {
  return id.length > shortIdLength ? `${id.slice(0, shortIdLength)}…` : id;
}

/** Who a member is, and what can be done. */
export function ProfileCard(props: Props) {
  const { member, anchor, isSelf, isHere, isModerator, onMention, onRename, onDeny, onClose } = props;
  const mark = member.mark && nameMarkLabel(member.mark);
  return (
    <Popover
      class="menu profile-card"
      role="dialog"
      label={t("people.profileOf", { name: member.name })}
      placement={{ anchor, side: "below", align: "start" }}
      onClose={onClose}
    >
      {(closeAnd) => (
        <>
          <div class="profile-head">
            <Avatar member={member} />
            <div>
              <p class="profile-name">
                <bdi>{member.name}</bdi>
              </p>
              {isModerator && <p class="hint moderator">{t("people.moderator")}</p>}
              <p class="hint">{isSelf ? t("people.thisIsYou") : isHere ? t("people.here") : t("people.notHere")}</p>
              <p class="hint" title={member.id}>
                {t("people.id", { id: shortId(member.id) })}
              </p>
            </div>
          </div>
          {mark && (
            <p class="profile-mark warning">
              <Icon name="warning" size={16} />
              <span>{mark.reason}</span>
            </p>
          )}
          {onMention && (
            <button type="button" class="quiet" onClick={closeAnd(onMention)}>
              <Icon name="mention" />
              {t("people.mention")}
            </button>
          )}
          <button type="button" class="quiet" onClick={closeAnd(() => void copyText(member.name))}>
            <Icon name="copy" />
            {t("people.copyName")}
          </button>
          {onRename && (
            <button type="button" class="quiet" onClick={closeAnd(onRename)}>
              <Icon name="edit" />
              {t("people.changeName")}
            </button>
          )}
          {onDeny && (
            <div class="menu-group" role="group" aria-label={t("people.moderation")}>
              {(["mute", "kick", "ban"] as const).map((act) => (
                <button
                  key={act}
                  type="button"
                  class={act === "mute" ? "quiet" : "quiet danger"}
                  data-act={act}
                  onClick={closeAnd(() => onDeny(act))}
                >
                  <Icon name={denialIcons[act]} />
                  {t(denialLabels[act])}
                </button>
              ))}
            </div>
          )}
        </>
      )}
    </Popover>
  );
}

const denialLabels = { mute: "people.mute", kick: "people.kick", ban: "people.ban" } as const;
const denialIcons = { mute: "muted", kick: "leave", ban: "ban" } as const;
