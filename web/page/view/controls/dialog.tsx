import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../../i18n";
import { Icon } from "./icons";

interface Props {
  readonly title: string;
  /** In the middle of the page, and a sheet on a phone; or a drawer at a side. */
  readonly kind: "middle" | "start" | "end";
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A modal dialog. The browser keeps the focus in it, and restores it afterwards. */
export function Dialog({ title, kind, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isGone = useRef(false);
  const id = useId();
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => {
      isGone.current = true; // the event of closing comes later, when another dialog may be in its place
      current?.close(); // restores the focus; removing the element does not
      takeInput();
    };
  }, []);
  const close = () => dialog.current?.close();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the dialog closes it; the browser handles Esc.
    <dialog
      ref={dialog}
      class="dialog"
      data-kind={kind}
      aria-labelledby={id}
      onClose={() => !isGone.current && onClose()}
      onClick={(event) => event.target === event.currentTarget && close()}
    >
      <div class="panel">
        <div class="panel-head">
          <h2 id={id}>{title}</h2>
          <button
            type="button"
            class="quiet icon-only"
            title={t("controls.close")}
            aria-label={t("controls.close")}
            onClick={close}
          >
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

/**
 * Gives the focus again to the field that has it: when it comes from a field in a dialog that
 * closes, Chromium 156 shows it and does not type into it.
 */
function takeInput(): void {
  const { activeElement } = document;
  if (!(activeElement instanceof HTMLTextAreaElement || activeElement instanceof HTMLInputElement)) return;
  activeElement.blur();
  activeElement.focus({ preventScroll: true });
}

interface ActionsProps {
  /** What leaves the dialog without an effect. */
  readonly cancel?: ComponentChildren;
  /** The main action, at the end, where one expects it. */
  readonly children: ComponentChildren;
}

/** The buttons at the end of a dialog. */
export function DialogActions({ cancel, children }: ActionsProps) {
  return (
    <div class="buttons">
      {cancel}
      {children}
    </div>
  );
}
