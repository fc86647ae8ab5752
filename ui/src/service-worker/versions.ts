/** Compares versions of the app. */

/** Return whether a version (`0.10.2`) is older than another; what is no version is not. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(than)];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function numbersOf(version: string): number[] {
  return /^\d+\.\d+\.\d+/.exec(version)?.[0].split(".").map(Number) ?? [];
}
