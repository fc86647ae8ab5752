/** What keys do to a field: its text and the marked part of it, as a browser counts them. */

export interface Typed {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Return the field after a key was typed over what is marked. */
export function typedInto({ text, start, end }: Typed, key: string): Typed {
  const caret = start + key.length;
  return { text: text.slice(0, start) + key + text.slice(end), start: caret, end: caret };
}

/** Return the field without what is marked, or without the one before the caret. */
export function erasedBefore({ text, start, end }: Typed): Typed {
  const from = start === end ? Math.max(0, start - 1) : start;
  return { text: text.slice(0, from) + text.slice(end), start: from, end: from };
}
