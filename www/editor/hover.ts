// The instruction that the pointer is on, here or in the picture.

import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";

/** From one line to another, counted from 1; none where the first is 0. */
export const putHover = StateEffect.define<{ first: number; last: number }>();

const hoverField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(putHover)) continue;
      const { first, last } = effect.value;
      const doc = transaction.state.doc;
      const lines = [];
      for (let line = first; line > 0 && line <= Math.min(last, doc.lines); line++) {
        lines.push(Decoration.line({ class: "line-hover" }).range(doc.line(line).from));
      }
      return Decoration.set(lines);
    }
    return transaction.docChanged ? Decoration.none : value;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Shows what is hovered, and tells the line under the pointer: 0 once it leaves. */
export function hovering(onHover: (line: number) => void): Extension {
  let told = 0;
  const tell = (line: number) => {
    if (line !== told) onHover((told = line));
  };
  return [
    hoverField,
    EditorView.domEventHandlers({
      mousemove(event, view) {
        const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
        tell(at === null ? 0 : view.state.doc.lineAt(at).number);
      },
      mouseleave: () => tell(0),
    }),
  ];
}
