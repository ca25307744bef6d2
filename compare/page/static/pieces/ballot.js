// One pair at a time. An answer is sent once: until the next pair is there, keys and clicks do nothing.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const frame = parentElement.querySelector(".ballot");
  const sides = { left: parentElement.querySelector(".left"), right: parentElement.querySelector(".right") };
  const answers = parentElement.querySelector(".answers");
  const fresh = frame.number !== data.number;
  frame.number = data.number;
  if (fresh) frame.answered = false;

  const answer = (choice) => {
    if (frame.answered) return;
    frame.answered = true;
    setTriggerValue("choice", choice);
  };
  for (const [side, button] of Object.entries(sides)) {
    const picture = button.querySelector("img");
    if (picture.src !== data[side]) picture.src = data[side];
    picture.alt = "";
    button.setAttribute("aria-label", data.labels[side]);
    button.onclick = () => answer(side);
  }
  answers.replaceChildren(
    ...["left", "tie", "right"].map((choice) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = data.labels[choice];
      made.dataset.choice = choice;
      made.onclick = () => answer(choice);
      return made;
    }),
  );
  parentElement.querySelector(".keys").textContent = data.labels.keys;

  const keys = { ArrowLeft: "left", ArrowDown: "tie", ArrowUp: "tie", ArrowRight: "right" };
  const pressed = (event) => {
    const typed = event.composedPath()[0];
    const elsewhere = typed instanceof Element && typed.closest("input, textarea, select, [role=radiogroup], [role=combobox]");
    if (event.repeat || event.altKey || event.ctrlKey || event.metaKey || elsewhere || !keys[event.key]) return;
    event.preventDefault();
    answer(keys[event.key]);
  };
  document.addEventListener("keydown", pressed);

  // To the side for a picture, down for neither; up and a little are left to the browser.
  let from = null;
  frame.ontouchstart = (event) => { from = event.touches.length === 1 ? event.touches[0] : null; };
  frame.ontouchend = (event) => {
    if (!from) return;
    const x = event.changedTouches[0].clientX - from.clientX;
    const y = event.changedTouches[0].clientY - from.clientY;
    from = null;
    if (Math.abs(x) > 60 && Math.abs(x) > 2 * Math.abs(y)) {
      event.preventDefault();
      answer(x < 0 ? "left" : "right");
    }
  };
  return () => document.removeEventListener("keydown", pressed);
}
