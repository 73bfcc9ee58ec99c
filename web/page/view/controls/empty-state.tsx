import type { ComponentChildren } from "preact";
import { Illustration, type IllustrationName } from "./illustrations";

interface Props {
  readonly illustration: IllustrationName;
  /** The level of its heading on the page; null for text that is no heading. */
  readonly heading?: 1 | 2 | null;
  readonly title: ComponentChildren;
  /** What it means, and ways on. */
  readonly children?: ComponentChildren;
}

/** What is shown where there is nothing to show. */
export function EmptyState({ illustration, heading = null, title, children }: Props) {
  const Title = heading === 1 ? "h1" : heading === 2 ? "h2" : "p";
  return (
    <div class="empty-state">
      <Illustration name={illustration} />
      <Title class="empty-title">{title}</Title>
      {children}
    </div>
  );
}
