// The editor: CodeMirror behind one small interface, which src/web/editor.rs mirrors.
// It lives in a shadow root, so that its style sheets are constructed ones and
// the page's security policy needs no exception for inline styles.

import { defaultKeymap, history, historyField, historyKeymap } from "@codemirror/commands";
import { bracketMatching, foldState, StreamLanguage, syntaxHighlighting, unfoldAll } from "@codemirror/language";
import { dockerFile } from "@codemirror/legacy-modes/mode/dockerfile";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { MergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension, type StateField } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";
import { type Ask, Assistant } from "./ask";
import { cards } from "./card";
import { changeKeys, diffConfig, heading, inline, linesOf, nextChange, previousChange, summarize } from "./compare";
import { completing } from "./complete";
import { type Fold, foldKeys, folding, foldsField, setFolds } from "./folds";
import { helpKeys, helpOnHover } from "./help";
import { type Mark, marking, marksField, putMarks } from "./marks";
import { format, goByClick, nameKeys } from "./names";
import { notes } from "./note";
import { diagnostic, type Finding, problemKeys } from "./problems";
import { highlight, theme } from "./theme";

export { view } from "./viewer";

export interface Editor {
  setText(text: string): void;
  setMarks(marks: Mark[]): void;
  setFindings(findings: Finding[]): void;
  setFolds(folds: Fold[]): void;
  showLine(line: number): void;
  setLabel(label: string, isDockerfile: boolean): void;
  /** Compares with another text, or with none. */
  compare(old: string | undefined, name: string, isSplit: boolean): void;
  command(name: string): void;
}

/** Under this width two texts have no room; the same as in the style sheets. */
const narrow = matchMedia("(max-width: 900px)");

/** Puts an editor into `host`. */
export function mount(
  host: HTMLElement,
  label: string,
  onChange: (text: string) => void,
  onCaret: (line: number) => void,
  ask: Ask,
): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const assistant = new Assistant(ask);
  const language = new Compartment();
  const attributes = new Compartment();
  const comparing = new Compartment();
  let isDockerfile = true;
  let name = label;
  let isQuiet = false;
  let findings: Finding[] = [];
  let caretLine = 0;
  /** What it is compared with, and the second view, if there is one. */
  let compared: { old: string; build: string; isSplit: boolean } | null = null;
  let merge: MergeView | null = null;

  const names = () => EditorView.contentAttributes.of({ "aria-label": name, spellcheck: "false", tabindex: "0" });
  const highlighting = () => (isDockerfile ? StreamLanguage.define(dockerFile) : []);
  const fields: StateField<unknown>[] = [historyField, marksField, foldsField, foldState];

  /** What both sides of a comparison have. */
  const shared = (): Extension => [
    // Carriage returns stay what they are: only \n ends a line, as for a builder.
    EditorState.lineSeparator.of("\n"),
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    drawSelection(),
    syntaxHighlighting(highlight),
    theme,
    notes,
  ];
  const extensions = (): Extension => [
    completing(assistant),
    marking,
    shared(),
    folding,
    history(),
    bracketMatching(),
    highlightSelectionMatches(),
    EditorState.allowMultipleSelections.of(true),
    // Ctrl+click goes to a definition.
    EditorView.clickAddsSelectionRange.of((event) => event.altKey),
    rectangularSelection({ eventFilter: (event) => event.altKey && event.shiftKey && event.button === 0 }),
    goByClick(assistant),
    helpOnHover(assistant),
    cards,
    language.of(highlighting()),
    attributes.of(names()),
    comparing.of([]),
    keymap.of([
      ...helpKeys(assistant),
      ...nameKeys(assistant),
      ...problemKeys,
      ...changeKeys,
      ...foldKeys,
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
  ];

  let view = new EditorView({ root, parent: root, state: EditorState.create({ extensions: extensions() }) });

  const showFindings = () => {
    const end = view.state.doc.length;
    view.dispatch(setDiagnostics(view.state, findings.map((finding) => diagnostic(finding, end))));
  };

  /** The other number of views; undo steps, marks, folds and caret go along. */
  const rebuild = (old: { old: string; build: string } | null) => {
    const { state, hasFocus } = view;
    const scroll = (merge?.dom ?? view.scrollDOM).scrollTop;
    const carried = fields.map((field) => field.init(() => state.field(field)));
    const config = { doc: state.doc, selection: state.selection, extensions: [carried, extensions(), old ? heading("Now") : []] };
    if (merge) merge.destroy();
    else view.destroy();
    merge = null;
    if (old) {
      const aside = { "aria-label": `${name} of ${old.build.toLowerCase()}, read only`, "aria-readonly": "true", tabindex: "0" };
      const extensions = [
        shared(),
        heading(old.build),
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of(aside),
        highlighting(),
        keymap.of([...changeKeys, ...defaultKeymap, ...searchKeymap]),
      ];
      merge = new MergeView({ a: { doc: linesOf(old.old), extensions }, b: config, parent: root, root, diffConfig });
      merge.dom.style.height = "100%";
      // Clipped and not scrolled, so that headings and notes stick to what is seen.
      for (const side of merge.dom.querySelectorAll<HTMLElement>(".cm-mergeViewEditor")) side.style.overflow = "clip";
      view = merge.b;
      merge.dom.scrollTop = scroll;
    } else {
      view = new EditorView({ root, parent: root, state: EditorState.create(config) });
      view.scrollDOM.scrollTop = scroll;
    }
    showFindings();
    if (hasFocus) view.focus();
  };

  const showComparison = () => {
    const isSplit = compared?.isSplit && !narrow.matches;
    if (merge || isSplit) rebuild(isSplit ? compared : null);
    if (!merge) {
      // Taken out first: what stays would keep the other text.
      view.dispatch({ effects: comparing.reconfigure([]) });
      if (compared) view.dispatch({ effects: comparing.reconfigure(inline(compared.old)) });
    }
    if (compared) summarize(view, compared.build);
  };
  const onWidth = () => {
    if (!host.isConnected) narrow.removeEventListener("change", onWidth);
    else if (compared?.isSplit) showComparison();
  };
  narrow.addEventListener("change", onWidth);

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
      showFindings();
    },
    setFolds(folds) {
      view.dispatch({ effects: setFolds(folds) });
    },
    showLine(line) {
      if (line < 1 || line > view.state.doc.lines) return;
      const from = view.state.doc.line(line).from;
      view.dispatch({ effects: EditorView.scrollIntoView(from, { y: "nearest", yMargin: 24 }) });
    },
    setLabel(label, isFile) {
      [name, isDockerfile] = [label, isFile];
      view.dispatch({ effects: [attributes.reconfigure(names()), language.reconfigure(highlighting())] });
    },
    compare(old, build, isSplit) {
      // A fold would hide what differs.
      if (old !== undefined && compared === null) unfoldAll(view);
      compared = old === undefined ? null : { old, build, isSplit };
      showComparison();
    },
    command(command) {
      if (command === "format") format(assistant, view);
      else if (command === "next change") nextChange(view);
      else if (command === "previous change") previousChange(view);
    },
  };
}
