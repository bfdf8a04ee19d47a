// The page "Try it without a toy": a button to hold, and what came of it. The toy itself is
// browser_toy.js. Words come from the page, where they can be translated.

const IDLE_MS = 5 * 60 * 1000; // nobody speaks: the microphone is closed again
const TAP_MS = 300; // shorter is no hold
const $ = (id) => document.getElementById(id);

class TryIt {
  constructor() {
    this.form = $("try-form");
    this.paw = $("paw");
    this.toy = null;
    this.turns = new Map(); // turn number to its place in the list
    $("needs-scripts").remove();
    this.form.hidden = false;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    $("stop").addEventListener("click", () => this.toy?.end("stopped"));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.toy?.end("hidden");
    });
    this.watchPaw();
  }

  async start() {
    const toy = new BrowserToy({
      state: (name) => this.showState(name),
      level: (level) => ($("level").value = level),
      report: (report) => this.showReport(report),
      played: (playedMs) => (this.paw.dataset.playedMs = playedMs),
      ended: (reason) => this.showEnd(reason),
    });
    this.toy?.end("stopped");
    this.toy = toy;
    this.turns.clear();
    this.say("connecting");
    $("start").disabled = true;
    try {
      const { resampler, worklet, talk } = this.form.dataset;
      await toy.openSound([resampler, worklet]);
      const { ticket, age } = await this.askForTicket();
      const address = new URL(talk, location.href);
      address.protocol = address.protocol.replace("http", "ws");
      toy.connect(address, ticket, age);
    } catch (error) {
      toy.end(error instanceof Trouble ? error.reason : "failed");
    }
  }

  async askForTicket() {
    const body = new URLSearchParams(new FormData(this.form));
    const answer = await fetch(this.form.action, { method: "POST", body, redirect: "manual" });
    if (answer.type === "opaqueredirect") throw new Trouble("closed_4401");
    if (!answer.ok) throw new Trouble(`ticket_${answer.status}`);
    return answer.json();
  }

  // A pointer or a key that is held. One that is let go at once was a tap, as on the toy, and so is
  // a click without either, as screen readers send it.
  watchPaw() {
    let heldSince = null;
    const press = (event) => {
      event.preventDefault();
      if (heldSince !== null || this.paw.disabled) return;
      this.paw.focus();
      heldSince = performance.now();
      this.toy?.squeeze("hold");
    };
    const letGo = () => {
      if (heldSince === null) return;
      if (performance.now() - heldSince < TAP_MS) this.toy?.squeeze("tap");
      else this.toy?.release();
      heldSince = null;
    };
    const onKey = (act) => (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault(); // or a click would follow
      act(event);
    };
    this.paw.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      this.paw.setPointerCapture(event.pointerId);
      press(event);
    });
    for (const kind of ["pointerup", "pointercancel", "blur"]) {
      this.paw.addEventListener(kind, letGo);
    }
    this.paw.addEventListener("keydown", onKey(press));
    this.paw.addEventListener("keyup", onKey(letGo));
    this.paw.addEventListener("contextmenu", (event) => event.preventDefault());
    this.paw.addEventListener("click", ({ detail }) => {
      if (detail === 0) this.toy?.squeeze("tap");
    });
  }

  showState(name) {
    $("talking").hidden = false;
    this.form.hidden = true;
    this.paw.disabled = false;
    this.paw.dataset.state = name;
    if (name === "ready" && !this.wasReady) this.paw.focus();
    this.wasReady = true;
    this.say(name);
    clearTimeout(this.idle);
    this.idle = setTimeout(() => this.toy?.end("idle"), IDLE_MS);
  }

  showEnd(reason) {
    clearTimeout(this.idle);
    this.wasReady = false;
    $("level").value = 0;
    $("talking").hidden = true;
    $("start").disabled = false;
    this.form.hidden = false;
    this.paw.disabled = true;
    delete this.paw.dataset.state;
    this.say(reason in sayings ? reason : "closed", reason !== "stopped" && reason !== "idle");
    if (reason === "stopped") $("start").focus();
  }

  say(key, isTrouble = false) {
    $("said-state").textContent = sayings[key];
    $("said-state").dataset.state = key;
    $("said-state").classList.toggle("error", isTrouble);
  }

  showReport(report) {
    if (!this.turns.has(report.turn)) {
      const item = $("turn").content.firstElementChild.cloneNode(true);
      $("turns").append(item);
      this.turns.set(report.turn, item);
    }
    const item = this.turns.get(report.turn);
    const fill = (part, text) => {
      const line = item.querySelector(`.${part}`);
      line.hidden = !text;
      line.querySelector("span").textContent = text;
    };
    fill("heard", report.heard);
    fill("answer", report.said.join(" "));
    fill("note-of-turn", this.notes(report).join(" "));
    item.scrollIntoView({ block: "nearest" });
  }

  notes(report) {
    const notes = [];
    if (report.stopped) notes.push(sayings.stopped_by.replace("%1", report.stopped));
    if (report.alert) notes.push(sayings.alert);
    if (report.first_sound_ms !== null) {
      const seconds = (report.first_sound_ms / 1000).toFixed(1);
      notes.push(sayings.first_sound.replace("%1", seconds));
    }
    return notes;
  }
}

const sayings = Object.fromEntries(
  [...$("sayings").content.querySelectorAll("[data-say]")].map((one) => [
    one.dataset.say,
    one.textContent,
  ]),
);
new TryIt();
