import type { ComponentChildren } from "preact";
import { useContext, useMemo } from "preact/hooks";
import { type Block, type Inline, isLargeEmoji, type ListBlock, parseMessage } from "../../text";
import { beginning } from "../../text/beginning";
import { CodeBlock } from "./code-block";
import { MentionContext, WholeContext } from "./text-context";
import { TextLink } from "./text-link";
import { useLinkFinder } from "./use-link-finder";

/** How many nodes of a folded message are drawn. */
const maxFolded = 200;

interface Props {
  readonly text: string;
  /** Whether @room in it means everyone. */
  readonly mentionsAll: boolean;
}

/** A message's text, from its source. Each block has the direction of its own words. */
export function MessageText({ text, mentionsAll }: Props) {
  const names = useContext(MentionContext);
  const hasLinks = useLinkFinder(text);
  const blocks = useMemo(
    () => parseMessage(text, { ...names, everyone: mentionsAll }),
    [text, names, mentionsAll, hasLinks],
  );
  const isWhole = useContext(WholeContext);
  const shown = useMemo(() => beginning(blocks, isWhole ? Infinity : maxFolded), [blocks, isWhole]);
  const isLarge = useMemo(() => isLargeEmoji(text), [text]);
  return (
    <div class="text" data-large={isLarge || undefined} data-cut={shown.isCut || undefined}>
      {shown.blocks.map((block, i) => blockNode(block, i, "auto"))}
    </div>
  );
}

/** The outermost block has the direction: that of its first letter, for its marks and lines as well. */
type Direction = "auto" | undefined;

function blockNode(block: Block, key: number, dir: Direction): ComponentChildren {
  switch (block.kind) {
    case "paragraph":
      return (
        <p key={key} dir={dir}>
          {block.children.map(inlineNode)}
        </p>
      );
    case "quote":
      return (
        <blockquote key={key} dir={dir}>
          {block.blocks.map((inner, i) => blockNode(inner, i, undefined))}
        </blockquote>
      );
    case "code":
      return <CodeBlock key={key} language={block.language} text={block.text} />;
    case "list":
      return listNode(block, key, dir);
  }
}

function listNode({ ordered, items }: ListBlock, key: number, dir: Direction): ComponentChildren {
  const entries = items.map(({ number, children, nested }, i) => (
    <li key={i} value={ordered ? number : undefined}>
      {children.map(inlineNode)}
      {nested.map((list, j) => listNode(list, j, undefined))}
    </li>
  ));
  return ordered ? (
    <ol key={key} dir={dir}>
      {entries}
    </ol>
  ) : (
    <ul key={key} dir={dir}>
      {entries}
    </ul>
  );
}

function inlineNode(inline: Inline, key: number): ComponentChildren {
  switch (inline.kind) {
    case "text":
      return inline.text;
    case "strong":
      return <strong key={key}>{inline.children.map(inlineNode)}</strong>;
    case "emphasis":
      return <em key={key}>{inline.children.map(inlineNode)}</em>;
    case "strike":
      return <s key={key}>{inline.children.map(inlineNode)}</s>;
    case "code":
      return <code key={key}>{inline.text}</code>;
    case "mention":
      return (
        <bdi key={key} class="mention" data-self={inline.self || undefined}>
          {inline.text}
        </bdi>
      );
    case "link":
      return (
        <TextLink key={key} link={inline}>
          {inline.label?.map(inlineNode)}
        </TextLink>
      );
  }
}
