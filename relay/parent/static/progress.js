// While a toy is asked for something, its button says so and cannot be pressed twice.
"use strict";

for (const form of document.querySelectorAll("form")) {
  const button = form.querySelector("button[data-busy]");
  if (button === null) {
    continue;
  }
  const words = button.textContent;
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      return;
    }
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy;
  });
  // Coming back to the page, the browser shows it as it was left.
  window.addEventListener("pageshow", () => {
    button.removeAttribute("aria-disabled");
    button.textContent = words;
  });
}
