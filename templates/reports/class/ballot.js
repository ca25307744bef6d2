"use strict";
// The page knows pictures by the hash of their pixels alone. Which stands left hangs on the voter and the pair, by the
// rule of ballot.py, which finds answers whose sides are others.
const pairs = JSON.parse(document.getElementById("pairs").textContent);
const KEY = "twinseed-ballot";
const MOST_KEPT = 5000;

function drawn(text) {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
const hex = (number) => number.toString(16).padStart(8, "0");
const newVoter = () => [...crypto.getRandomValues(new Uint32Array(2))].map(hex).join("");

// Where the browser keeps nothing for pages from the disk, a ballot lasts as long as its window.
function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    const is = (value, pattern) => typeof value === "string" && pattern.test(value);
    if (kept && is(kept.voter, /^[0-9a-f]{16}$/) && typeof kept.choices === "object" && kept.choices) return kept;
  } catch { /* nothing is kept */ }
  return { voter: newVoter(), choices: {} };
}
function save() {
  try {
    if (Object.keys(state.choices).length <= MOST_KEPT) localStorage.setItem(KEY, JSON.stringify(state));
  } catch { /* nothing is kept */ }
}

let state = load();
const sides = (pair) => {
  const names = Object.keys(pair.pictures).sort();
  return drawn(state.voter + pair.id + "side") & 1 ? names.reverse() : names;
};
// Everybody sees the pairs in an order of their own, so that each is answered as often where people stop early.
const ordered = () => [...pairs].sort((a, b) => drawn(state.voter + a.id + "order") - drawn(state.voter + b.id + "order"));
let order = ordered();
const answered = () => order.filter((pair) => ["left", "right", "tie"].includes(state.choices[pair.id]));
const screens = Object.fromEntries([...document.querySelectorAll("[data-screen]")].map((one) => [one.dataset.screen, one]));
const by = (what) => document.querySelector(`[data-do=${what}]`);
let at = 0, resting = false;

function screen(name) {
  for (const [one, element] of Object.entries(screens)) element.hidden = one !== name;
}

function ask() {
  const next = order.findIndex((pair) => !(pair.id in state.choices));
  at = next < 0 ? order.length : next;
  show();
}

function show() {
  if (at >= order.length) return finish();
  const pair = order[at], vote = screens.vote, text = vote.querySelector(".progress");
  vote.className = "vote";
  vote.querySelector("h1").textContent = pair.concept;
  vote.querySelector(".asked").scrollTop = 0;
  const images = vote.querySelectorAll("img");
  sides(pair).forEach((name, side) => { images[side].src = pair.pictures[name]; });
  text.textContent = text.dataset.text.replace("{at}", at + 1).replace("{all}", order.length);
  vote.querySelector(".line span").style.transform = `scaleX(${at / order.length})`;
  by("back").disabled = at === 0;
  screen("vote");
}

function choose(choice) {
  if (resting || screens.vote.hidden) return;
  state.choices[order[at].id] = choice;
  save();
  screens.vote.className = `vote chosen-${choice}`;
  resting = true; // a moment to see what was chosen; a second tap must not answer the next pair
  setTimeout(() => { resting = false; at += 1; show(); }, 180);
}

function back() {
  if (resting || at === 0) return;
  at -= 1;
  delete state.choices[order[at].id];
  save();
  show();
}

function code() {
  const choices = answered().map((pair) => pair.id + state.choices[pair.id][0]).sort().join("");
  return `TWB1.${state.voter}.${choices}.${hex(drawn(`TWB1.${state.voter}.${choices}`))}.`;
}

function file() {
  const answers = answered().map((pair) => ({ pair: pair.id, left: sides(pair)[0], choice: state.choices[pair.id] }));
  const saved = new Date().toISOString();
  return JSON.stringify({ kind: "twinseed ballot", version: 1, voter: state.voter, saved, answers }, null, 1);
}

function finish() {
  const count = answered().length, text = screens.done.querySelector(".count"), link = by("save");
  text.textContent = count ? text.dataset.text.replace("{count}", count).replace("{all}", order.length) : text.dataset.none;
  screens.done.querySelector(".hand-in").hidden = count === 0;
  if (count) {
    screens.done.querySelector("textarea").value = code();
    // An address with the data in it: some phones save nothing from a page on the disk by any other.
    link.href = "data:application/json;charset=utf-8," + encodeURIComponent(file());
    link.download = `ballot-${state.voter.slice(0, 8)}.json`;
  }
  by("more").hidden = count === order.length;
  screen("done");
}

function begin() {
  by("start").hidden = pairs.length === 0;
  document.querySelector(".none").hidden = pairs.length > 0;
  const button = by("start");
  button.dataset.first ??= button.textContent;
  button.textContent = answered().length ? button.dataset.again : button.dataset.first;
  screen("begin");
}

// For a class with one device: whoever comes next sees other sides and another order.
function other() {
  state = { voter: newVoter(), choices: {} };
  order = ordered();
  by("copy").textContent = by("copy").dataset.first ?? by("copy").textContent;
  save();
  begin();
}

async function copy(button) {
  const area = screens.done.querySelector("textarea");
  area.select();
  try { await navigator.clipboard.writeText(area.value); } catch { document.execCommand("copy"); }
  button.dataset.first ??= button.textContent;
  button.textContent = button.dataset.done;
}

by("start").addEventListener("click", ask);
by("more").addEventListener("click", ask);
by("other").addEventListener("click", other);
by("back").addEventListener("click", back);
by("finish").addEventListener("click", finish);
by("copy").addEventListener("click", (event) => copy(event.currentTarget));
for (const button of document.querySelectorAll("footer [data-choose]")) {
  button.addEventListener("click", () => choose(button.dataset.choose));
}
// A swipe says the side it goes to; a tap, or the keyboard, the picture it is on.
let began = null, swiped = false;
const pictures = document.querySelector(".pictures");
pictures.addEventListener("pointerdown", (event) => { began = event.isPrimary ? event : null; swiped = false; });
pictures.addEventListener("pointerup", (event) => {
  if (!began || !event.isPrimary) return;
  const across = event.clientX - began.clientX, down = event.clientY - began.clientY;
  began = null;
  if (Math.abs(across) > 45 && Math.abs(across) > 1.5 * Math.abs(down)) {
    swiped = true;
    choose(across < 0 ? "left" : "right");
  }
});
for (const button of pictures.querySelectorAll("[data-choose]")) {
  button.addEventListener("click", () => { if (!swiped) choose(button.dataset.choose); swiped = false; });
  button.addEventListener("dragstart", (event) => event.preventDefault());
}
document.addEventListener("keydown", (event) => {
  if (screens.vote.hidden || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const choice = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie" }[event.key];
  if (choice) {
    event.preventDefault();
    choose(choice);
  } else if (event.key === "Backspace") {
    event.preventDefault();
    back();
  }
});
begin();
