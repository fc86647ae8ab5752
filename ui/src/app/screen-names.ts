/** The screens that have an address: a name after `#`, and nothing else. */

const NAMES = ["home", "visit", "evaluations", "tablet", "about"] as const;
export type ScreenName = (typeof NAMES)[number];

/** Return the screen of an address; home where it is none. */
export function screenOf(hash: string): ScreenName {
  return NAMES.find((name) => hash === `#${name}`) ?? "home";
}
