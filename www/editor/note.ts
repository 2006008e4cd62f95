// What happened, where the text does not show it: a line below the text, told to screen readers as well.

import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { EditorView, type Panel, showPanel } from "@codemirror/view";
import { words } from "./text";

const setNote = StateEffect.define<string | null>();

const field = StateField.define<string | null>({
  create: () => null,
  update(note, transaction) {
    for (const effect of transaction.effects) if (effect.is(setNote)) return effect.value;
    // It is over with the next thing that is done.
    return transaction.docChanged || transaction.selection ? null : note;
  },
  provide: (field) => showPanel.from(field, (note) => (note === null ? null : () => panel(note))),
});

function panel(note: string): Panel {
  const dom = document.createElement("div");
  dom.className = "cm-note";
  dom.append(...words(note));
  return { dom };
}

export const notes: Extension = field;

/** Says something, words between backticks as code; to be added to the effects of a transaction. */
export const note = (text: string) => [setNote.of(text), EditorView.announce.of(text.replaceAll("`", ""))];

/** Says something, and that the key is taken. */
export function say(view: EditorView, text: string): true {
  view.dispatch({ effects: note(text) });
  return true;
}

export const count = (n: number, word: string) => `${n} ${word}${n === 1 ? "" : "s"}`;
