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
import { hovering, putHover } from "./hover";
import { type Mark, marking, marksField, putMarks } from "./marks";
import { format, goByClick, nameKeys } from "./names";
import { notes } from "./note";
import { diagnostic, type Finding, problemKeys } from "./problems";
import { highlight, theme } from "./theme";

export { view } from "./viewer";

export interface Editor {
  /** Shows the text of a document. Each document has its own undo steps and caret. */
  setText(document: number, text: string): void;
  takeStale(): boolean;
  setMarks(marks: Mark[]): void;
  setFindings(findings: Finding[]): void;
  setFolds(folds: Fold[]): void;
  showLine(line: number): void;
  /** Marks these lines as those under the pointer; none where the first is 0. */
  showHover(first: number, last: number): void;
  /** Compares with another text, or with none. */
  compare(old: string | undefined, name: string, isSplit: boolean): void;
  command(name: string): void;
  /** Takes the focus, with the caret on a line where one is named; false if it is not on screen. */
  enter(line: number | undefined): boolean;
}

/** Under this width two texts have no room; the same as in the style sheets. */
const narrow = matchMedia("(max-width: 900px)");

/** Puts an editor into `host`. */
export function mount(
  host: HTMLElement,
  label: string,
  onChange: (text: string) => void,
  onCaret: (line: number) => void,
  onHover: (line: number) => void,
  ask: Ask,
): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const assistant = new Assistant(ask);
  const comparing = new Compartment();
  let isQuiet = false;
  let findings: Finding[] = [];
  let caretLine = 0;
  /** An edit may have taken marks and findings away with the text that they were at. */
  let isStale = false;
  /** What it is compared with, and the second view, if there is one. */
  let compared: { old: string; build: string; isSplit: boolean } | null = null;
  let merge: MergeView | null = null;
  /** The document that is shown, and the others as they were left. */
  let shown: number | undefined;
  const away = new Map<number, { state: EditorState; scroll: number }>();

  const names = EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" });
  const highlighting = StreamLanguage.define(dockerFile);
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
    hovering(onHover),
    highlighting,
    names,
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
      update.changes.iterChanges((from, to, _from, _to, inserted) => {
        isStale ||= from < to || inserted.lines > 1 || update.startState.doc.lineAt(from).from === from;
      });
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

  /** Puts the present document away, and takes out another one if it was there before. */
  const turnTo = (document: number) => {
    if (document === shown) return;
    if (shown !== undefined) away.set(shown, { state: view.state, scroll: view.scrollDOM.scrollTop });
    shown = document;
    const kept = away.get(document);
    isQuiet = true;
    if (merge) {
      // The second view would be left with the wrong one: it is made anew, without steps.
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: kept?.state.doc ?? "" } });
      rebuild(compared, []);
    } else {
      const state = kept?.state;
      const carried = state ? historyField.init(() => state.field(historyField)) : [];
      const config = { doc: state?.doc, selection: state?.selection, extensions: [carried, extensions()] };
      view.setState(EditorState.create(config));
      // Marks, findings and what it is compared with are told anew.
      findings = [];
    }
    if (kept) view.scrollDOM.scrollTop = kept.scroll;
    isQuiet = false;
  };

  /** The other number of views; undo steps, marks, folds and caret go along. */
  const rebuild = (old: { old: string; build: string } | null, kept = fields) => {
    const { state, hasFocus } = view;
    const scroll = (merge?.dom ?? view.scrollDOM).scrollTop;
    const carried = kept.map((field) => field.init(() => state.field(field)));
    const config = { doc: state.doc, selection: state.selection, extensions: [carried, extensions(), old ? heading("Now") : []] };
    if (merge) merge.destroy();
    else view.destroy();
    merge = null;
    if (old) {
      const aside = { "aria-label": `${label} of ${old.build.toLowerCase()}, read only`, "aria-readonly": "true", tabindex: "0" };
      const extensions = [
        shared(),
        heading(old.build),
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of(aside),
        highlighting,
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
    setText(document, text) {
      turnTo(document);
      isStale = true;
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
    /** Marks and findings have to be put again, even if they are the same. */
    takeStale() {
      const was = isStale;
      isStale = false;
      return was;
    },
    setMarks(marks) {
      view.dispatch({ effects: putMarks.of(marks) });
    },
    setFindings(next) {
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
    showHover(first, last) {
      view.dispatch({ effects: putHover.of({ first, last }) });
    },
    compare(old, build, isSplit) {
      // A fold would hide what differs.
      if (old !== undefined && compared === null) unfoldAll(view);
      compared = old === undefined ? null : { old, build, isSplit };
      showComparison();
    },
    enter(line) {
      if (!host.checkVisibility()) return false;
      if (line !== undefined && line >= 1 && line <= view.state.doc.lines) {
        view.dispatch({ selection: { anchor: view.state.doc.line(line).from }, scrollIntoView: true });
      }
      view.focus();
      return true;
    },
    command(command) {
      if (command === "format") format(assistant, view);
      else if (command === "next change") nextChange(view);
      else if (command === "previous change") previousChange(view);
    },
  };
}
