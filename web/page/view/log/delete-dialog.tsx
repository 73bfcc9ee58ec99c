import { useState } from "preact/hooks";
import { t } from "../../i18n";
import type { MessageRow } from "../../state/message-rows";
import { Dialog, DialogActions } from "../controls/dialog";
import "../../styles/moderation.css";

interface DeleteDialogProps {
  readonly row: MessageRow;
  /** Whether a moderator deletes the message of another member. */
  readonly asksReason: boolean;
  readonly onDelete: (reason: string) => void;
  readonly onClose: () => void;
}

/** Asks before a message is deleted. */
export function DeleteDialog({ row, asksReason, onDelete, onClose }: DeleteDialogProps) {
  const [reason, setReason] = useState("");
  const confirm = () => {
    onDelete(reason.trim().replace(/\s+/g, " "));
    onClose();
  };
  return (
    <Dialog title={t("log.deleteQuestion")} kind="middle" onClose={onClose}>
      <p class="deleted-text" dir="auto">
        {row.text}
      </p>
      <p>{t("log.deleteHint")}</p>
      {asksReason && (
        <div class="delete-reason">
          <label for="delete-reason">{t("people.deleteReason")}</label>
          <input
            id="delete-reason"
            type="text"
            dir="auto"
            maxLength={300}
            autocomplete="off"
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </div>
      )}
      <DialogActions
        cancel={
          <button type="button" class="quiet" autofocus onClick={onClose}>
            {t("log.keep")}
          </button>
        }
      >
        <button type="button" class="danger" onClick={confirm}>
          {t("log.delete")}
        </button>
      </DialogActions>
    </Dialog>
  );
}
