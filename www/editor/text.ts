// Pieces of what is said: words, code, links.

/** The words of a text; those between backticks are code. */
export function words(text: string): Node[] {
  return text.split("`").map((part, idx) => {
    if (idx % 2 === 0) return document.createTextNode(part);
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
}

export function paragraph(text: string): HTMLElement {
  const dom = document.createElement("p");
  dom.append(...words(text));
  return dom;
}

/** A link out of the page, into a place of its own. */
export function link(url: string, text: string): HTMLAnchorElement {
  const dom = document.createElement("a");
  dom.href = url;
  dom.target = "_blank";
  dom.rel = "noreferrer";
  dom.textContent = text;
  return dom;
}
