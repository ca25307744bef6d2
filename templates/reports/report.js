"use strict";
// The overlay is made of copies of the pictures on the page, so that the file holds each of them once.
for (const stage of document.querySelectorAll(".stage")) {
  const slider = stage.querySelector("input");
  for (const arm of ["expanded", "simple"]) {
    const copy = document.getElementById(stage.dataset[arm]).cloneNode();
    copy.removeAttribute("id");
    copy.alt = "";
    copy.className = arm;
    stage.prepend(copy);
  }
  const move = () => {
    stage.style.setProperty("--split", slider.value + "%");
    slider.setAttribute("aria-valuetext", slider.dataset.position.replace("{percent}", slider.value));
  };
  slider.addEventListener("input", move);
  move();
  stage.hidden = false;
}
for (const place of document.querySelectorAll(".compare")) place.hidden = false;
