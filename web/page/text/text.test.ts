import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, type Inline, isLargeEmoji, mentionsSelf, parseMessage, plainText } from ".";
import { loadLinkFinder } from "./links";

await loadLinkFinder();

const names = ["Ada", "Ada 2", "snake_case", "太郎", "Zoë"];
const of = (known: readonly string[], self: string) => ({ names: known, self, everyone: false });

/** The tree of a message in short. */
function shown(source: string): string {
  return parseMessage(source, of(names, "Ada")).map(block).join(" ");
}

function block(part: Block): string {
  switch (part.kind) {
    case "paragraph":
      return `p(${inlines(part.children)})`;
    case "code":
      return `pre${part.language && `:${part.language}`}(${part.text})`;
    case "quote":
      return `q(${part.blocks.map(block).join(" ")})`;
    case "list":
      return `${part.ordered ? "ol" : "ul"}(${part.items
        .map(({ number, children, nested }) => {
          const mark = part.ordered ? `${number}. ` : "- ";
          return mark + inlines(children) + nested.map((list) => ` ${block(list)}`).join("");
        })
        .join(", ")})`;
  }
}

function inlines(parts: readonly Inline[]): string {
  return parts.map(inline).join("");
}

function inline(part: Inline): string {
  switch (part.kind) {
    case "text":
      return part.text;
    case "strong":
      return `b(${inlines(part.children)})`;
    case "emphasis":
      return `i(${inlines(part.children)})`;
    case "strike":
      return `s(${inlines(part.children)})`;
    case "code":
      return `c(${part.text})`;
    case "mention":
      return `${part.self ? "self" : "at"}(${part.text})`;
    case "link": {
      const real = part.realHost === null ? "" : ` !${part.realHost}`;
      return part.label ? `a(${inlines(part.label)} → ${part.href}${real})` : `a(${part.shown}${real})`;
    }
  }
}

function check(cases: readonly (readonly [source: string, want: string])[]): void {
  for (const [source, want] of cases) assert.equal(shown(source), want, source);
}

test("emphasis", () => {
  check([
    ["**bold** and *italic* and _italic_ and ~~gone~~", "p(b(bold) and i(italic) and i(italic) and s(gone))"],
    ["__bold__", "p(b(bold))"],
    ["***both***", "p(b(i(both)))"],
    ["**bold *and italic***", "p(b(bold i(and italic)))"],
    ["*italic **and bold***", "p(i(italic b(and bold)))"],
    ["***a* b**", "p(b(i(a) b))"],
    ["これは**重要**です", "p(これはb(重要)です)"],
    ["これは**「重要」**です", "p(これはb(「重要」)です)"],
    ["**two\nlines**", "p(b(two\nlines))"],
    ["*not\n\nover paragraphs*", "p(*not\n\nover paragraphs*)"],
    ["(*a*), *b*.", "p((i(a)), i(b).)"],
    ["**a `**` b**", "p(b(a c(**) b))"],
    ["**unclosed", "p(**unclosed)"],
  ]);
});

test("what is no mark stays text", () => {
  for (const text of [
    "snake_case_words and __FILE_NAME",
    "2*3*4, 2 * 3 * 4, 2**3**4",
    ":-) ;) :D ^_^ *_* >_< -_- T_T (*_*) o_O (*_*)",
    "¯\\_(ツ)_/¯",
    "# no heading",
    "1.",
    "1. ",
    "-",
    "- ",
    "--- *** ___",
    "f(*args, **kwargs)",
    "**/*.go and *.ts",
    "/* a comment */",
    "~ 5 ~~~ 6, ~single~",
    "****",
    "``",
    "`",
    "[x] [y](z) [](z) []()",
    "<b>not HTML</b> &amp; &lt;",
    "C:\\Program Files\\x, \\\\server\\share",
    "a > b, >_< >:(",
    "  indented\ttext  with  spaces",
    "a\n\n\nb",
  ]) {
    assert.equal(shown(text), `p(${text})`, text);
  }
});

test("a backslash makes a mark text", () => {
  check([
    ["\\*not italic\\*", "p(*not italic*)"],
    ["\\`not code\\`", "p(`not code`)"],
    ["\\[a](https://x.example)", "p([a](a(https://x.example)))"],
    ["\\> no quote", "p(> no quote)"],
    ["\\- no item", "p(- no item)"],
    ["1\\. no item", "p(1. no item)"],
    ["\\@Ada", "p(@Ada)"],
    ["\\\\*italic*", "p(\\i(italic))"],
    ["`\\*`", "p(c(\\*))"],
    ["¯\\\\\\_(ツ)_/¯", "p(¯\\_(ツ)_/¯)"],
  ]);
});

test("code", () => {
  check([
    ["`a` and ``b ` c``", "p(c(a) and c(b ` c))"],
    ["`` `a` ``", "p(c(`a`))"],
    ["`**a** @Ada https://x.example`", "p(c(**a** @Ada https://x.example))"],
    ["```js\nlet a = 1;\n\n  b();\n```", "pre:js(let a = 1;\n\n  b();)"],
    ["```\n**a**\n```", "pre(**a**)"],
    ["```a b\nc```", "pre(a b\nc)"],
    ["```one line```", "pre(one line)"],
    ["see\n```Go\nx\n```\n\nthere", "p(see) pre:go(x) p(there)"],
    ["```\nnot closed", "p(```\nnot closed)"],
    ["```\n\n```", "p(```\n\n```)"],
  ]);
});

test("quotes have up to three levels", () => {
  check([
    ["> a\n> b\nc", "q(p(a\nb)) p(c)"],
    ["> a\n> > b", "q(p(a) q(p(b)))"],
    [">> a", "q(q(p(a)))"],
    ["> > > > a", "q(q(q(p(> a))))"],
    ["> - a\n> - b", "q(ul(- a, - b))"],
    ["> ```\n> a\n> ```", "q(pre(a))"],
    [">", "p(>)"],
  ]);
});

test("lists have up to two levels", () => {
  check([
    ["- a\n- **b**", "ul(- a, - b(b))"],
    ["* a\n* b", "ul(- a, - b)"],
    ["1. a\n2. b", "ol(1. a, 2. b)"],
    ["3) a\n7) b", "ol(3. a, 7. b)"],
    ["1. a\n1. b", "ol(1. a, 2. b)"],
    ["- a\n  - b\n    - c\n- d", "ul(- a ul(- b, - c), - d)"],
    ["1. a\n   - b", "ol(1. a ul(- b))"],
    ["- a\n  more\n- b", "ul(- a\nmore, - b)"],
    ["- a\n\n- b\n\nc", "ul(- a, - b) p(c)"],
    ["- a\n1. b", "ul(- a) ol(1. b)"],
    ["do:\n- a\nnow", "p(do:) ul(- a) p(now)"],
    ["1. a\n```\nb\n```\n2. c", "ol(1. a) pre(b) ol(2. c)"],
    ["    - deep", "p(    - deep)"],
  ]);
});

test("links with a label", () => {
  check([
    ["[Go](https://go.dev)", "p(a(Go → https://go.dev/))"],
    ["[**Go**](https://go.dev/a_(b))", "p(a(b(Go) → https://go.dev/a_(b)))"],
    ["[mail](mailto:a@x.example)", "p(a(mail → mailto:a@x.example))"],
    ["*[a](https://x.example) b*", "p(i(a(a → https://x.example/) b))"],
    ["[a [b](https://x.example)](https://y.example)", "p([a a(b → https://x.example/)](a(https://y.example)))"],
    ["[x](javascript:alert(1))", "p([x](javascript:alert(1)))"],
    ["[x](JaVaScRiPt://x.example/%0aalert(1))", "p([x](JaVaScRiPt://x.example/%0aalert(1)))"],
    ["[x](data:text/html,x)", "p([x](data:text/html,x))"],
    ["[x](/relative)", "p([x](/relative))"],
    ["[x](https://)", "p([x](https://))"],
    ["[a](https://x.example b)", "p([a](a(https://x.example) b))"],
  ]);
});

test("a label cannot promise another address", () => {
  check([
    ["[https://bank.example](https://evil.example)", "p([a(https://bank.example)](a(https://evil.example)))"],
    ["[https://go.dev/](https://go.dev/)", "p(a(https://go.dev/ → https://go.dev/))"],
    ["[bank.example](https://evil.example)", "p(a(bank.example → https://evil.example/ !evil.example))"],
    ["[go.dev](https://www.go.dev)", "p(a(go.dev → https://www.go.dev/))"],
    ["[a](https://bank.example@evil.example/)", "p(a(a → https://bank.example@evil.example/ !evil.example))"],
  ]);
});

test("mentions are of the longest name, whatever its case", () => {
  check([
    ["@Ada", "p(self(@Ada))"],
    ["@ada: hi, @ADA 2!", "p(self(@ada): hi, at(@ADA 2)!)"],
    ["@Ada 22", "p(self(@Ada) 22)"],
    ["@Adam and a@Ada and x@Ada.example", "p(@Adam and a@Ada and a(x@Ada.example))"],
    ["@snake_case_ and *@snake_case*", "p(at(@snake_case)_ and i(at(@snake_case)))"],
    ["@太郎さん、こんにちは@Adaさん", "p(at(@太郎)さん、こんにちはself(@Ada)さん)"],
    ["@room @Room! @rooms", "p(@room @Room! @rooms)"],
    ["@Zoe\u0308 @Nobody", "p(at(@Zoe\u0308) @Nobody)"],
    ["`@Ada` [@Ada](https://x.example)", "p(c(@Ada) a(@Ada → https://x.example/))"],
  ]);
});

test("a mention of the reader is told from others", () => {
  const cases: [string, boolean][] = [
    ["hi @Ada", true],
    ["hi @room", false],
    ["hi @Ada 2", false],
    ["- a\n  - **@ada**", true],
    ["> @Ada", false],
    ["`@Ada`", false],
    ["Ada", false],
  ];
  for (const [text, want] of cases) assert.equal(mentionsSelf(text, of(names, "Ada")), want, text);
  assert.equal(mentionsSelf("@Renamed", of([], "Renamed")), true);
  assert.equal(mentionsSelf("@ and @", of([], "")), false);
});

test("@room mentions everyone only if the writer may", () => {
  for (const text of ["hi @room", "@Room: **hi**", "@room\n@Ada 2"]) {
    assert.equal(mentionsSelf(text, { names, self: "Ada", everyone: true }), true, text);
    assert.equal(mentionsSelf(text, { names, self: "Ada", everyone: false }), false, text);
  }
  // A member of this name is mentioned by those who may not, and longer names by all.
  const withRoom = ["room", "Room 2"];
  assert.equal(mentionsSelf("@room", { names: withRoom, self: "room", everyone: false }), true);
  assert.equal(mentionsSelf("@room", { names: withRoom, self: "Ada", everyone: false }), false);
  assert.equal(mentionsSelf("@room 2", { names: withRoom, self: "Ada", everyone: true }), false);
  assert.equal(mentionsSelf("@rooms", { names, self: "Ada", everyone: true }), false);
});

test("plain text has no marks", () => {
  assert.equal(plainText("**a** `b` [c](https://x.example) ~~d~~"), "a b c d");
  assert.equal(plainText("> q\n\n1. a\n   - b\n```go\nx\n```"), "q\n1. a\n• b\nx");
});

test("up to six emoji alone are large", () => {
  for (const text of ["🎉", "👍👍🏽 👩‍💻", "❤️", "👍\ufe0f", "🇯🇵🏴󠁧󠁢󠁥󠁮󠁧󠁿", " 😀\n😀 "]) assert.ok(isLargeEmoji(text), text);
  for (const text of ["", "a", "🎉a", "1", "#", "❤", "©", "😀".repeat(7), "*", "🇯"])
    assert.ok(!isLargeEmoji(text), text);
});
