import { rich, t } from "../../i18n";
import type { RoomItem } from "../../state/room-groups";
import { roomTitle } from "../../state/room-title";
import { Dialog } from "../controls/dialog";

interface Props {
  readonly item: RoomItem;
  readonly onLeave: () => void;
  readonly onClose: () => void;
}

/** Asks before a room is left in which something was not sent. */
export function LeaveRoom({ item, onLeave, onClose }: Props) {
  const { name, displayName, unsent } = item;
  const leave = () => {
    onClose();
    onLeave();
  };
  return (
    <Dialog title={t("room-dialogs.leaveTitle")} kind="middle" onClose={onClose}>
      <p>
        {rich(unsent ? "room-dialogs.leaveUnsent" : "room-dialogs.leaveDraft", {
          room: <bdi key="room">{roomTitle(name, displayName)}</bdi>,
        })}
      </p>
      <div class="buttons">
        <button type="button" class="quiet" autofocus onClick={onClose}>
          {t("room-dialogs.stay")}
        </button>
        <button type="button" class="danger" onClick={leave}>
          {t("room-dialogs.leave")}
        </button>
      </div>
    </Dialog>
  );
}
