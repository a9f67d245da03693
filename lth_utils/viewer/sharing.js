// ---------------------------------------------------------------- taking it away

/** What is shown, as it stands in an address and in a notebook's code. */
const FRESH = {
  run: "", level: 0, colours: "state", curves: "scores", neuron: null, gone: false,
  compare: false, compare_run: "", compare_level: 0,
};

/** The page's address with a view in it: what is not as at first. */
function address(state) {
  const parts = new URLSearchParams({ run: state.run, level: state.level });
  for (const [name, value] of Object.entries(state))
    if (String(value) !== String(FRESH[name]) && (state.compare || !name.startsWith("compare")))
      parts.set(name, name === "neuron" ? value.join(".") : value);
  return `${location.href.split("#")[0]}#${parts}`;
}

/** The view in the page's address. */
function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has("run")) return {};
  const number = (text) => (/^\d+$/.test(text) ? Number(text) : null);
  const neuron = (given.get("neuron") ?? "").split(".").map(number);
  return {
    ...FRESH, ...Object.fromEntries(given),
    level: number(given.get("level")), compare_level: number(given.get("compare_level")),
    gone: given.get("gone") === "true", compare: given.get("compare") === "true",
    neuron: neuron.length === 2 && !neuron.includes(null) ? neuron : null,
  };
}

/** Save a file. */
function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { download: name });
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** The part of the viewer that copies and saves what is shown. */
class Sharing {
  name() { return `${this.state.run}-level${this.state.level}`; }
  svg() { return this.stage.svg(this.looks(), this.parts.words.textContent); }

  async copyPng() {
    const blob = await new Promise((done) => this.stage.canvas.toBlob(done, "image/png"));
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
      this.say("Copied the picture as PNG.");
    } catch {
      save(blob, `${this.name()}.png`);
      this.say("This browser does not let a page copy pictures, so it was saved as a file.");
    }
  }

  async copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
      this.say(`Copied ${what}.`);
    } catch {
      this.say(`This browser does not let a page copy. Here it is: ${text}`);
    }
  }

  copySvg() { return this.copy(this.svg(), "the picture as SVG"); }
  copyLink() { return this.copy(address(this.state), "the address of this view"); }
  copyCode() { return this.copy(this.code(), "Python code that shows this view"); }
  saveSvg() { save(new Blob([this.svg()], { type: "image/svg+xml" }), `${this.name()}.svg`); }

  saveTicket() {
    save(ticketFile(...this.shown("left")), `${this.name()}.npz`);
    this.say("Saved the ticket; lth_utils.explorer.load reads it. Values are rounded to float16.");
  }

  /** Python that shows this view. */
  code() {
    const { run, level, colours, curves, neuron, compare, compare_run, compare_level } = this.state;
    const said = [this.options.code ?? "lth.Store()", `"${run}"`, `level=${level}`];
    if (colours !== FRESH.colours) said.push(`colours="${colours}"`);
    if (curves !== FRESH.curves) said.push(`curves="${curves}"`);
    if (neuron) said.push(`neuron=(${neuron.join(", ")})`);
    if (compare) said.push(`compare=("${compare_run}", ${compare_level})`);
    return `import lth_utils as lth\n\nlth.explore(${said.join(", ")})\n`;
  }

  /** Keep the view in the page's address, but not while it plays. */
  writeAddress() {
    clearTimeout(this.written);
    if (this.timer) return;
    this.written = setTimeout(() => {
      if (this.root.contains(document.activeElement) || location.hash)
        history.replaceState(null, "", address(this.state));
    }, 250);
  }
}
