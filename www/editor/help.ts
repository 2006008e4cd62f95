// What stands at a place: under the mouse, or in a card by keyboard.

import type { Extension } from "@codemirror/state";
import { type EditorView, hoverTooltip, type KeyBinding } from "@codemirror/view";
import type { Assistant, Help } from "./ask";
import { openCard } from "./card";
import { say } from "./note";
import { link, paragraph } from "./text";

function fill(dom: HTMLElement, help: Help): void {
  const title = document.createElement("p");
  title.className = "help-title";
  title.textContent = help.title;
  dom.append(title, ...help.body.map(paragraph));
  if (help.url) dom.append(link(help.url, "Dockerfile reference"));
}

export const helpOnHover = (assistant: Assistant): Extension =>
  hoverTooltip((view, at) => {
    const help = assistant.help(view.state, at);
    if (!help) return null;
    const dom = document.createElement("div");
    dom.className = "help";
    fill(dom, help);
    return { pos: help.from, end: help.to, create: () => ({ dom }) };
  }, { hideOnChange: true });

export function helpKeys(assistant: Assistant): KeyBinding[] {
  const run = (view: EditorView) => {
    const at = view.state.selection.main.head;
    const help = assistant.help(view.state, at);
    if (!help) return say(view, "There is no help on this place.");
    return openCard(view, {
      at,
      label: `Help on ${help.title}`,
      fill: (dom) => {
        dom.classList.add("help");
        fill(dom, help);
      },
    });
  };
  return [{ key: "F1", run, preventDefault: true }];
}
