import type { ComponentChildren } from "preact";
import { t } from "../../i18n";
import { Mark } from "./mark";

interface Props {
  readonly foot: ComponentChildren;
  /** The lists: rooms, and later direct messages and invitations. */
  readonly children: ComponentChildren;
}

/** The rooms beside the conversation: what this is, where one can go, and who one is. */
export function Sidebar({ foot, children }: Props) {
  return (
    <nav class="sidebar rooms" aria-label={t("rooms.title")}>
      <p class="product">
        <Mark />
        <span>{t("shell.product")}</span>
      </p>
      <h2 class="sr-only">{t("rooms.title")}</h2>
      {children}
      {foot}
    </nav>
  );
}
