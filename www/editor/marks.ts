// One mark in the gutter for each step, and its lines.

import { type Extension, type Range, RangeSet, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, gutter, GutterMarker } from "@codemirror/view";

/** The mark of one instruction, at its first line. */
export interface Mark {
  line: number;
  lastLine: number;
  kind: string;
  label: string;
  isFirstCause: boolean;
}

class StepMarker extends GutterMarker {
  constructor(private mark: Mark) {
    super();
  }
  override eq(other: StepMarker) {
    return this.mark.kind === other.mark.kind && this.mark.label === other.mark.label && this.mark.isFirstCause === other.mark.isFirstCause;
  }
  override toDOM() {
    const dom = document.createElement("span");
    dom.className = `step step-${this.mark.kind}${this.mark.isFirstCause ? " step-cause" : ""}`;
    dom.title = this.mark.label;
    return dom;
  }
}

export const putMarks = StateEffect.define<Mark[]>();
export const marksField = StateField.define<{ markers: RangeSet<GutterMarker>; lines: DecorationSet }>({
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

export const marking: Extension = [
  marksField,
  gutter({ class: "cm-steps", markers: (view) => view.state.field(marksField).markers }),
];
