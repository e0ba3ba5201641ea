// Tabs as the ARIA practices have them: one stop of the Tab key, arrows between them.

/** Make a tablist work; `chosen(panel)` is told the id of each panel that is shown. Returns how to show one. */
export function tabs(list, chosen = () => undefined) {
  const all = [...list.querySelectorAll('[role="tab"]')];
  const show = (id, focus = false) => {
    for (const one of all) {
      const is = one.getAttribute("aria-controls") === id;
      one.setAttribute("aria-selected", String(is));
      one.tabIndex = is ? 0 : -1;
      document.getElementById(one.getAttribute("aria-controls")).hidden = !is;
      if (is && focus) one.focus();
    }
    chosen(id);
  };
  list.addEventListener("click", (event) => {
    const one = event.target.closest('[role="tab"]');
    if (one) show(one.getAttribute("aria-controls"));
  });
  list.addEventListener("keydown", (event) => {
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    show(all[(to + all.length) % all.length].getAttribute("aria-controls"), true);
  });
  return show;
}
