/** Small helpers for the page. Data only ever becomes text here, never markup. */

/** A new element with a class and text. */
export function element(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== "") node.textContent = text;
  return node;
}

/** The page's part of that name (`data-part="name"`) inside of `root`. */
export const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

/** Sets the text only if it differs, so that screen readers are not told the same thing again. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Calls `draw` once before the next picture, however often it was asked for; hidden pages draw four times a second. */
export function drawer(draw) {
  let asked = false;
  const run = () => {
    asked = false;
    draw();
  };
  return () => {
    if (asked) return;
    asked = true;
    if (document.hidden) setTimeout(run, 250);
    else requestAnimationFrame(run);
  };
}

/** Writes every `<time datetime>` below `root` in the reader's own time zone. */
export function localTimes(root, write) {
  for (const node of root.querySelectorAll("time[datetime]")) node.textContent = write(node.dateTime);
}
