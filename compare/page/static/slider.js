// Called when the piece appears and again whenever its data may have changed: the line stays where it was put.
export default function (component) {
  const { data, parentElement } = component;
  const stage = parentElement.querySelector(".stage");
  const range = stage.querySelector("input");
  for (const arm of ["simple", "expanded"]) {
    const picture = stage.querySelector("." + arm);
    if (picture.src !== data[arm]) picture.src = data[arm];
  }
  stage.querySelector(".left").textContent = data.tags[0];
  stage.querySelector(".right").textContent = data.tags[1];
  range.setAttribute("aria-label", data.label);
  const move = () => {
    stage.style.setProperty("--split", range.value + "%");
    range.setAttribute("aria-valuetext", data.position.replace("{percent}", range.value));
  };
  range.oninput = move;
  move();
}
