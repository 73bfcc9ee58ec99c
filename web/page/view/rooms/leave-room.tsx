import { rich, t } from "../../i18n";
import type { RoomItem } from "../../state/room-groups";
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
    <Dialog title={t("rooms.leaveTitle")} kind="middle" onClose={onClose}>
      <p>
        {rich(unsent ? "rooms.leaveUnsent" : "rooms.leaveDraft", {
          room: <bdi key="room">{displayName || `#${name}`}</bdi>,
        })}
      </p>
      <div class="buttons">
        <button type="button" class="quiet" autofocus onClick={onClose}>
          {t("rooms.stay")}
        </button>
        <button type="button" class="danger" onClick={leave}>
          {t("rooms.leave")}
        </button>
      </div>
    </Dialog>
  );
}
