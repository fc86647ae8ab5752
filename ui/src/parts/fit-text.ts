/** Words as large as their box allows: a prompt is read from an arm's length, without scrolling. */

const FLOWS = "data-flows";

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

/**
 * Return what keeps an element's words as large as its parent allows, in px.
 *
 * Where not even the least size fits, the parent bears `data-flows`: its words have that size, the
 * page is as long as they need, and they are brought into sight. `_anew`: with each other value
 * that is given, words are fitted, and brought into sight, once more.
 */
export function fitted(least: number, most: number, _anew: string): (node: HTMLElement) => () => void {
  return (node) => {
    const box = node.parentElement;
    if (box === null) return () => undefined;
    const fits = (size: number): boolean => {
      node.style.fontSize = `${size}px`;
      return node.offsetHeight <= box.clientHeight && node.scrollWidth <= box.clientWidth;
    };
    const fit = (): void => {
      box.removeAttribute(FLOWS);
      const size = largestFitting(least, most, fits);
      if (fits(size)) return;
      box.setAttribute(FLOWS, "");
      node.scrollIntoView({ block: "nearest" });
    };
    let frame = 0;
    // In a frame of its own: what is fitted changes what is watched.
    const later = (): void => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(fit);
    };
    const watch = new ResizeObserver(later);
    watch.observe(box);
    void document.fonts.ready.then(later);
    fit();
    return () => {
      cancelAnimationFrame(frame);
      watch.disconnect();
    };
  };
}
