/** Finding one's way: the filter of the contents, links to a part of the page, and buttons that copy. */

import { button } from "./dom.js";

export function filterContents() {
  const input = document.querySelector("[data-filter]");
  const state = document.querySelector("[data-filter-state]");
  const links = [...document.querySelectorAll("[data-filter-for]")];
  const groups = [...document.querySelectorAll("[data-filter-group]")];
  input.closest("[hidden]").hidden = false;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const link of links) {
      const operation = document.getElementById(link.dataset.filterFor);
      const isFound = words.every((word) => operation.dataset.words.includes(word));
      link.hidden = operation.hidden = !isFound;
      found += isFound;
    }
    for (const group of groups) group.hidden = words.length > 0 && group.querySelector("[data-filter-for]:not([hidden])") === null;
    for (const channel of document.querySelectorAll("[data-channel-part]")) channel.hidden = words.length > 0 && channel.querySelector(".operation:not([hidden])") === null;
    state.textContent = words.length === 0 ? "" : `${found} of ${links.length} operations`;
  });
}

function clearFilter() {
  const input = document.querySelector("[data-filter]");
  input.value = "";
  input.dispatchEvent(new Event("input"));
}

/** Opens what a link leads to, if it is folded or filtered away; also when the same link is followed again. */
export function followLinks() {
  const open = () => {
    const target = targetOf(location.hash);
    if (target === null) return;
    if (target.closest("[hidden]") !== null) clearFilter();
    for (let at = target; at !== null; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href^='#']") : null;
    if (link !== null && link.hash === location.hash) open();
  });
  open();
}

function targetOf(hash) {
  try {
    return document.getElementById(decodeURIComponent(hash.slice(1)));
  } catch {
    return null; // a "%" that somebody typed
  }
}

export function offerCopies() {
  if (!navigator.clipboard) return; // no secure context
  for (const source of document.querySelectorAll("[data-copyable]")) {
    const copy = button("Copy", async () => {
      await navigator.clipboard.writeText(source.textContent);
      copy.textContent = "Copied";
      copy.addEventListener("blur", () => (copy.textContent = "Copy"), { once: true });
    }, { class: "copy" });
    source.after(copy);
  }
}
