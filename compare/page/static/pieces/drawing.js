// Not an image: the drawing has the colours of the page, light or dark.
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".drawing");
  if (place.drawn === data.svg) return;
  place.drawn = data.svg;
  place.innerHTML = data.svg;
}
