// Computes the contrast of text on its grounds from the tokens in base.css.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

type Color = readonly [red: number, green: number, blue: number]; // linear, from 0 to 1

const css = readFileSync("page/styles/base.css", "utf8");

/** The values of a token in the light and in the dark theme. */
function token(name: string): [string, string] {
  const [, value = ""] = new RegExp(`\\s--${name}: (.*?);`).exec(css) ?? [];
  const [, alias] = /^var\(--([\w-]+)\)$/.exec(value) ?? [];
  if (alias) return token(alias);
  const [, light, dark] = /^light-dark\((.*?\)?), (.*\)?)\)$/.exec(value) ?? [];
  assert.ok(light && dark, `--${name} has the value ${JSON.stringify(value)}`);
  return [light, dark];
}

function parseHex(value: string): Color {
  assert.match(value, /^#[0-9a-f]{6}$/);
  const channel = (at: number) => {
    const c = Number.parseInt(value.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** As CSS Color 4 converts oklch; what is out of gamut is clipped. */
function parseOklch(value: string, hue: number): Color {
  const [, lightness, chroma] = /^oklch\(([\d.]+) ([\d.]+) var\(--hue\)\)$/.exec(value)!;
  const angle = (hue * Math.PI) / 180;
  const [l, a, b] = [Number(lightness), Number(chroma) * Math.cos(angle), Number(chroma) * Math.sin(angle)];
  const [x, y, z] = [
    (l + 0.3963377774 * a + 0.2158037573 * b) ** 3,
    (l - 0.1055613458 * a - 0.0638541728 * b) ** 3,
    (l - 0.0894841775 * a - 1.291485548 * b) ** 3,
  ];
  const clip = (c: number) => Math.min(1, Math.max(0, c));
  return [
    clip(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z),
    clip(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z),
    clip(-0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z),
  ];
}

function contrast(a: Color, b: Color): number {
  const luminance = ([red, green, blue]: Color) => 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const themes = ["light", "dark"] as const;
const grounds = ["surface", "side", "details", "raised", "sunken", "hover", "side-hover", "selected"];

/** Texts and the grounds that they are on. */
const texts: Record<string, readonly string[]> = {
  text: [...grounds, "accent-surface", "danger-surface", "warning-surface", "mention-surface"],
  muted: [...grounds, "accent-surface", "danger-surface", "warning-surface", "mention-surface"],
  accent: ["surface", "side", "details", "raised", "sunken", "hover", "mention-surface"],
  "accent-strong": [...grounds, "accent-surface", "mention-surface"],
  "on-accent": ["accent", "accent-strong"],
  success: ["surface", "details"],
  warning: ["surface", "details", "hover", "warning-surface"],
  danger: ["surface", "details", "raised", "hover", "danger-surface"],
};

themes.forEach((theme, i) => {
  const colorOf = (name: string) => parseHex(token(name)[i]!);

  test(`${theme}: text has a contrast of 4.5 to 1 on its grounds`, () => {
    for (const [text, on] of Object.entries(texts)) {
      for (const ground of on) {
        const found = contrast(colorOf(text), colorOf(ground));
        assert.ok(found >= 4.5, `--${text} on --${ground}: ${found.toFixed(2)}`);
      }
    }
  });

  test(`${theme}: the edge of a control has a contrast of 3 to 1`, () => {
    for (const ground of ["surface", "side", "details", "raised", "sunken"]) {
      const found = contrast(colorOf("border-strong"), colorOf(ground));
      assert.ok(found >= 3, `--border-strong on --${ground}: ${found.toFixed(2)}`);
    }
  });

  test(`${theme}: the letter of an avatar has a contrast of 4.5 to 1`, () => {
    const hues = [...css.matchAll(/--hue: (\d+);/g)].map(([, hue]) => Number(hue));
    assert.equal(hues.length, 12);
    for (const hue of hues) {
      const colors = ["avatar-text", "avatar-ground"].map((name) => parseOklch(token(name)[i]!, hue));
      const found = contrast(colors[0]!, colors[1]!);
      assert.ok(found >= 4.5, `hue ${hue}: ${found.toFixed(2)}`);
    }
  });
});
