// What the program is asked: mirrors src/app/assistant.rs. Places are offsets in the text.

import type { EditorState } from "@codemirror/state";

export interface Choice {
  label: string;
  detail: string;
  insert: string;
  caret: number;
  doc?: [body: string, url: string];
  goesOn: boolean;
}

export interface Choices {
  from: number;
  to: number;
  items: Choice[];
  isCut: boolean;
}

export interface Help {
  from: number;
  to: number;
  title: string;
  body: string[];
  url?: string;
}

export interface Definition {
  from: number;
  to: number;
  line: number;
  nOthers: number;
}

export interface Named {
  from: number;
  to: number;
  name: string;
}

export interface Edit {
  from: number;
  to: number;
  insert: string;
}

/** A question, the text, a place, a name. */
export type Ask = (question: string, text: string, at: number, name: string) => unknown;

/** Each question with the type of its answer. */
export class Assistant {
  constructor(private ask: Ask) {}

  complete(state: EditorState, at: number) {
    return this.put(state, "complete", at) as Choices | undefined;
  }
  help(state: EditorState, at: number) {
    return this.put(state, "help", at) as Help | undefined;
  }
  definition(state: EditorState, at: number) {
    return this.put(state, "definition", at) as Definition | undefined;
  }
  /** A text says why nothing can be renamed there. */
  named(state: EditorState, at: number) {
    return this.put(state, "named", at) as Named | string;
  }
  /** A text says why it keeps its name. */
  rename(state: EditorState, at: number, name: string) {
    return this.put(state, "rename", at, name) as Edit[] | string;
  }
  /** Nothing where it cannot be told what is content. */
  format(state: EditorState) {
    return this.put(state, "format", 0) as Edit[] | undefined;
  }

  private put(state: EditorState, question: string, at: number, name = ""): unknown {
    return this.ask(question, state.doc.toString(), at, name) ?? undefined;
  }
}
