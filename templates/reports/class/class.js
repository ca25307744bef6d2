"use strict";
// Without this script the page is all pictures, and each leads to its file.
const filter = document.querySelector(".filter"), cards = [...document.querySelectorAll(".card")];
const shown = filter.querySelector(".shown"), reset = filter.querySelector("button");
const dialog = document.querySelector("dialog"), inside = dialog.querySelector(".inside");
const fields = ["student", "concept", "style", "model", "verdict", "state"];
const separators = { style: "\n", state: " " };
const folded = (text) => text.normalize("NFKC").toLowerCase();
const texts = new Map(cards.map((card) => [card, folded(card.textContent)]));
let visible = cards, open = null;

function fits(card, wanted, words) {
  for (const name of fields) {
    if (!wanted[name]) continue;
    const own = card.dataset[name];
    if (!(name in separators ? own.split(separators[name]) : [own]).includes(wanted[name])) return false;
  }
  return words.every((word) => texts.get(card).includes(word));
}

function apply() {
  const wanted = Object.fromEntries(new FormData(filter));
  const words = folded(wanted.words).split(/\s+/).filter(Boolean);
  visible = cards.filter((card) => fits(card, wanted, words));
  const chosen = new Set(visible);
  for (const card of cards) card.hidden = !chosen.has(card);
  shown.textContent = shown.dataset.shown.replace("{shown}", visible.length).replace("{all}", cards.length);
  document.querySelector(".nothing").hidden = visible.length > 0 || cards.length === 0;
  const set = Object.entries(wanted).filter(([, value]) => value);
  reset.hidden = set.length === 0;
  // What is chosen stands in the address, so that it can be kept, or sent to somebody with the folder.
  history.replaceState(null, "", "#" + (set.length ? new URLSearchParams(set) : ""));
}

function take() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const name of [...fields, "words"]) if (asked.has(name)) filter.elements[name].value = asked.get(name);
}

function show(card) {
  open = card;
  const parts = [document.createElement("h2"), card.querySelector(".by").cloneNode(true)];
  const title = card.querySelector("h3");
  parts[0].textContent = title.textContent;
  parts[0].dir = "auto";
  parts[0].lang = title.lang;
  inside.replaceChildren(...parts, ...[...card.querySelector(".more").children].map((part) => part.cloneNode(true)));
  const at = visible.indexOf(card), place = dialog.querySelector(".place");
  place.textContent = place.dataset.place.replace("{at}", at + 1).replace("{all}", visible.length);
  dialog.querySelector(".before").disabled = at <= 0;
  dialog.querySelector(".after").disabled = at < 0 || at >= visible.length - 1;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function step(by) {
  const next = visible[visible.indexOf(open) + by];
  if (next) show(next);
}

for (const card of cards) {
  card.querySelector(".look").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(card);
  });
}
dialog.querySelector(".close").addEventListener("click", () => dialog.close());
dialog.querySelector(".before").addEventListener("click", () => step(-1));
dialog.querySelector(".after").addEventListener("click", () => step(1));
dialog.addEventListener("close", () => open && open.querySelector(".look").focus());
dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
});
let began = null;
inside.addEventListener("pointerdown", (event) => { began = event.pointerType === "touch" ? event : null; });
inside.addEventListener("pointerup", (event) => {
  if (!began) return;
  const across = event.clientX - began.clientX, down = event.clientY - began.clientY;
  began = null;
  if (Math.abs(across) > 60 && Math.abs(across) > 2 * Math.abs(down)) step(across < 0 ? 1 : -1);
});
filter.addEventListener("input", apply);
filter.addEventListener("submit", (event) => event.preventDefault());
filter.addEventListener("reset", () => setTimeout(apply));
const narrow = matchMedia("(max-width: 40rem)"), fold = () => { filter.querySelector("details").open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();
filter.hidden = false;
take();
apply();
