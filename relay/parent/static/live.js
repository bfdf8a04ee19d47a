// The live view: puts what the relay sends where it belongs. Everything comes escaped, from here.
"use strict";

const MOST_TURNS = 30;
const view = document.getElementById("live");
const state = document.getElementById("live-state");
const toys = document.getElementById("live-toys");
const turns = document.getElementById("live-words");
const none = document.getElementById("live-none");
const source = new EventSource(view.dataset.events);

source.addEventListener("open", () => {
  state.textContent = view.dataset.on;
});

source.addEventListener("toys", (event) => {
  toys.innerHTML = event.data;
});

source.addEventListener("words", (event) => {
  none.hidden = true;
  turns.insertAdjacentHTML("afterbegin", event.data);
  while (turns.children.length > MOST_TURNS) {
    turns.lastElementChild.remove();
  }
});

// The log-in has ended: the page shows the form.
source.addEventListener("over", () => {
  source.close();
  location.reload();
});

source.addEventListener("error", () => {
  // The browser tries again by itself, unless it was told that there is no use.
  const closed = source.readyState === EventSource.CLOSED;
  state.textContent = closed ? view.dataset.closed : view.dataset.waiting;
});
