/** Words as large as their box allows: a prompt is read from an arm's length, and never scrolls. */

/** Return the largest whole size from `least` to `most` that fits; `least` where none does. */
export function largestFitting(least: number, most: number, fits: (size: number) => boolean): number {
  let low = least;
  let high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Return what keeps an element's words as large as its parent allows, in px. */
export function fitted(least: number, most: number, _words: string): (node: HTMLElement) => () => void {
  return (node) => {
    const box = node.parentElement;
    if (box === null) return () => undefined;
    const fits = (size: number): boolean => {
      node.style.fontSize = `${size}px`;
      return node.offsetHeight <= box.clientHeight && node.scrollWidth <= box.clientWidth;
    };
    const fit = (): void => {
      node.style.fontSize = `${largestFitting(least, most, fits)}px`;
    };
    const watch = new ResizeObserver(fit);
    watch.observe(box);
    void document.fonts.ready.then(fit);
    fit();
    return () => watch.disconnect();
  };
}
