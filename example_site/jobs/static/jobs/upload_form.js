/** The upload card: drag and drop, what the chosen files are, a check before anything is sent, progress while it is. */

import { part, setText } from "../chanx/dom.js";
import { count, percent, size } from "../chanx/format.js";

const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const zone = part(form, "drop");
const button = form.querySelector("button");
const limit = Number(form.dataset.limit);
const maxFiles = Number(form.dataset.maxFiles);

const chosenFiles = () => [...input.files];
const sizeOf = (files) => files.reduce((sum, file) => sum + file.size, 0);

function problem(files) {
  if (files.length === 0) return "Choose a CSV file first.";
  if (files.length > maxFiles) return `Those are too many files: the limit is ${count(maxFiles)}.`;
  const [total, one] = [sizeOf(files), files.length === 1];
  if (one && total === 0) return "That file is empty.";
  if (total <= limit) return "";
  return one ? `That file is too large: the limit is ${size(limit)}.` : `Those files are too large: the limit for all of them is ${size(limit)}.`;
}

function complain(text) {
  setText(part(form, "problem"), text);
  part(form, "problem").hidden = text === "";
  input.setAttribute("aria-invalid", String(text !== ""));
}

function chosen() {
  const files = chosenFiles();
  const any = files.length > 0;
  zone.classList.toggle("has-file", any);
  const name = files.length > 1 ? `${count(files.length)} files` : files[0]?.name;
  setText(part(form, "file-name"), any ? name : part(form, "file-name").dataset.none);
  setText(part(form, "file-size"), any ? size(sizeOf(files)) : part(form, "file-size").dataset.none);
  complain(any ? problem(files) : "");
}

function busy(text) {
  button.disabled = text !== "";
  setText(button, text || button.dataset.text);
}

/** Sends the form by hand, for the sake of its progress; the answer is a page, as it would be without this script. */
function send() {
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.upload.onprogress = ({ loaded, total }) => busy(loaded < total ? `Uploading ${percent(loaded / total)}` : "Starting…");
  request.onload = () => {
    if (request.responseURL !== form.action) location.assign(request.responseURL);
    else answered(request);
  };
  request.onerror = () => {
    busy("");
    complain("The upload was interrupted. Check the connection and try again.");
  };
  busy("Uploading…");
  request.send(new FormData(form));
}

function answered({ responseText }) {
  busy("");
  const page = new DOMParser().parseFromString(responseText, "text/html");
  complain(page.querySelector("[data-upload] [data-part=problem]")?.textContent.trim() || "The upload did not work. Try again.");
}

for (const name of ["dragenter", "dragover"]) {
  zone.addEventListener(name, (event) => {
    event.preventDefault();
    zone.classList.add("is-over");
  });
}
for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("is-over"));
zone.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length === 0) return;
  input.files = event.dataTransfer.files;
  chosen();
});
input.addEventListener("change", chosen);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = problem(chosenFiles());
  complain(text);
  if (text === "") send();
  else input.focus();
});
// A page from the browser's history still has its files, but not their text. Without files, what the server said stays.
addEventListener("pageshow", () => {
  busy("");
  if (input.files.length > 0) chosen();
});
