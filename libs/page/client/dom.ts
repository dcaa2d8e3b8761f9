/** Elements without HTML made of text: names of runs and metrics come from elsewhere. */

type Child = Node | string | null;

export interface Attributes {
  readonly on?: Readonly<Record<string, (event: never) => void>>;
  readonly [name: string]: unknown;
}

/** An element; attributes that are false, null or undefined are left out, and true is an attribute without a value. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAll(element, attributes);
  element.append(...present(children));
  return element;
}

/** An element of a drawing. */
export function s<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  setAll(element, attributes);
  element.append(...present(children));
  return element;
}

const present = (children: readonly Child[]): (Node | string)[] => children.filter((child) => child !== null);

function setAll(element: Element, { on = {}, ...attributes }: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const [event, listener] of Object.entries(on)) {
    element.addEventListener(event, listener as EventListener);
  }
}

/** Changes a text only where it differs, so that a selection in it stays. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Calls `action` once before the next frame, however often it is asked for. */
export function beforeFrame(action: () => void): () => void {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      action();
    });
  };
}
