import type { ComponentChildren, TargetedMouseEvent } from "preact";
import { useContext } from "preact/hooks";
import { t } from "../../i18n";
import type { LinkNode } from "../../text";
import { messageTarget } from "../../text/message-link";
import { OpenMessageContext } from "./text-context";

interface Props {
  readonly link: LinkNode;
  /** The label; absent for a URL that stands in the text. */
  readonly children?: ComponentChildren;
}

/** A link. One to a message of this service opens in the page, the others in a tab of their own. */
export function TextLink({ link, children }: Props) {
  const openMessage = useContext(OpenMessageContext);
  const { href, label, shown, realHost } = link;
  const target = openMessage && messageTarget(href, document.baseURI);
  if (target) {
    const { room, sequence } = target;
    const open = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a new tab or window
      event.preventDefault();
      openMessage(room, sequence);
    };
    const text = sequence > 0n ? t("text.messageOf", { room }) : `#${room}`;
    return (
      <a href={href} class="message-link" title={href} onClick={open}>
        {label ? children : text}
      </a>
    );
  }
  return (
    <>
      <a href={href} target="_blank" rel="noopener noreferrer" title={href}>
        {label ? children : <bdi dir="ltr">{shown}</bdi>}
      </a>
      {realHost !== null && (
        <span class="real-host" title={t("text.leadsTo", { host: realHost })}>
          {" "}
          (<bdi dir="ltr">{realHost}</bdi>)
        </span>
      )}
    </>
  );
}
