// A card at a place of the text, which takes the focus: help, problems, a new name.
// Escape, or going elsewhere, closes it.

import { EditorSelection, type Extension, StateEffect, StateField } from "@codemirror/state";
import { closeHoverTooltips, type EditorView, showTooltip, type Tooltip } from "@codemirror/view";

export interface Card {
  at: number;
  /** Its accessible name. */
  label: string;
  fill: (dom: HTMLElement, view: EditorView) => void;
}

const setCard = StateEffect.define<Card | null>();

const field = StateField.define<Card | null>({
  create: () => null,
  update(card, transaction) {
    for (const effect of transaction.effects) if (effect.is(setCard)) return effect.value;
    return transaction.docChanged ? null : card;
  },
  provide: (field) => showTooltip.from(field, (card) => card && tooltip(card)),
});

export const cards: Extension = field;

export function openCard(view: EditorView, card: Card): true {
  const selection = EditorSelection.cursor(card.at);
  view.dispatch({ effects: [setCard.of(card), closeHoverTooltips], selection, scrollIntoView: true });
  return true;
}

/** Closes the card and goes back to the text. */
export function closeCard(view: EditorView): void {
  view.dispatch({ effects: setCard.of(null) });
  view.focus();
}

function tooltip(card: Card): Tooltip {
  return {
    pos: card.at,
    create(view) {
      const dom = document.createElement("div");
      dom.className = "card";
      dom.setAttribute("role", "dialog");
      dom.setAttribute("aria-label", card.label);
      dom.tabIndex = -1;
      card.fill(dom, view);
      dom.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        closeCard(view);
      });
      dom.addEventListener("focusout", (event) => {
        if (event.relatedTarget instanceof Node && dom.contains(event.relatedTarget)) return;
        // Another window is no place to go to. It may close while it is being taken away.
        queueMicrotask(() => {
          if (document.hasFocus() && view.state.field(field, false) === card) {
            view.dispatch({ effects: setCard.of(null) });
          }
        });
      });
      const mount = () => (dom.querySelector<HTMLElement>("input, button") ?? dom).focus({ preventScroll: true });
      return { dom, mount };
    },
  };
}
