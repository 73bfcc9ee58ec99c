// The illustrations of empty states: drawn in the colours of the theme, and decorative.
// Shapes have a class for their role: ground, paper, ink (a line) and accent.

import type { ComponentChild } from "preact";

const art = {
  /** Two speech bubbles, the second one still empty. */
  emptyRoom: (
    <>
      <ellipse class="ground" cx="80" cy="104" rx="62" ry="8" />
      <path
        class="paper"
        d="M26 22h64a10 10 0 0 1 10 10v28a10 10 0 0 1-10 10H52L38 83V70H26a10 10 0 0 1-10-10V32a10 10 0 0 1 10-10z"
      />
      <path class="ink" d="M32 39h50M32 52h32" />
      <path
        class="accent-paper"
        d="M86 46h48a10 10 0 0 1 10 10v22a10 10 0 0 1-10 10h-8v12l-13-12H86a10 10 0 0 1-10-10V56a10 10 0 0 1 10-10z"
      />
      <path class="accent-ink" d="M110 60v14M103 67h14" />
    </>
  ),
  /** Two chairs' worth of people, one of them only an outline. */
  nobody: (
    <>
      <ellipse class="ground" cx="80" cy="104" rx="58" ry="8" />
      <circle class="paper" cx="58" cy="40" r="17" />
      <path class="paper" d="M28 98c0-19 12-32 30-32s30 13 30 32z" />
      <g class="dashed">
        <circle cx="106" cy="46" r="14" />
        <path d="M80 98c1-17 11-28 26-28s25 11 26 28z" />
      </g>
    </>
  ),
  /** A list whose rows are empty, and a magnifying glass. */
  noRooms: (
    <>
      <ellipse class="ground" cx="80" cy="104" rx="58" ry="8" />
      <rect class="paper" x="34" y="16" width="76" height="82" rx="9" />
      <path class="ink" d="M48 34h8M64 34h32M48 50h8M64 50h22M48 66h8" />
      <circle class="accent-paper" cx="98" cy="70" r="20" />
      <path class="accent-ink" d="m113 85 15 15" />
    </>
  ),
  /** A cloud, and a plug that is pulled out of it. */
  offline: (
    <>
      <ellipse class="ground" cx="80" cy="106" rx="58" ry="7" />
      <path class="paper" d="M48 74a19 19 0 0 1-2-38 28 28 0 0 1 53-7 23 23 0 0 1 13 45z" />
      <path class="ink" d="M80 74v8" />
      <path class="accent-ink" d="M80 92v3a8 8 0 0 0 8 8h26M72 86h16M74 92h12" />
    </>
  ),
  /** A door with a lock. */
  closedRoom: (
    <>
      <ellipse class="ground" cx="80" cy="106" rx="58" ry="7" />
      <path class="paper" d="M50 104V24a8 8 0 0 1 8-8h44a8 8 0 0 1 8 8v80z" />
      <path class="ink" d="M62 32h36M62 44h36M40 104h80" />
      <rect class="accent-paper" x="66" y="64" width="28" height="23" rx="5" />
      <path class="accent-ink" d="M72 64v-6a8 8 0 0 1 16 0v6M80 73v5" />
    </>
  ),
  /** A sign whose hash has been torn. */
  invalidRoom: (
    <>
      <ellipse class="ground" cx="80" cy="106" rx="58" ry="7" />
      <path class="ink" d="M80 82v24" />
      <rect class="paper" x="36" y="20" width="88" height="62" rx="9" />
      <path class="accent-ink" d="m72 36-5 30M93 36l-5 30M60 45h14M84 45h16M58 57h16M84 57h14" />
    </>
  ),
} satisfies Record<string, ComponentChild>;

export type IllustrationName = keyof typeof art;

export function Illustration({ name }: { name: IllustrationName }) {
  return (
    <svg class="illustration" data-name={name} viewBox="0 0 160 116" width="160" height="116" aria-hidden="true">
      {art[name]}
    </svg>
  );
}
