/** Regular expressions of documents and requests, the same texts as the box's. */

/** The end of a text in Python and in JavaScript. */
const END = "(?![\\s\\S])";

export const PROTOCOL_ID = `^[a-z][a-z0-9-]{0,31}-[0-9]{4}[.][0-9]{1,4}${END}`;
export const LANGUAGE = `^[a-z]{2,3}(-[A-Z]{2})?${END}`;
export const NAME = `^[a-z][a-z0-9_]{0,47}${END}`;
export const SHA256 = `^[0-9a-f]{64}${END}`;
export const LANGUAGE_TAG = `^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*${END}`;
export const CODE_WORD = `^[a-z][a-z_]{0,31}${END}`;
export const APP_VERSION = `^[0-9A-Za-z.+-]{1,32}${END}`;

/** Return whether a text matches one of these patterns. */
export function matches(pattern: string, text: string): boolean {
  return new RegExp(pattern, "u").test(text);
}
