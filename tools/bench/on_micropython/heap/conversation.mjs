// One conversation of the firmware in MicroPython's WebAssembly build, whose objects are those of a
// 32-bit chip. node conversation.mjs MICROPYTHON.mjs BOARD_FOLDER FLASH_FOLDER PLAN.json
// The plan holds the order of the modules and the settings. Prints one JSON object a line.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [interpreter, board, flash, planFile] = process.argv.slice(2);
const plan = JSON.parse(fs.readFileSync(planFile, "utf8"));
const { loadMicroPython } = await import(pathToFileURL(path.resolve(interpreter)).href);
const HEAP_BYTES = 8 * 1024 * 1024; // no limit here: it is the use that is measured
const PATIENCE_MS = 60000;

const micropython = await loadMicroPython({
  heapsize: HEAP_BYTES,
  stdout: (line) => console.log(line),
  stderr: (line) => console.error(line),
});

function copy(from, to) {
  micropython.FS.mkdirTree(to);
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    if (entry.isDirectory()) copy(source, `${to}/${entry.name}`);
    else micropython.FS.writeFile(`${to}/${entry.name}`, fs.readFileSync(source));
  }
}

// Node.js would print the whole of a minified file with an error's place.
process.on("uncaughtException", (error) => {
  console.error(error.message);
  process.exit(1);
});

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

copy(board, "/board");
copy(flash, "/flash");
micropython.runPython('import sys, gc, micropython\nsys.path[:] = ["/board", "/flash", ".frozen"]');

function bytesInUse() {
  micropython.runPython("gc.collect()");
  micropython.runPython("in_use = gc.mem_alloc()\nmicropython.qstr_info()");
  return micropython.globals.get("in_use");
}

let before = bytesInUse();
const tell = (what) => console.log(JSON.stringify(what));
function load(statement, name) {
  micropython.runPython(statement);
  const now = bytesInUse();
  tell({ loaded: name, bytes: now - before });
  before = now;
}

tell({ loaded: "interpreter", bytes: before });
load("import asyncio\nasyncio.Event, asyncio.Lock, asyncio.wait_for, asyncio.create_task", "asyncio");
load("import stand_ins", "stand_ins");
load("import machine, network, esp32, neopixel, time, json, binascii, struct", "board");
for (const name of plan.modules) load(`import ${name}`, name);
load("import scripted_relay", "scripted_relay");
load("import heap_probe", "heap_probe");

const probe = micropython.pyimport("heap_probe");
const measure = (name) => {
  probe.collect();
  probe.tell(name);
};

async function until(condition, about) {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    const state = probe.state();
    if (state.startsWith("crashed")) throw new Error(state);
    if (Date.now() > end) throw new Error(`waited in vain until ${about}; the toy is ${state}`);
    await pause(20);
  }
}
const untilState = (state) => until(() => probe.state() === state, `the toy is ${state}`);

async function turn(name) {
  const played = probe.heard("played");
  probe.squeeze(true);
  await untilState("listening");
  await until(() => probe.frames_heard() > 3, "sound reaches the relay");
  probe.stall(true);
  await pause(900);
  measure(`${name}listening, the network stalls`);
  if (!name) probe.tell_buffers();
  probe.stall(false);
  probe.squeeze(false);
  const ended = probe.heard("listen_end");
  await until(() => probe.heard("listen_end") > ended || probe.state() === "thinking", "it ends");
  await untilState("thinking");
  await pause(300);
  measure(`${name}thinking`);
  probe.speak(80);
  await untilState("speaking");
  await pause(500);
  measure(`${name}speaking, the buffer is full`);
  await until(() => probe.heard("played") > played, "the reply was played");
  await untilState("idle");
  await pause(200);
  measure(`${name}idle`);
}

measure("imported");
probe.start(plan.settings);
await untilState("idle");
await pause(500);
measure("connected");
await turn("");
probe.hold_handshake(true);
probe.lose();
await until(() => probe.handshake_waits(), "it connects again");
measure("connecting again");
probe.hold_handshake(false);
await untilState("idle");
await turn("second turn: ");
process.exit(0);
