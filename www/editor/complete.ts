// What could stand at a place, asked for by Ctrl+Space or offered while something is typed.
// A list that was asked for has its first row chosen. In one that opened by itself nothing
// is, so that Enter still ends the line; Tab takes the first row.

import {
  acceptCompletion,
  autocompletion,
  closeCompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
  completionStatus,
  moveCompletionSelection,
  pickedCompletion,
  selectedCompletionIndex,
  setSelectedCompletion,
  startCompletion,
} from "@codemirror/autocomplete";
import { type Extension, Prec, StateEffect, StateField } from "@codemirror/state";
import { closeHoverTooltips, EditorView, keymap } from "@codemirror/view";
import type { Assistant, Choice } from "./ask";
import { link, paragraph } from "./text";

const asked = StateEffect.define<boolean>();
const isAsked = StateField.define<boolean>({
  create: () => false,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(asked)) return effect.value;
    return value && completionStatus(transaction.startState) === null && transaction.docChanged ? false : value;
  },
});

function start(view: EditorView): boolean {
  view.dispatch({ effects: [asked.of(true), closeHoverTooltips] });
  return startCompletion(view);
}

function close(view: EditorView): boolean {
  if (!closeCompletion(view)) return false;
  view.dispatch({ effects: asked.of(false) });
  return true;
}

/** Tab leaves the editor unless a list is open. */
function take(view: EditorView): boolean {
  const status = completionStatus(view.state);
  if (status === "pending") return view.state.field(isAsked);
  if (status === null) return false;
  if (selectedCompletionIndex(view.state) === null) view.dispatch({ effects: setSelectedCompletion(0) });
  return acceptCompletion(view);
}

function option(choice: Choice): Completion {
  const completion: Completion = {
    label: choice.label,
    detail: choice.detail,
    apply(view, picked, from, to) {
      view.dispatch({
        changes: { from, to, insert: choice.insert },
        selection: { anchor: from + choice.caret },
        annotations: pickedCompletion.of(picked),
        effects: asked.of(false),
        userEvent: "input.complete",
        scrollIntoView: true,
      });
      if (choice.goesOn) start(view);
    },
  };
  const { doc } = choice;
  if (doc) {
    completion.info = () => {
      // It would lie on the list.
      if (innerWidth < 700) return null;
      const dom = document.createElement("div");
      dom.className = "help";
      dom.append(paragraph(doc[0]), link(doc[1], "Dockerfile reference"));
      return dom;
    };
  }
  return completion;
}

/** Behind these, even nothing typed says enough. */
const TELLING = /[=/${,"]$/;

function complete(assistant: Assistant, context: CompletionContext): CompletionResult | null {
  const { state, pos } = context;
  const found = assistant.complete(state, pos);
  if (!found) return null;
  const typed = state.sliceDoc(found.from, pos);
  if (!context.explicit && typed === "" && !TELLING.test(state.sliceDoc(Math.max(0, pos - 1), pos))) return null;
  const options = found.items.map(option);
  if (found.isCut) {
    const section = { name: `The first ${options.length}: type on for others` };
    for (const each of options) each.section = section;
  }
  const getMatch = (completion: Completion) => {
    const at = completion.label.toLowerCase().indexOf(typed.toLowerCase());
    return typed && at >= 0 ? [at, at + typed.length] : [];
  };
  return { from: found.from, to: found.to, options, filter: false, getMatch };
}

export const completing = (assistant: Assistant): Extension => [
  isAsked,
  autocompletion({
    override: [(context) => complete(assistant, context)],
    defaultKeymap: false,
    selectOnOpen: false,
    icons: false,
    // No more than fit: a list that scrolls by itself could not be reached by keyboard.
    maxRenderedOptions: 10,
    // What is chosen by a key was seen before the key.
    interactionDelay: 0,
  }),
  EditorView.updateListener.of(({ state, view }) => {
    if (!state.field(isAsked) || completionStatus(state) !== "active") return;
    if (selectedCompletionIndex(state) === null) view.dispatch({ effects: setSelectedCompletion(0) });
  }),
  Prec.highest(
    keymap.of([
      { key: "Ctrl-Space", run: start },
      { mac: "Alt-`", run: start },
      { key: "Escape", run: close },
      { key: "ArrowDown", run: moveCompletionSelection(true) },
      { key: "ArrowUp", run: moveCompletionSelection(false) },
      { key: "PageDown", run: moveCompletionSelection(true, "page") },
      { key: "PageUp", run: moveCompletionSelection(false, "page") },
      { key: "Enter", run: acceptCompletion },
      { key: "Tab", run: take },
    ]),
  ),
];
