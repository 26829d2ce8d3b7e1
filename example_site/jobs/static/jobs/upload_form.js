/** The upload card: drag and drop, the chosen file's name and size, a check before anything is sent, progress while it is. */

import { part, setText } from "./dom.js";
import { percent, size } from "./format.js";

const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const zone = part(form, "drop");
const button = form.querySelector("button");
const limit = Number(form.dataset.limit);

function problem(file) {
  if (file === undefined) return "Choose a CSV file first.";
  if (file.size === 0) return "That file is empty.";
  return file.size > limit ? `That file is too large: the limit is ${size(limit)}.` : "";
}

function complain(text) {
  setText(part(form, "problem"), text);
  part(form, "problem").hidden = text === "";
  input.setAttribute("aria-invalid", String(text !== ""));
}

function chosen() {
  const file = input.files[0];
  zone.classList.toggle("has-file", file !== undefined);
  setText(part(form, "file-name"), file ? file.name : part(form, "file-name").dataset.none);
  setText(part(form, "file-size"), file ? size(file.size) : part(form, "file-size").dataset.none);
  complain(file ? problem(file) : "");
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
  const text = problem(input.files[0]);
  complain(text);
  if (text === "") send();
  else input.focus();
});
// A page from the browser's history still has its file, but not its text.
addEventListener("pageshow", () => {
  busy("");
  chosen();
});
