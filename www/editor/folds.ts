// What can be folded, as the program told it; places follow the text until it tells anew.

import { codeFolding, foldAll, foldEffect, foldGutter, foldService, foldState, unfoldAll, unfoldCode } from "@codemirror/language";
import { type EditorState, type Extension, StateEffect, StateField } from "@codemirror/state";
import { EditorView, type KeyBinding } from "@codemirror/view";

export interface Fold {
  first: number;
  last: number;
  label: string;
}

interface Range {
  from: number;
  to: number;
  label: string;
}

const putFolds = StateEffect.define<Fold[]>();

export const foldsField = StateField.define<readonly Range[]>({
  create: () => [],
  update(ranges, transaction) {
    const { doc } = transaction.state;
    for (const effect of transaction.effects) {
      if (!effect.is(putFolds)) continue;
      // A carriage return belongs to the line's end.
      const end = (line: number) => doc.line(line).to - (doc.line(line).text.endsWith("\r") ? 1 : 0);
      const fitting = effect.value.filter((fold) => fold.last <= doc.lines);
      return fitting.map(({ first, last, label }) => ({ from: end(first), to: end(last), label }));
    }
    if (!transaction.docChanged) return ranges;
    const { changes } = transaction;
    const moved = ranges.map(({ from, to, label }) => ({ from: changes.mapPos(from, 1), to: changes.mapPos(to, -1), label }));
    return moved.filter(({ from, to }) => from < to);
  },
});

export const setFolds = (folds: Fold[]) => putFolds.of(folds);

const onLine = (state: EditorState, start: number, end: number) =>
  state.field(foldsField).find(({ from, to }) => start <= from && from <= end && to > end) ?? null;

const isFolded = (state: EditorState, range: Range) => {
  let found = false;
  state.field(foldState, false)?.between(range.from, range.from, (from, to) => {
    found ||= from === range.from && to === range.to;
  });
  return found;
};

/** Folds the smallest part around the caret that is not folded yet. */
function fold(view: EditorView): boolean {
  const { state } = view;
  const { head } = state.selection.main;
  const around = state.field(foldsField).filter((range) => {
    const line = state.doc.lineAt(range.from);
    return line.from <= head && head <= range.to && !isFolded(state, range);
  });
  const smallest = around.sort((a, b) => a.to - a.from - (b.to - b.from))[0];
  if (!smallest) return false;
  const { from, to, label } = smallest;
  const line = state.doc.lineAt(from);
  view.dispatch({
    // The caret does not vanish with the text.
    ...(head > from ? { selection: { anchor: from } } : {}),
    effects: [foldEffect.of({ from, to }), EditorView.announce.of(`Folded ${label} behind line ${line.number}.`)],
  });
  return true;
}

export const folding: Extension = [
  foldsField,
  foldService.of(onLine),
  codeFolding({
    preparePlaceholder: (state, { from, to }) =>
      state.field(foldsField).find((range) => range.from === from && range.to === to)?.label ?? "more",
    placeholderDOM(_view, onclick, label: string) {
      const dom = document.createElement("span");
      dom.className = "cm-foldPlaceholder";
      dom.textContent = `… ${label}`;
      dom.title = "Unfold";
      dom.onclick = onclick;
      return dom;
    },
  }),
  foldGutter({
    markerDOM(isOpen) {
      const dom = document.createElement("span");
      dom.className = isOpen ? "fold-open" : "fold-closed";
      dom.title = isOpen ? "Fold" : "Unfold";
      return dom;
    },
    foldingChanged: (update) => update.startState.field(foldsField, false) !== update.state.field(foldsField, false),
  }),
];

export const foldKeys: KeyBinding[] = [
  { key: "Ctrl-Shift-[", mac: "Cmd-Alt-[", run: fold },
  { key: "Ctrl-Shift-]", mac: "Cmd-Alt-]", run: unfoldCode },
  { key: "Ctrl-Alt-[", run: foldAll },
  { key: "Ctrl-Alt-]", run: unfoldAll },
];
