// ---------------------------------------------------------------- in a page, in a notebook

/** Fill an element of a page with the runs that are kept in it as JSON. */
export function mount(element, content) {
  const viewer = new Viewer(element, content.runs, { address: true, ...content });
  if (content.play && !matchMedia("(prefers-reduced-motion: reduce)").matches)
    viewer.ready.then(() => location.hash.startsWith("#run=") || viewer.play());
  return viewer;
}

/** JupyterLab leaves the keys of an element with this attribute alone. */
function keepShortcutsAway({ target }) {
  if (target.closest?.(".lth-explorer, .lth-viewer"))
    target.setAttribute("data-lm-suppress-shortcuts", "true");
}

/** The browser's part of the notebook's widget: traits and the viewer's state are one. */
function render({ model, el }) {
  const names = Object.keys(FRESH);
  const asked = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  let own = false, later = null; // whether a change comes from here; the next photograph
  el.classList.add("lth-holder");
  el.style.setProperty("--lth-height", "50vh");
  const viewer = new Viewer(el, model.get("runs"), {
    palette: model.get("palette"), code: model.get("code"), bare: true, state: asked(),
    changed: (state) => {
      own = true;
      for (const [name, value] of Object.entries(state))
        if (String(model.get(name)) !== String(value)) model.set(name, value);
      model.save_changes();
      own = false;
      clearTimeout(later);
      later = setTimeout(photograph, 700);
    },
  });
  function photograph() {
    model.set("words", viewer.parts.words.textContent);
    model.set("picture", viewer.stage.canvas.toDataURL("image/png"));
    model.save_changes();
  }
  const follow = () => { if (!own) viewer.set(asked()); };
  const renewed = () => { viewer.add(model.get("runs")); follow(); };
  for (const name of names) model.on(`change:${name}`, follow);
  model.on("change:runs", renewed);
  document.addEventListener("focusin", keepShortcutsAway);
  return () => {
    clearTimeout(later);
    viewer.destroy();
    model.off("change:runs", renewed);
    for (const name of names) model.off(`change:${name}`, follow);
  };
}

export default { render };
