// In place of the address that is there, and only on the screen that this was meant for: somebody may be elsewhere by now.
export default function ({ data }) {
  const address = new URL(location.href);
  if (!address.pathname.endsWith(`/${data.screen}`) || address.searchParams.has("run")) return;
  address.searchParams.set("run", data.run);
  history.replaceState(history.state, "", address);
}
