// What is wrong, with its repairs: by mouse as the lint extension shows it, by keyboard in a card.

import { type Diagnostic, forEachDiagnostic } from "@codemirror/lint";
import type { EditorState } from "@codemirror/state";
import type { EditorView, KeyBinding } from "@codemirror/view";
import type { Edit } from "./ask";
import { closeCard, openCard } from "./card";
import { note, say } from "./note";
import { link, paragraph, words } from "./text";

/** A diagnostic in UTF-16 offsets. */
export interface Finding {
  from: number;
  to: number;
  isError: boolean;
  message: string;
  url: string | null;
  fixLabel: string | null;
  fixEdits: Edit[];
}

interface Problem extends Diagnostic {
  finding: Finding;
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function repair(view: EditorView, { fixEdits, fixLabel }: Finding): void {
  view.dispatch({ changes: fixEdits, effects: note(`Done: ${fixLabel}.`), userEvent: "repair" });
}

export function diagnostic(finding: Finding, end: number): Problem {
  const from = Math.min(finding.from, end);
  const problem: Problem = {
    from,
    to: Math.min(Math.max(finding.to, from), end),
    severity: finding.isError ? "error" : "warning",
    message: finding.message,
    finding,
  };
  const { url, fixLabel } = finding;
  if (url) {
    problem.renderMessage = () => {
      const dom = document.createElement("span");
      dom.append(`${finding.message} `, link(url, "about this rule"));
      return dom;
    };
  }
  if (fixLabel) problem.actions = [{ name: fixLabel, apply: (view) => repair(view, finding) }];
  return problem;
}

interface Placed {
  at: number;
  to: number;
  finding: Finding;
}

function placed(state: EditorState): Placed[] {
  const all: Placed[] = [];
  forEachDiagnostic(state, (found, from, to) => all.push({ at: from, to, finding: (found as Problem).finding }));
  return all.sort((a, b) => a.at - b.at);
}

function open(view: EditorView, problems: Placed[], label: string): true {
  return openCard(view, {
    at: problems[0]?.at ?? 0,
    label,
    fill: (dom) => {
      dom.classList.add("problem");
      for (const { finding } of problems) {
        const text = paragraph(sentence(finding.message));
        if (finding.url) text.append(" ", link(finding.url, "about this rule"));
        dom.append(text);
        if (!finding.fixLabel) continue;
        const button = document.createElement("button");
        button.append(...words(sentence(finding.fixLabel)));
        button.addEventListener("click", () => {
          closeCard(view);
          repair(view, finding);
        });
        dom.append(button);
      }
      dom.addEventListener("keydown", (event) => {
        if (event.key !== "F8") return;
        event.preventDefault();
        const last = problems.at(-1);
        step(view, event.shiftKey ? -1 : 1, last?.finding);
      });
    },
  });
}

/** The problem behind or before one that is shown, or the caret. */
function step(view: EditorView, by: 1 | -1, shown?: Finding): true {
  const all = placed(view.state);
  if (all.length === 0) return say(view, "No problem was found.");
  const { head } = view.state.selection.main;
  const idx = all.findIndex(({ finding }) => finding === shown);
  let next = idx + by;
  if (idx < 0) {
    const behind = all.findIndex(({ at }) => at >= head);
    next = by > 0 ? (behind < 0 ? 0 : behind) : (behind < 0 ? all.length : behind) - 1;
  }
  const at = (next + all.length) % all.length;
  const problem = all[at];
  return problem ? open(view, [problem], `Problem ${at + 1} of ${all.length}`) : true;
}

function fixes(view: EditorView): true {
  const line = view.state.doc.lineAt(view.state.selection.main.head);
  const here = placed(view.state).filter(({ at, to, finding }) => finding.fixLabel && at <= line.to && to >= line.from);
  return here.length > 0 ? open(view, here, "Quick fixes") : say(view, "No quick fix for this line.");
}

export const problemKeys: KeyBinding[] = [
  { key: "F8", run: (view) => step(view, 1), shift: (view) => step(view, -1) },
  { key: "Mod-.", run: fixes },
];
