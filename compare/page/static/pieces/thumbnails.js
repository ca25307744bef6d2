// Cards are kept by name and changed in place, so that focus stays where it is when the script runs again.
const made = (tag, parent, name, text) => {
  const one = document.createElement(tag);
  if (name) one.className = name;
  if (text !== undefined) one.textContent = text;
  parent?.append(one);
  return one;
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const grid = parentElement.querySelector(".grid");
  const there = new Map([...grid.children].map((card) => [card.dataset.name, card]));
  const said = (label, title) => label.replace("{title}", title);

  const wanted = new Set(data.cards.map((one) => one.name));
  for (const [name, card] of there) if (!wanted.has(name)) card.remove();
  let place = grid.firstElementChild;
  for (const one of data.cards) {
    let card = there.get(one.name);
    if (!card) {
      card = made("article", null);
      card.dataset.name = one.name;
      const open = made("button", card, "open");
      open.type = "button";
      made("span", open, "pair");
      made("span", open, "title");
      made("span", card, "line");
      made("span", card, "tags");
      const star = made("button", card, "star");
      star.type = "button";
      const box = made("input", card, "choose");
      box.type = "checkbox";
    }
    // What is moved, even to where it is, loses its focus.
    if (card === place) place = place.nextElementSibling;
    else grid.insertBefore(card, place);
    const [open, star, box] = ["open", "star", "choose"].map((name) => card.querySelector("." + name));
    const shape = JSON.stringify(one.pictures);
    if (card.shape !== shape) {
      card.shape = shape;
      card.querySelector(".pair").replaceChildren(
        ...one.pictures.map(({ address, fault }) => {
          if (!address) return made("span", null, "fault", fault);
          const picture = made("img", null);
          picture.src = address;
          picture.alt = "";
          return picture;
        }),
      );
    }
    card.querySelector(".title").textContent = one.title;
    card.querySelector(".line").textContent = one.line;
    card.querySelector(".tags").replaceChildren(...one.tags.map((tag) => made("span", null, "tag", tag)));
    open.setAttribute("aria-label", said(data.labels.open, one.title));
    star.setAttribute("aria-label", said(data.labels.star, one.title));
    const mark = (on) => {
      star.setAttribute("aria-pressed", on);
      star.textContent = on ? "★" : "☆";
    };
    mark(one.star);
    box.setAttribute("aria-label", said(data.labels.choose, one.title));
    box.checked = one.chosen;
    card.toggleAttribute("data-chosen", one.chosen);
    open.onclick = () => setTriggerValue("opened", one.name);
    star.onclick = () => {
      mark(star.getAttribute("aria-pressed") !== "true");
      setTriggerValue("starred", one.name);
    };
    box.onchange = () => {
      card.toggleAttribute("data-chosen", box.checked);
      setTriggerValue("chosen", one.name);
    };
  }
}
