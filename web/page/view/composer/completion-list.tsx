import { useEffect, useRef } from "preact/hooks";
import { t } from "../../i18n";
import type { Option } from "../../state/completion";
import type { Completion } from "./use-completion";

interface Props {
  readonly id: string;
  readonly completion: Completion;
}

/** What is offered for the word before the caret. The field keeps the focus, and names the active option. */
export function CompletionList({ id, completion: { options, active, pick } }: Props) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.children[active]?.scrollIntoView({ block: "nearest" }), [active, options]);
  return (
    <>
      {options.length > 0 && (
        <div ref={list} id={id} class="completion" role="listbox" aria-label={t("composer.suggestions")}>
          {options.map((option, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys.
            <div
              key={option.key}
              id={optionId(id, i)}
              role="option"
              tabIndex={-1}
              aria-selected={i === active}
              onPointerDown={(event) => event.preventDefault()}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => pick(option)}
            >
              <OptionLabel option={option} />
            </div>
          ))}
        </div>
      )}
      <p class="sr-only" role="status">
        {options.length > 0 && t("composer.suggestionCount", { count: options.length })}
      </p>
    </>
  );
}

export function optionId(listId: string, index: number): string {
  return `${listId}-${index}`;
}

function OptionLabel({ option: { emoji, label, hint } }: { readonly option: Option }) {
  return (
    <>
      {emoji && <span class="emoji">{emoji}</span>}
      <bdi class="label">{label}</bdi>
      {hint && <span class="hint">{hint}</span>}
    </>
  );
}
