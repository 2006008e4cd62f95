// The editor: CodeMirror behind one small interface, which src/web/editor.rs mirrors.
// It lives in a shadow root, so that its style sheets are constructed ones and
// the page's security policy needs no exception for inline styles.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { type Diagnostic, lintKeymap, nextDiagnostic, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Range, RangeSet, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  gutter,
  GutterMarker,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

import ban from "lucide-static/icons/ban.svg";
import check from "lucide-static/icons/check.svg";
import alert from "lucide-static/icons/circle-alert.svg";
import pause from "lucide-static/icons/circle-pause.svg";
import question from "lucide-static/icons/circle-question-mark.svg";
import rotate from "lucide-static/icons/rotate-cw.svg";
import tag from "lucide-static/icons/tag.svg";
import waves from "lucide-static/icons/waves.svg";

/** The mark of one instruction, at its first line. */
export interface Mark {
  line: number;
  lastLine: number;
  kind: string;
  label: string;
  isFirstCause: boolean;
}

/** A diagnostic in UTF-16 offsets. */
export interface Finding {
  from: number;
  to: number;
  isError: boolean;
  message: string;
  url: string | null;
  fixLabel: string | null;
  fixEdits: { from: number; to: number; insert: string }[];
}

export interface Editor {
  setText(text: string): void;
  setMarks(marks: Mark[]): void;
  setFindings(findings: Finding[]): void;
  showLine(line: number): void;
  setLabel(label: string, isDockerfile: boolean): void;
}

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

class StepMarker extends GutterMarker {
  constructor(private mark: Mark) {
    super();
  }
  override eq(other: StepMarker) {
    return JSON.stringify(this.mark) === JSON.stringify(other.mark);
  }
  override toDOM() {
    const dom = document.createElement("span");
    dom.className = `step step-${this.mark.kind}${this.mark.isFirstCause ? " step-cause" : ""}`;
    dom.title = this.mark.label;
    return dom;
  }
}

const putMarks = StateEffect.define<Mark[]>();
const marksField = StateField.define<{ markers: RangeSet<GutterMarker>; lines: DecorationSet }>({
  create: () => ({ markers: RangeSet.empty, lines: Decoration.none }),
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(putMarks)) continue;
      const doc = transaction.state.doc;
      const markers: Range<GutterMarker>[] = [];
      const lines: Range<Decoration>[] = [];
      for (const mark of effect.value) {
        if (mark.line < 1 || mark.line > doc.lines) continue;
        markers.push(new StepMarker(mark).range(doc.line(mark.line).from));
        for (let line = mark.line; line <= Math.min(mark.lastLine, doc.lines); line++) {
          const name = `line-${mark.kind}${mark.isFirstCause ? " line-cause" : ""}`;
          lines.push(Decoration.line({ class: name }).range(doc.line(line).from));
        }
      }
      return { markers: RangeSet.of(markers, true), lines: Decoration.set(lines, true) };
    }
    if (!transaction.docChanged) return value;
    return { markers: value.markers.map(transaction.changes), lines: value.lines.map(transaction.changes) };
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.lines),
});

// A quote would end the address.
const mask = (url: string) => ({ maskImage: `url("${url.replaceAll('"', "%22")}")` });
const colour = (kind: string) => ({ backgroundColor: `var(--${kind}-text)`, ...mask(icons[kind] ?? tag) });

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "var(--text-code)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.65" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
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
  ".cm-diagnosticSource": { fontSize: "inherit", opacity: "1" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--ink)" },
  ".cm-matchingBracket": { backgroundColor: "color-mix(in srgb, var(--accent) 25%, transparent)" },
});

const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--syntax-keyword)", fontWeight: "600" },
  { tag: tags.comment, color: "var(--ink-faint)", fontStyle: "italic" },
  { tag: tags.string, color: "var(--syntax-string)" },
  { tag: tags.variableName, color: "var(--syntax-name)" },
]);

/** Puts an editor into `host`. */
export function mount(
  host: HTMLElement,
  label: string,
  onChange: (text: string) => void,
  onCaret: (line: number) => void,
): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const language = new Compartment();
  const attributes = new Compartment();
  let isQuiet = false;
  let findings: Finding[] = [];
  let caretLine = 0;

  const names = (name: string) => EditorView.contentAttributes.of({ "aria-label": name, spellcheck: "false", tabindex: "0" });
  const diagnose = (view: EditorView): Diagnostic[] => {
    const end = view.state.doc.length;
    return findings.map((finding) => {
      const from = Math.min(finding.from, end);
      const diagnostic: Diagnostic = {
        from,
        to: Math.min(Math.max(finding.to, from), end),
        severity: finding.isError ? "error" : "warning",
        message: finding.message,
      };
      const { url, fixLabel, fixEdits } = finding;
      if (url) {
        diagnostic.renderMessage = () => {
          const dom = document.createElement("span");
          const link = document.createElement("a");
          link.href = url;
          link.target = "_blank";
          link.rel = "noreferrer";
          link.textContent = "about this rule";
          dom.append(`${finding.message} `, link);
          return dom;
        };
      }
      if (fixLabel) {
        const apply = (target: EditorView) => target.dispatch({ changes: fixEdits });
        diagnostic.actions = [{ name: fixLabel, apply }];
      }
      return diagnostic;
    });
  };

  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      extensions: [
        // Carriage returns stay what they are: only \n ends a line, as for a builder.
        EditorState.lineSeparator.of("\n"),
        marksField,
        gutter({ class: "cm-steps", markers: (target) => target.state.field(marksField).markers }),
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightActiveLine(),
        history(),
        drawSelection(),
        bracketMatching(),
        highlightSelectionMatches(),
        EditorState.allowMultipleSelections.of(true),
        language.of(StreamLanguage.define(dockerFile)),
        attributes.of(names(label)),
        syntaxHighlighting(highlight),
        theme,
        keymap.of([
          { key: "F8", run: nextDiagnostic },
          ...defaultKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...lintKeymap,
          // Tab is left to the browser: it leads on to the next control.
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !isQuiet) onChange(update.state.doc.toString());
          const line = update.state.doc.lineAt(update.state.selection.main.head).number;
          // Also when typing makes an instruction of a line that was empty.
          if ((update.docChanged || line !== caretLine) && update.view.hasFocus) {
            caretLine = line;
            onCaret(line);
          }
        }),
      ],
    }),
  });

  return {
    setText(text) {
      const old = view.state.doc.toString();
      if (old === text) return;
      // Only what differs is replaced, so that caret and marks stay where they are.
      let from = 0;
      while (from < old.length && old[from] === text[from]) from++;
      let end = 0;
      while (end < Math.min(old.length, text.length) - from && old.at(-1 - end) === text.at(-1 - end)) end++;
      isQuiet = true;
      view.dispatch({ changes: { from, to: old.length - end, insert: text.slice(from, text.length - end) } });
      isQuiet = false;
    },
    setMarks(marks) {
      view.dispatch({ effects: putMarks.of(marks) });
    },
    setFindings(next) {
      if (JSON.stringify(next) === JSON.stringify(findings)) return;
      findings = next;
      view.dispatch(setDiagnostics(view.state, diagnose(view)));
    },
    showLine(line) {
      if (line < 1 || line > view.state.doc.lines) return;
      const from = view.state.doc.line(line).from;
      view.dispatch({ effects: EditorView.scrollIntoView(from, { y: "nearest", yMargin: 24 }) });
    },
    setLabel(name, isDockerfile) {
      view.dispatch({
        effects: [
          attributes.reconfigure(names(name)),
          language.reconfigure(isDockerfile ? StreamLanguage.define(dockerFile) : []),
        ],
      });
    },
  };
}
