// The text beside the one that was built last: in one view, or in two.

import { getChunks, goToNextChunk, goToPreviousChunk, unifiedMergeView } from "@codemirror/merge";
import { type Extension, Text } from "@codemirror/state";
import { type EditorView, type KeyBinding, showPanel } from "@codemirror/view";
import { count, note, say } from "./note";

/** As the editor splits lines: a carriage return is part of one. */
export const linesOf = (text: string) => Text.of(text.split("\n"));

/** So much is compared letter by letter; past that, line by line. */
export const diffConfig = { scanLimit: 500 };

export const inline = (old: string): Extension =>
  unifiedMergeView({
    original: linesOf(old),
    diffConfig,
    mergeControls(type, action) {
      // The build is what it was: there is nothing to accept.
      if (type === "accept") return document.createElement("span");
      const button = document.createElement("button");
      button.className = "take-back";
      button.textContent = "Take back";
      button.title = "Put the built lines back";
      button.onclick = action;
      return button;
    },
  });

/** Says above one of two texts which it is. */
export const heading = (text: string): Extension =>
  showPanel.of(() => {
    const dom = document.createElement("div");
    dom.className = "cm-side";
    dom.textContent = text;
    return { dom, top: true };
  });

function go(view: EditorView, by: 1 | -1): boolean {
  const found = getChunks(view.state);
  if (!found) return false;
  if (found.chunks.length === 0) return say(view, "Nothing differs.");
  (by > 0 ? goToNextChunk : goToPreviousChunk)(view);
  const { head } = view.state.selection.main;
  const isOld = found.side === "a";
  const idx = found.chunks.findIndex((chunk) => (isOld ? chunk.fromA : chunk.fromB) >= head);
  const at = idx < 0 ? found.chunks.length : idx + 1;
  return say(view, `Change ${at} of ${found.chunks.length}, line ${view.state.doc.lineAt(head).number}.`);
}

export const nextChange = (view: EditorView) => go(view, 1);
export const previousChange = (view: EditorView) => go(view, -1);

export const changeKeys: KeyBinding[] = [{ key: "F7", run: nextChange, shift: previousChange, preventDefault: true }];

/** How many changes there are. */
export function summarize(view: EditorView, build: string): void {
  const n = getChunks(view.state)?.chunks.length ?? 0;
  const since = build.toLowerCase();
  view.dispatch({ effects: note(n === 0 ? `Nothing differs from ${since}.` : `${count(n, "change")} since ${since}.`) });
}
