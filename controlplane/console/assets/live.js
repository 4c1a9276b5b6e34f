// Puts what the control plane sends in the place of what it was: elements are found by their id.
"use strict";

const live = document.querySelector("[data-live]");
if (live !== null) {
  const source = new EventSource(live.dataset.live);
  const connection = document.getElementById("connection");
  const shown = new Map();

  source.addEventListener("fragment", (event) => {
    const { id, html } = JSON.parse(event.data);
    // After a new connection everything comes again: what somebody is typing stays.
    if (shown.get(id) === html) return;
    shown.set(id, html);
    replace(document.getElementById(id), html);
  });
  source.addEventListener("end", () => source.close());
  source.addEventListener("open", () => {
    connection.textContent = "";
  });
  source.addEventListener("error", () => {
    connection.textContent =
      source.readyState === EventSource.CLOSED
        ? "This page is not kept up to date any more: load it again."
        : "The control plane does not answer; trying again …";
  });
}

function replace(element, html) {
  if (element === null) return;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const label = focused?.getAttribute("aria-label");
  element.innerHTML = html;
  // Whoever was reading a table with the keyboard goes on in the new one.
  if (label) element.querySelector(`[aria-label="${CSS.escape(label)}"]`)?.focus();
}
