// Called when the piece appears and again whenever its data may have changed: what was chosen stays chosen.
const NEAR_PX = 28; // a finger
export default function (component) {
  const { data, parentElement } = component;
  const viewer = parentElement.querySelector(".viewer");
  const stage = viewer.querySelector(".stage");
  const range = stage.querySelector("input");
  const pictures = ["simple", "expanded"].map((arm) => stage.querySelector("." + arm));
  pictures.forEach((picture, number) => {
    const source = data[number ? "expanded" : "simple"];
    if (picture.src !== source) picture.src = source;
    picture.alt = data.alts[number];
  });
  stage.querySelector(".left").textContent = data.tags[0];
  stage.querySelector(".right").textContent = data.tags[1];
  range.setAttribute("aria-label", data.label);

  const view = (viewer.view ??= { mode: "slide", zoom: 1, x: 50, y: 50, flicker: 0, from: null });
  const button = (label, text, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    if (label !== text) made.setAttribute("aria-label", label);
    made.onclick = action;
    return made;
  };
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

  const show = () => {
    viewer.dataset.mode = view.mode;
    stage.style.setProperty("--zoom", view.zoom);
    stage.style.setProperty("--x", view.x + "%");
    stage.style.setProperty("--y", view.y + "%");
    range.hidden = view.mode !== "slide";
    viewer.toggleAttribute("data-zoomed", view.zoom > 1);
    for (const made of viewer.querySelectorAll(".modes button")) {
      const chosen = made.dataset.mode === view.mode;
      made.setAttribute("aria-checked", chosen);
      made.tabIndex = chosen ? 0 : -1;
    }
    clearInterval(view.flicker);
    viewer.removeAttribute("data-flip");
    if (view.mode === "flicker" && !still) {
      // Slower than three times a second, which nobody has to look away from.
      view.flicker = setInterval(() => viewer.toggleAttribute("data-flip"), 700);
    }
  };
  const modes = viewer.querySelector(".modes");
  modes.setAttribute("aria-label", data.modesLabel);
  const focused = modes.contains(parentElement.activeElement ?? document.activeElement);
  modes.replaceChildren(
    ...Object.entries(data.modes).map(([mode, label]) => {
      const made = button(label, label, () => {
        if (mode === "flicker" && view.mode === "flicker") viewer.toggleAttribute("data-flip");
        else { view.mode = mode; show(); }
      });
      made.dataset.mode = mode;
      made.setAttribute("role", "radio");
      return made;
    }),
  );
  modes.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = Object.keys(data.modes);
    view.mode = names[(names.indexOf(view.mode) + step + names.length) % names.length];
    show();
    modes.querySelector("[aria-checked=true]").focus();
  };
  const zoomed = (factor) => () => {
    view.zoom = Math.min(8, Math.max(1, view.zoom * factor));
    if (view.zoom === 1) view.x = view.y = 50;
    show();
  };
  viewer.querySelector(".zoom").replaceChildren(
    button(data.zoomOut, "−", zoomed(0.5)),
    button(`1:1 · ${data.zoomReset}`, "1:1", zoomed(0)),
    button(data.zoomIn, "+", zoomed(2)),
  );
  if (focused) modes.querySelector(`[data-mode=${view.mode}]`)?.focus();

  const move = () => {
    stage.style.setProperty("--split", range.value + "%");
    range.setAttribute("aria-valuetext", data.position.replace("{percent}", range.value));
  };
  // Both pictures are moved by the same drag, whichever is under the pointer. The slider lies over all of them, so what
  // is zoomed takes the pointer from it, and gives it the drags that begin near its line. Where a drag began is kept with
  // the view: the page may come anew beneath it.
  const near = (event) => {
    const { left, width } = stage.getBoundingClientRect();
    return view.mode === "slide" && Math.abs(event.clientX - left - (width * range.value) / 100) < NEAR_PX;
  };
  const slide = (event) => {
    const { left, width } = stage.getBoundingClientRect();
    range.value = ((event.clientX - left) / width) * 100;
    move();
  };
  stage.onpointerdown = (event) => {
    if (view.zoom === 1) return;
    view.from = near(event) ? "line" : [event.clientX, event.clientY, view.x, view.y];
    stage.setPointerCapture(event.pointerId);
    if (view.from === "line") {
      event.preventDefault();
      range.focus({ preventScroll: true });
    }
  };
  stage.onpointermove = (event) => {
    if (!view.from) {
      stage.style.cursor = view.zoom > 1 && near(event) ? "ew-resize" : "";
      return;
    }
    if (view.from === "line") return slide(event);
    const box = stage.querySelector(".half").getBoundingClientRect();
    const moved = (now, then, length) => ((now - then) / length / (view.zoom - 1)) * 100;
    view.x = Math.min(100, Math.max(0, view.from[2] - moved(event.clientX, view.from[0], box.width)));
    view.y = Math.min(100, Math.max(0, view.from[3] - moved(event.clientY, view.from[1], box.height)));
    show();
  };
  stage.onpointerup = stage.onpointercancel = () => { view.from = null; };

  range.oninput = move;
  move();
  show();
  return () => clearInterval(view.flicker);
}
