// Once for each thing that is to be seen, and not again when the script runs after a click.
const seen = new Set();
export default function (component) {
  const { data, parentElement } = component;
  if (seen.has(data.what)) return;
  seen.add(data.what);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // A moment later: what stood here before is still being taken away.
  setTimeout(() => {
    const here = parentElement.host ?? parentElement;
    const { top } = here.getBoundingClientRect();
    if (top > 0 && top < data.within * innerHeight) return;
    here.style.scrollMarginTop = "4.5rem"; // as high as what stays at the top
    here.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" });
  }, 400);
}
