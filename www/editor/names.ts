// Stages and variables: where they are defined, and another name for them. Also format.

import type { Extension } from "@codemirror/state";
import { EditorView, type KeyBinding } from "@codemirror/view";
import type { Assistant } from "./ask";
import { closeCard, openCard } from "./card";
import { count, note, say } from "./note";
import { words } from "./text";

function goToDefinition(assistant: Assistant, view: EditorView, at: number): boolean {
  const found = assistant.definition(view.state, at);
  if (!found) return false;
  if (found.from <= at && at <= found.to) {
    const others = found.nOthers === 0 ? "no other place names it" : `${count(found.nOthers, "other place")} ${found.nOthers === 1 ? "names" : "name"} it`;
    return say(view, `It is defined here; ${others}.`);
  }
  view.dispatch({
    selection: { anchor: found.from },
    effects: [EditorView.scrollIntoView(found.from, { y: "nearest", yMargin: 40 }), ...note(`Defined on line ${found.line}.`)],
  });
  view.focus();
  return true;
}

function rename(assistant: Assistant, view: EditorView): boolean {
  const at = view.state.selection.main.head;
  const named = assistant.named(view.state, at);
  if (typeof named === "string") return say(view, named);
  return openCard(view, {
    at: named.from,
    label: `Rename ${named.name}`,
    fill: (dom) => {
      const form = document.createElement("form");
      form.className = "rename";
      const label = document.createElement("label");
      const input = document.createElement("input");
      const problem = document.createElement("p");
      problem.id = "rename-problem";
      problem.setAttribute("role", "alert");
      label.append(`New name of ${named.name}`, input);
      input.value = named.name;
      input.spellcheck = false;
      input.autocapitalize = "none";
      input.setAttribute("aria-describedby", problem.id);
      input.addEventListener("focus", () => input.select());
      input.addEventListener("input", () => {
        problem.textContent = "";
        input.removeAttribute("aria-invalid");
      });
      form.append(label, problem);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const name = input.value.trim();
        const edits = assistant.rename(view.state, named.from, name);
        if (typeof edits === "string") {
          problem.replaceChildren(...words(edits));
          input.setAttribute("aria-invalid", "true");
          input.select();
          return;
        }
        closeCard(view);
        if (edits.length === 0) return;
        view.dispatch({
          changes: edits,
          effects: note(`Renamed ${named.name} to ${name} in ${count(edits.length, "place")}.`),
          userEvent: "rename",
        });
      });
      dom.append(form);
    },
  });
}

export function format(assistant: Assistant, view: EditorView): true {
  const edits = assistant.format(view.state);
  if (!edits) return say(view, "Not formatted: a heredoc is still open, or a line cannot be read.");
  if (edits.length === 0) return say(view, "Already in style.");
  view.dispatch({ changes: edits, effects: note(`Formatted: ${count(edits.length, "change")}.`), userEvent: "format" });
  return true;
}

export function nameKeys(assistant: Assistant): KeyBinding[] {
  const go = (view: EditorView) =>
    goToDefinition(assistant, view, view.state.selection.main.head) ||
    say(view, "Neither a stage nor a variable of this file is named here.");
  return [
    { key: "F12", run: go, preventDefault: true },
    { key: "F2", run: (view) => rename(assistant, view), preventDefault: true },
    { key: "Shift-Alt-f", run: (view) => format(assistant, view), preventDefault: true },
  ];
}

const isMac = /Mac|iP(hone|ad)/.test(navigator.platform);

export const goByClick = (assistant: Assistant): Extension =>
  EditorView.domEventHandlers({
    mousedown(event, view) {
      const isAsked = event.button === 0 && (isMac ? event.metaKey : event.ctrlKey) && !event.altKey && !event.shiftKey;
      const at = isAsked ? view.posAtCoords({ x: event.clientX, y: event.clientY }) : null;
      return at !== null && goToDefinition(assistant, view, at);
    },
  });
