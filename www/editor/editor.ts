import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

/** Puts an editor with this text into an element's shadow root. */
export function mount(parent: HTMLElement, doc: string): EditorView {
  const root = parent.attachShadow({ mode: "open" });
  return new EditorView({ state: EditorState.create({ doc }), parent: root, root });
}
