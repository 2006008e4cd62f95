// How the editor looks. All colors are the page's, by name.

import { HighlightStyle } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

import ban from "lucide-static/icons/ban.svg";
import check from "lucide-static/icons/check.svg";
import open from "lucide-static/icons/chevron-down.svg";
import closed from "lucide-static/icons/chevron-right.svg";
import alert from "lucide-static/icons/circle-alert.svg";
import pause from "lucide-static/icons/circle-pause.svg";
import question from "lucide-static/icons/circle-question-mark.svg";
import rotate from "lucide-static/icons/rotate-cw.svg";
import tag from "lucide-static/icons/tag.svg";
import waves from "lucide-static/icons/waves.svg";

const icons: Record<string, string> = {
  cached: check,
  rebuild: rotate,
  conditional: waves,
  pruned: ban,
  metadata: tag,
  unknown: question,
  error: alert,
  blocked: pause,
};

// A quote would end the address.
const mask = (url: string) => ({ maskImage: `url("${url.replaceAll('"', "%22")}")` });
const colour = (kind: string) => ({ backgroundColor: `var(--${kind}-text)`, ...mask(icons[kind] ?? tag) });

export const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "var(--text-code)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.65" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  // Under the page's own menus.
  ".cm-gutters, .cm-panels": { zIndex: "1" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--ink-faint)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 6px 0 10px", minWidth: "28px" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 22%, transparent)",
  },
  ".cm-steps .cm-gutterElement": { display: "grid", placeItems: "center", width: "26px" },
  ".step": {
    display: "block",
    width: "15px",
    height: "15px",
    maskRepeat: "no-repeat",
    maskPosition: "center",
    maskSize: "contain",
  },
  ...Object.fromEntries(Object.keys(icons).map((kind) => [`.step-${kind}`, colour(kind)])),
  ".line-rebuild": { boxShadow: "inset 3px 0 0 var(--rebuild-edge)" },
  ".line-cause": { backgroundColor: "var(--rebuild-fill)", boxShadow: "inset 4px 0 0 var(--rebuild-text)" },
  ".line-hover": { outline: "1px dashed var(--accent)", outlineOffset: "-1px" },
  ".line-error": { boxShadow: "inset 3px 0 0 var(--error-text)" },
  ".line-conditional": { boxShadow: "inset 3px 0 0 var(--conditional-edge)" },
  // Not by opacity: the text must stay legible.
  ".line-pruned, .line-pruned span": { color: "var(--ink-faint)", fontWeight: "400" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--ink)",
    border: "1px solid var(--line)",
    borderRadius: "8px",
    boxShadow: "var(--shadow-2)",
  },
  ".cm-diagnostic": { padding: "6px 10px", whiteSpace: "pre-line", fontFamily: "var(--sans)" },
  ".cm-diagnosticAction": {
    backgroundColor: "var(--accent)",
    color: "var(--on-accent)",
    borderRadius: "4px",
    padding: "2px 8px",
    marginLeft: "0",
  },
  ".cm-diagnosticText a, .card a, .help a": { color: "var(--accent)" },
  ".cm-diagnosticSource": { fontSize: "inherit", opacity: "1" },
  ".cm-tooltip .cm-tooltip-section:not(:first-child)": { borderTop: "1px solid var(--line)" },
  ".card, .help": {
    maxWidth: "min(420px, 90vw)",
    maxHeight: "60vh",
    overflowY: "auto",
    padding: "8px 12px",
    boxSizing: "border-box",
    fontFamily: "var(--sans)",
    fontSize: "var(--text-body)",
    lineHeight: "1.45",
  },
  ".card .help": { padding: "0" },
  ".card:focus": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".card input:focus, .card button:focus-visible, .card a:focus-visible, .help a:focus-visible": {
    outline: "2px solid var(--accent)",
    outlineOffset: "1px",
  },
  ".card p, .help p": { margin: "0 0 6px", overflowWrap: "anywhere", whiteSpace: "pre-line" },
  ".card code, .help code, .cm-note code, .help-title": { fontFamily: "var(--mono)", fontSize: "var(--text-code)" },
  ".help-title": { fontWeight: "600" },
  ".card button": {
    display: "block",
    minHeight: "28px",
    margin: "0 0 8px",
    padding: "2px 10px",
    font: "inherit",
    textAlign: "left",
    color: "var(--on-accent)",
    backgroundColor: "var(--accent)",
    border: "0",
    borderRadius: "var(--radius-small)",
    cursor: "pointer",
  },
  ".rename label": { display: "grid", gap: "4px", color: "var(--ink-soft)" },
  ".rename input": {
    minHeight: "30px",
    padding: "0 8px",
    font: "var(--text-code) var(--mono)",
    color: "var(--ink)",
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-small)",
  },
  ".rename p": { margin: "6px 0 0", color: "var(--error-text)" },
  ".rename p:empty": { display: "none" },
  ".cm-note": { padding: "4px 12px", fontFamily: "var(--sans)", fontSize: "var(--text-code)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--line)" },

  // The list of what could stand there.
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "var(--text-code)", maxHeight: "none", overflow: "hidden" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "4px 10px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > completion-section": {
    padding: "4px 10px",
    opacity: "1",
    color: "var(--ink-soft)",
    borderBottom: "1px solid var(--line)",
  },
  "& .cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-completionDetail": { marginLeft: "12px", fontStyle: "normal", fontFamily: "var(--sans)", color: "var(--ink-faint)" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-tooltip.cm-completionInfo": { padding: "0" },

  ".cm-foldGutter .cm-gutterElement": { width: "16px", cursor: "pointer" },
  ".fold-open, .fold-closed": {
    display: "block",
    width: "14px",
    height: "100%",
    backgroundColor: "var(--ink-faint)",
    maskRepeat: "no-repeat",
    maskPosition: "center",
    maskSize: "14px",
  },
  ".fold-open": mask(open),
  ".fold-closed": mask(closed),
  ".cm-foldPlaceholder": {
    margin: "0 6px",
    padding: "0 6px",
    color: "var(--ink-soft)",
    backgroundColor: "var(--sunken)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-small)",
  },

  "&.cm-merge-a": { borderRight: "1px solid var(--line)" },
  ".cm-side": { padding: "2px 12px", fontFamily: "var(--sans)", fontSize: "var(--text-small)", color: "var(--ink-soft)" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--line)" },
  // What was built is struck through, what is new underlined: not by color alone.
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--rebuild-fill)" },
  "&.cm-merge-b .cm-changedLine": { backgroundColor: "var(--cached-fill)" },
  "&.cm-merge-a .cm-changedText, & .cm-deletedChunk .cm-deletedText": {
    background: "var(--rebuild-stripe)",
    textDecoration: "line-through",
  },
  "&.cm-merge-b .cm-changedText": {
    background: "none",
    textDecoration: "underline 2px var(--cached-edge)",
    textUnderlineOffset: "3px",
  },
  "&.cm-merge-a .cm-changedLineGutter, & .cm-deletedLineGutter": { background: "var(--rebuild-edge)" },
  "&.cm-merge-b .cm-changedLineGutter": { background: "var(--cached-edge)" },
  ".cm-deletedChunk": { position: "relative" },
  ".cm-deletedChunk .cm-chunkButtons": { top: "1px" },
  ".cm-deletedChunk button.take-back": {
    padding: "1px 8px",
    font: "var(--text-small) var(--sans)",
    color: "var(--ink)",
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-small)",
  },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--ink)" },
  ".cm-matchingBracket": { backgroundColor: "color-mix(in srgb, var(--accent) 25%, transparent)" },
});

export const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--syntax-keyword)", fontWeight: "600" },
  { tag: tags.comment, color: "var(--ink-faint)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--syntax-string)" },
  { tag: tags.variableName, color: "var(--syntax-name)" },
]);
