/** What makes the page alive. Without it everything but the console is there to read. */

import { Drawer } from "./drawer.js";
import { filterContents, followLinks, offerCopies } from "./navigation.js";
import { connectionsOf } from "./protocol.js";
import { Schemas } from "./schema.js";

const asyncapi = JSON.parse(document.getElementById("asyncapi-document").textContent);
const schemas = new Schemas(asyncapi);
const server = Object.values(asyncapi.servers ?? {}).find(({ host }) => host === location.host);
const drawer = new Drawer(document.getElementById("console"), connectionsOf(asyncapi, schemas), schemas, server?.pathname ?? "");

for (const opener of document.querySelectorAll("[data-try]")) {
  opener.hidden = false;
  opener.addEventListener("click", () => drawer.open(opener.dataset.channel, opener.dataset.message, opener));
}
filterContents();
followLinks();
offerCopies();

// On a narrow screen the contents would be all that is seen first; on a wide one nothing could unfold them.
const narrow = matchMedia("(max-width: 860px)");
const foldContents = () => (document.querySelector(".side-box").open = !narrow.matches);
narrow.addEventListener("change", foldContents);
foldContents();
