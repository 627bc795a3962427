// The page of one tab: a terminal, its websocket, and a veil that says when keys do nothing.

import { Terminal } from "/xterm/xterm.mjs";
import { FitAddon } from "/xterm/addon-fit.mjs";

const LATE_MS = 2000; // no answer for so long: what is typed would come late, so it is not sent
const LOST_MS = 15000; // no answer for so long: the line is gone
const LONGEST = 2000; // characters of a text that is pasted
const CLOSED = { ENDED: 4000, GOING: 4001, WRONG: 4400, LOGIN: 4401, NO_USE: 4404, FULL: 4429 };

// xterm.js makes style sheets while it runs; the policy of this page takes those that carry its number.
const nonce = document.querySelector("script[nonce]").nonce;
const make = document.createElement.bind(document);
document.createElement = (name, ...more) => {
  const made = make(name, ...more);
  if (String(name).toLowerCase() === "style") made.nonce = nonce;
  return made;
};

// And it writes the style of single cells, their colours, as an attribute, which the policy does not take either.
const setAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name, value) {
  if (name === "style") this.style.cssText = value;
  else setAttribute.call(this, name, value);
};

const screen = document.getElementById("terminal");
const veil = document.getElementById("veil");
const told = document.getElementById("told");
const toast = document.getElementById("toast");

const terminal = new Terminal({
  fontFamily: 'ui-monospace, "DejaVu Sans Mono", "Cascadia Mono", Menlo, Consolas, monospace',
  fontSize: 14,
  scrollback: 0,
  macOptionIsMeta: true,
  theme: { background: "#0d1117" },
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(screen);

let socket = null;
let live = false; // the program runs, and the line is quick enough
let begun = false;
let why = "Connecting …";
let waitMs = 500;
let again = 0;
let answered = 0;
let asked = 0;

// --- the veil ---------------------------------------------------------------------------------------------

function look() {
  const silent = begun ? performance.now() - answered : 0;
  const slow = begun && asked > 0 && silent > LATE_MS;
  live = begun && !slow;
  const focused = document.hasFocus() && document.activeElement === terminal.textarea;
  let words = "";
  if (!begun) words = why;
  else if (slow) words = "The line is slow: no answer for " + Math.round(silent / 1000) + " s.\nKeys are not sent.";
  else if (!focused) words = "Keys are not active: click or tap here.";
  veil.hidden = words === "";
  veil.classList.toggle("gone", !begun);
  if (told.textContent !== words) told.textContent = words;
  if (begun && silent > LOST_MS) socket.close();
}

function warn(words) {
  toast.textContent = words;
  toast.hidden = false;
  clearTimeout(warn.timer);
  warn.timer = setTimeout(() => (toast.hidden = true), 4000);
}

function focus() {
  if (document.hasFocus()) terminal.focus();
  look();
}

veil.addEventListener("click", () => {
  if (socket === null) connect();
  terminal.focus();
  look();
});
for (const name of ["focus", "blur", "pageshow"]) addEventListener(name, name === "blur" ? look : focus);
document.addEventListener("visibilitychange", focus);
terminal.textarea.addEventListener("focus", look);
terminal.textarea.addEventListener("blur", () => setTimeout(look));

// --- the line ---------------------------------------------------------------------------------------------

function send(message) {
  if (socket !== null && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function connect() {
  clearTimeout(again);
  const line = new WebSocket(location.origin.replace(/^http/, "ws") + "/terminal");
  line.binaryType = "arraybuffer";
  socket = line;
  let last = "";
  line.onopen = () => send({ size: size() });
  line.onmessage = (event) => {
    if (typeof event.data !== "string") {
      terminal.write(new Uint8Array(event.data));
      return;
    }
    const said = JSON.parse(event.data);
    if (said.why) last = said.why;
    if (said.pong !== undefined) answered = performance.now();
    if (said.dropped) warn("Keys came too late and were dropped.");
    if (said.begun) {
      terminal.reset();
      begun = true;
      asked = 0;
      answered = performance.now();
      waitMs = 500;
      ping();
      focus();
    }
    look();
  };
  line.onclose = (event) => {
    if (line !== socket) return;
    const was = begun;
    begun = false;
    socket = null;
    if (event.code === CLOSED.LOGIN) {
      location.reload();
      return;
    }
    if (event.code === CLOSED.ENDED && was) {
      why = "The cockpit was closed. " + last + "\nClick, tap or press Enter to open it again.";
    } else {
      why = words(event.code, last, was);
      again = setTimeout(connect, waitMs);
      waitMs = Math.min(2 * waitMs, 8000);
    }
    look();
  };
}

function words(code, last, was) {
  if (code === CLOSED.NO_USE) return last + "\nThis page goes on by itself once one runs.";
  if (code === CLOSED.FULL) return "Too many tabs are open: close one.";
  if (code === CLOSED.ENDED) return "The cockpit could not be opened. " + last;
  return (was ? "The line is lost" : "tstream web does not answer") + "; connecting again …";
}

function ping() {
  if (!begun) return;
  asked += 1;
  send({ ping: Date.now() });
}

setInterval(() => {
  ping();
  look();
}, 1000);
addEventListener("online", () => socket === null && !begun && connect());

// --- keys -------------------------------------------------------------------------------------------------

function type(keys) {
  if (live) send({ keys, at: Date.now() });
}

terminal.onData(type);
terminal.attachCustomKeyEventHandler((event) => {
  if (!begun && socket === null && event.key === "Enter" && event.type === "keydown") connect();
  return true;
});
screen.addEventListener(
  "paste",
  (event) => {
    const text = event.clipboardData ? event.clipboardData.getData("text") : "";
    if (text.length <= LONGEST) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    warn("That is too long to paste: " + text.length + " characters, " + LONGEST + " at most.");
  },
  true,
);
for (const button of document.querySelectorAll("[data-keys]")) {
  button.addEventListener("click", () => {
    terminal.focus();
    type(button.dataset.keys);
  });
}
terminal.onTitleChange((title) => (document.title = title.slice(0, 100) || "tstream"));

// --- the size ---------------------------------------------------------------------------------------------

function size() {
  return [terminal.cols, terminal.rows].map((side) => Math.min(Math.max(side, 2), 500));
}

function place() {
  // A phone gets smaller letters, down to what can be read, so that the cockpit has its 80 columns.
  for (let points = 14; points >= 8; points -= 1) {
    terminal.options.fontSize = points;
    const proposed = fit.proposeDimensions();
    if (proposed === undefined || proposed.cols >= 80) break;
  }
  fit.fit();
}

new ResizeObserver(() => place()).observe(screen);
terminal.onResize(() => begun && send({ size: size() }));
place();
connect();
focus();
