// Texts out of an image: highlighted by what their names tell, searched and copied but not edited,
// and compared with what an earlier layer had.

import { defaultKeymap } from "@codemirror/commands";
import { type StreamParser, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { css } from "@codemirror/legacy-modes/mode/css";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { javascript, json, typescript } from "@codemirror/legacy-modes/mode/javascript";
import { nginx } from "@codemirror/legacy-modes/mode/nginx";
import { properties } from "@codemirror/legacy-modes/mode/properties";
import { python } from "@codemirror/legacy-modes/mode/python";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { html, xml } from "@codemirror/legacy-modes/mode/xml";
import { yaml } from "@codemirror/legacy-modes/mode/yaml";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { changeKeys, diffConfig, heading, linesOf } from "./compare";
import { notes } from "./note";
import { highlight, theme } from "./theme";

/** By what a name ends with. */
const endings: [RegExp, StreamParser<unknown>][] = [
  [/\.(sh|bash|zsh|ash|profile|bashrc)$|(^|\/)(\.?(bashrc|profile|bash_profile)|docker-entrypoint[^/]*|entrypoint)$/, shell],
  [/\.(json|jsonl|map|webmanifest|cjson)$|(^|\/)(\.npmrc\.json|composer\.lock|package-lock\.json)$/, json],
  [/\.ya?ml$/, yaml],
  [/\.toml$|(^|\/)(Cargo|poetry|uv)\.lock$/, toml],
  [/(^|\/)nginx[^/]*\.conf$|\/nginx\/.*\.(conf|template)$/, nginx],
  [/\.(ini|properties|conf|cfg|env|service|socket|timer|desktop|editorconfig|npmrc|list|sources)$|(^|\/)(\.env[^/]*|\.npmrc|\.gitconfig|os-release)$/, properties],
  [/\.pyi?$/, python],
  [/\.[cm]?jsx?$/, javascript],
  [/\.[cm]?tsx?$/, typescript],
  [/\.css$/, css],
  [/\.(html?|xhtml)$/, html],
  [/\.(xml|svg|xsl|xsd|pom|plist|csproj)$/, xml],
  [/(^|\/)(Dockerfile|Containerfile)[^/]*$|\.dockerfile$/i, dockerFile],
];

/** By its first line. */
const beginnings: [RegExp, StreamParser<unknown>][] = [
  [/^#!.*\b(sh|bash|ash|dash|zsh)\b/, shell],
  [/^#!.*\bpython/, python],
  [/^#!.*\bnode\b/, javascript],
  [/^<\?xml/, xml],
  [/^<!doctype html/i, html],
  [/^\s*[{[]\s*$|^\s*\{\s*"/, json],
];

function languageOf(path: string, text: string): Extension {
  const line = text.slice(0, 200).split("\n", 1)[0] ?? "";
  const found = endings.find(([name]) => name.test(path)) ?? beginnings.find(([start]) => start.test(line));
  // Names within longer ones, as JSON has them, are not among those that are known by themselves.
  return found ? StreamLanguage.define({ ...found[1], tokenTable: { property: tags.propertyName, ...found[1].tokenTable } }) : [];
}

/** Under this width two texts have no room; the same as in the style sheets. */
const narrow = matchMedia("(max-width: 900px)");

const shown = new WeakMap<HTMLElement, { destroy(): void }>();

/** Shows a text in `host`, beside an earlier one where there is one. */
export function view(
  host: HTMLElement,
  text: string,
  before: string | undefined,
  path: string,
  beforeName: string,
  name: string,
): void {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  shown.get(host)?.destroy();
  const side = (label: string, content: string): Extension => [
    EditorState.lineSeparator.of("\n"),
    EditorState.readOnly.of(true),
    EditorView.contentAttributes.of({
      "aria-label": `${path}, ${label}, read only`,
      "aria-readonly": "true",
      spellcheck: "false",
      tabindex: "0",
    }),
    lineNumbers(),
    drawSelection(),
    highlightSelectionMatches(),
    languageOf(path, content),
    syntaxHighlighting(highlight),
    theme,
    notes,
    keymap.of([...changeKeys, ...defaultKeymap, ...searchKeymap]),
  ];
  const now = side(name, text);
  if (before === undefined) {
    shown.set(host, new EditorView({ root, parent: root, state: EditorState.create({ doc: linesOf(text), extensions: now }) }));
    return;
  }
  const isWide = !narrow.matches && host.clientWidth > 700;
  if (!isWide) {
    const merged = unifiedMergeView({ original: linesOf(before), diffConfig, mergeControls: false });
    const extensions = [now, merged, heading(`${beforeName} → ${name}`)];
    shown.set(host, new EditorView({ root, parent: root, state: EditorState.create({ doc: linesOf(text), extensions }) }));
    return;
  }
  const merge = new MergeView({
    a: { doc: linesOf(before), extensions: [side(beforeName, before), heading(beforeName)] },
    b: { doc: linesOf(text), extensions: [now, heading(name)] },
    parent: root,
    root,
    diffConfig,
    collapseUnchanged: { margin: 3, minSize: 8 },
  });
  merge.dom.style.height = "100%";
  // Clipped and not scrolled, so that headings stick to what is seen.
  for (const half of merge.dom.querySelectorAll<HTMLElement>(".cm-mergeViewEditor")) half.style.overflow = "clip";
  shown.set(host, merge);
}
