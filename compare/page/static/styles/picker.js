// Styles as small pictures that are pressed and released; what is searched for stays in the browser.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const find = parentElement.querySelector(".find");
  const grid = parentElement.querySelector(".grid");
  const none = parentElement.querySelector(".none");
  find.placeholder = data.search;
  find.setAttribute("aria-label", data.search);
  grid.setAttribute("aria-label", data.label);
  none.textContent = data.none;

  const there = new Map([...grid.children].map((card) => [card.dataset.name, card]));
  for (const style of data.styles) {
    let card = there.get(style.name);
    there.delete(style.name);
    if (!card) {
      card = document.createElement("button");
      card.type = "button";
      card.dataset.name = style.name;
      for (const part of ["picture", "name"]) {
        const made = document.createElement("span");
        made.className = part;
        card.append(made);
      }
    }
    grid.append(card);
    card.dataset.words = `${style.name} ${style.label} ${style.words}`.toLowerCase();
    card.toggleAttribute("data-faint", style.faint);
    card.title = style.faint ? `${style.label} · ${data.faint}` : style.label;
    card.querySelector(".name").textContent = style.label;
    card.setAttribute("aria-pressed", data.chosen.includes(style.name));
    if (style.place !== null) {
      const picture = card.querySelector(".picture").style;
      const [column, row] = [style.place % data.columns, Math.floor(style.place / data.columns)];
      picture.backgroundImage = `url(${data.sheet})`;
      picture.backgroundSize = `${data.columns * 100}% ${data.rows * 100}%`;
      picture.backgroundPosition = `${(100 * column) / (data.columns - 1)}% ${(100 * row) / (data.rows - 1)}%`;
    }
    card.onclick = () => {
      card.setAttribute("aria-pressed", card.getAttribute("aria-pressed") !== "true");
      setTriggerValue("pressed", style.name);
    };
  }
  for (const gone of there.values()) gone.remove();

  const sift = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of grid.children) {
      card.hidden = !words.every((word) => card.dataset.words.includes(word));
      shown += !card.hidden;
    }
    none.hidden = shown > 0;
  };
  find.oninput = sift;
  sift();
}
