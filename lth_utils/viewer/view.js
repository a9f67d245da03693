// ---------------------------------------------------------------- the viewer

const HINT = "Hover or click a unit or a weight; arrow keys: levels, and units.";

/** The row of a level; the most telling one where none is given. */
function rowOf(run, level) {
  const row = run.rows.level.indexOf(level);
  if (row >= 0 || level === null) return row >= 0 ? row : run.chosen;
  return clamp(level, 0, run.height - 1);
}

export class Viewer extends Sharing {
  /**
   * element: is filled. runs: what `pack` in Python made. options: `palette`, `state`, `changed`
   * (called with the state after each change), `address` (whether it is kept in the address),
   * `code` (how Python opens the store), `bare` (without a list of runs).
   */
  constructor(element, runs, options) {
    super();
    this.options = options;
    this.packed = new Map(runs.map((run) => [run.key, run]));
    this.runs = new Map(); // those unpacked
    this.state = { ...FRESH };
    this.rows = { left: 0, right: 0 };
    this.root = Object.assign(document.createElement("div"), { className: "lth-viewer" });
    this.root.innerHTML = CONTROLS;
    const parts = [...this.root.querySelectorAll("[data-part]")];
    this.parts = Object.fromEntries(parts.map((part) => [part.dataset.part, part]));
    this.parts.listRow.hidden = runs.length < 2 || options.bare;
    this.parts.link.hidden = !options.address;
    this.stage = new Stage(this, this.parts.canvas);
    element.replaceChildren(this.root);
    this.listen();
    const asked = options.address ? readAddress() : {};
    this.ready = this.set({ ...options.state, ...asked });
  }

  listen() {
    const listeners = {
      click: ({ target }) => this[target.closest("[data-act]")?.dataset.act]?.(),
      change: ({ target }) => this.changed(target), input: ({ target }) => this.slid(target),
      keydown: (event) => this.key(event),
    };
    for (const [name, act] of Object.entries(listeners)) this.root.addEventListener(name, act);
    const redraw = () => this.redraw();
    this.observer = new ResizeObserver(redraw);
    this.observer.observe(this.parts.canvas);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", redraw);
    this.themes = new MutationObserver(redraw);
    for (const element of [document.documentElement, document.body])
      this.themes.observe(element, { attributes: true });
    this.hashed = () => this.set(readAddress());
    if (this.options.address) addEventListener("hashchange", this.hashed);
  }

  destroy() {
    this.stop();
    this.observer.disconnect();
    this.themes.disconnect();
    removeEventListener("hashchange", this.hashed);
  }

  // ------------------------------------------------------------ state

  /** The run and row of a side. */
  shown(side) {
    const { run, compare_run: second } = this.state;
    return [this.runs.get(side === "right" ? second : run), this.rows[side]];
  }

  /** More runs, or other versions of some. */
  add(runs) { for (const run of runs) this.packed.set(run.key, run); }

  /** Change what is shown. A level of null is the most telling one of its run. */
  async set(changes) {
    const state = { ...this.state };
    for (const name of Object.keys(FRESH)) if (name in changes) state[name] = changes[name];
    if (!this.packed.has(state.run)) state.run = this.state.run || [...this.packed.keys()][0];
    if (!this.packed.has(state.compare_run)) state.compare_run = state.run;
    if (!state.run) return;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    for (const key of new Set([state.run, state.compare_run]))
      if (!this.runs.has(key)) this.runs.set(key, await unpack(this.packed.get(key)));
    if (turn !== this.turn) return; // something else was asked for meanwhile
    if (state.run !== this.state.run) this.stop();
    const [before, left, right] = [this.state.run, state.run, state.compare_run]
      .map((key) => this.runs.get(key));
    // another run with as many levels is shown at the same one
    if (state.level !== null || before?.height !== left.height)
      this.rows.left = rowOf(left, state.level);
    this.rows.right = rowOf(right, state.compare_level);
    state.level = left.rows.level[this.rows.left];
    state.compare_level = right.rows.level[this.rows.right];
    const { options } = this.parts.colours, [difference] = [...options].slice(-1);
    difference.hidden = !state.compare || String(right.shape) !== String(left.shape);
    for (const name of ["colours", "curves"]) {
      const shown = [...this.parts[name].options].filter(({ hidden }) => !hidden);
      if (!shown.some(({ value }) => value === state[name])) state[name] = FRESH[name];
    }
    if (!(state.neuron?.[1] < left.shape[state.neuron?.[0]])) state.neuron = null;
    this.state = state;
    this.write();
    this.redraw();
    this.options.changed?.(this.state);
    if (this.options.address) this.writeAddress();
  }

  /** Show a row of one side, and of the other one where they are linked. */
  go(row, side = "left") {
    const names = { left: "level", right: "compare_level" }, changes = {};
    const by = row - this.rows[side], linked = this.state.compare && this.parts.linked.checked;
    for (const one of linked ? ["left", "right"] : [side]) {
      const [run, at] = this.shown(one);
      changes[names[one]] = run.rows.level[clamp(at + by, 0, run.height - 1)];
    }
    this.set(changes);
  }

  step(by) {
    this.stop();
    this.go(this.rows.left + by);
  }
  back() { this.step(-1); }
  forth() { this.step(1); }

  toSeparation() {
    const row = this.shown("left")[0].rows.status.indexOf("separated");
    if (row < 0) this.say("This run never separates.");
    else this.go(row);
  }

  /** Light up a unit; again: a second time puts it out. */
  choose(run, unit, again = false) {
    const neuron = [run.layerOf[unit], unit - run.starts[run.layerOf[unit]]];
    const same = again && String(neuron) === String(this.state.neuron);
    this.set({ neuron: same ? null : neuron });
  }

  /** The unit that the finder names. */
  find() {
    const [run] = this.shown("left"), words = this.parts.finder.value.trim();
    const neuron = unitNamed(run, words.toLowerCase());
    if (neuron || !words) this.set({ neuron });
    else {
      const inner = run.last > 1 ? `, h1.1 to ${shortName(run, run.starts[run.last] - 1)}` : "";
      const ends = [run.shape[0], run.shape[run.last]];
      this.say(`No unit ${words}; there are x1 to x${ends[0]}${inner}, y1 to y${ends[1]}.`);
    }
  }

  /** The next drawn unit, or the one before. */
  nextUnit(by) {
    const [run, row] = this.shown("left"), height = (u) => heightOf(run, row, u);
    const units = [...run.layerOf.keys()].filter((u) => !isNaN(height(u)))
      .sort((a, b) => run.layerOf[a] - run.layerOf[b] || height(a) - height(b));
    const [layer, n] = this.state.neuron ?? [0, by > 0 ? -1 : 0];
    const at = units.indexOf(run.starts[layer] + n) + by;
    this.choose(run, units.at(at % units.length));
  }

  // ------------------------------------------------------------ controls

  changed({ dataset: { part: name }, value, type, checked }) {
    if (name === "finder") this.find();
    else if (name === "speed" && this.timer) [this.stop(), this.play()];
    else if (name in FRESH && type !== "range") {
      const levels = { run: { level: null }, compare_run: { compare_level: null } }[name];
      this.set({ [name]: type === "checkbox" ? checked : value, ...levels });
    }
  }

  slid({ dataset: { part }, type, value }) {
    if (type === "range") this.go(Number(value), part === "level" ? "left" : "right");
  }

  play() {
    if (this.timer) return this.stop();
    const isLast = () => this.rows.left + 1 >= this.shown("left")[0].height;
    if (isLast()) this.go(0);
    const next = () => (isLast() ? this.stop() : this.go(this.rows.left + 1));
    this.timer = setInterval(next, Number(this.parts.speed.value));
    this.parts.player.textContent = "❚❚ pause";
    this.parts.words.ariaLive = "off";
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.parts.player.textContent = "▶ play";
    this.parts.words.ariaLive = "polite";
  }

  zoomIn() { this.stage.zoomBy(1.5); }
  zoomOut() { this.stage.zoomBy(1 / 1.5); }

  nextColours() {
    const names = [...this.parts.colours.options].filter((o) => !o.hidden).map((o) => o.value);
    this.set({ colours: names[(names.indexOf(this.state.colours) + 1) % names.length] });
  }

  key(event) {
    event.stopPropagation(); // a notebook has keys of its own
    const { target } = event, { stage } = this;
    if (target.matches("select, input[type=search]") || target === this.parts.compare_level) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && target.matches("button, input[type=checkbox]")) return;
    if (target.type === "range" && /^Arrow(Up|Down)$/.test(event.key)) return;
    const act = {
      ArrowLeft: () => this.back(), ArrowRight: () => this.forth(), " ": () => this.play(),
      Home: () => this.go(0), End: () => this.go(this.shown("left")[0].height - 1),
      ArrowUp: () => this.nextUnit(-1), ArrowDown: () => this.nextUnit(1),
      Escape: () => this.set({ neuron: null }), s: () => this.toSeparation(),
      "+": () => this.zoomIn(), "=": () => this.zoomIn(), "Shift +": () => this.zoomIn(),
      "-": () => this.zoomOut(), 0: () => stage.zoomBy(0), c: () => this.nextColours(),
      "Shift ArrowLeft": () => stage.panBy(60, 0), "Shift ArrowRight": () => stage.panBy(-60, 0),
      "Shift ArrowUp": () => stage.panBy(0, 60), "Shift ArrowDown": () => stage.panBy(0, -60),
    }[`${event.shiftKey ? "Shift " : ""}${event.key}`];
    if (!act) return;
    event.preventDefault();
    act();
  }

  // ------------------------------------------------------------ what is seen

  /** Controls and words, from the state. */
  write() {
    const { state, parts } = this, left = this.shown("left"), right = this.shown("right");
    this.fillLists();
    for (const [name, [run, row]] of Object.entries({ level: left, compare_level: right })) {
      Object.assign(parts[name], { max: Math.max(1, run.height - 1), disabled: run.height < 2 });
      parts[name].value = row;
      parts[name].setAttribute("aria-valuetext", run.words[row]);
      parts[`${name}Mark`].textContent = `${run.rows.level[row]} / ${run.rows.level.at(-1)}`;
    }
    for (const name of ["run", "compare_run", "colours", "curves"]) parts[name].value = state[name];
    for (const name of ["gone", "compare"]) parts[name].checked = state[name];
    parts.secondRow.hidden = !state.compare;
    parts.canvas.classList.toggle("lth-two", state.compare);
    const [run, row] = left;
    parts.words.textContent = !state.compare ? `${run.words[row]} ${run.covered[row]}`
      : `${run.words[row]} Right: ${right[0].words[right[1]]} ${differenceInWords(left, right)}`;
    const unit = state.neuron && run.starts[state.neuron[0]] + state.neuron[1];
    parts.unitWords.textContent = unit === null ? HINT : unitInWords(run, row, unit);
    if (document.activeElement !== parts.finder)
      parts.finder.value = unit === null ? "" : shortName(run, unit);
    parts.ticket.disabled = !run.values[row];
    parts.ticket.title = run.values[row] ? "Save this level's network as an npz file"
      : "The values of this level's weights did not come with this view";
    this.say("");
  }

  fillLists() {
    for (const list of [this.parts.run, this.parts.compare_run]) {
      if (list.options.length === this.packed.size) continue;
      const groups = new Map();
      for (const [key, { group = "", label, title }] of this.packed) {
        const place = groups.get(group) ?? document.createElement("optgroup");
        groups.set(group, Object.assign(place, { label: group }));
        place.append(new Option(label ?? title, key));
      }
      list.replaceChildren(...groups.values());
    }
  }

  /** The colours of this theme. */
  looks() {
    const dark = getComputedStyle(this.root).getPropertyValue("--lth-dark").trim() === "1";
    return this.options.palette[dark ? "dark" : "light"];
  }

  /** Draw with the next frame. */
  redraw() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      if (!this.runs.has(this.state.run) || !this.root.isConnected) return;
      this.stage.draw(this.looks());
      this.root.dispatchEvent(new CustomEvent("lth-drawn", { bubbles: true }));
    });
  }

  tip(words, event) {
    const { tooltip } = this.parts, frame = this.root.getBoundingClientRect();
    tooltip.hidden = !words;
    if (!words) return;
    tooltip.textContent = words;
    const x = clamp(event.clientX - frame.left + 12, 0, Math.max(0, frame.width - 280));
    tooltip.style.translate = `${x}px ${event.clientY - frame.top + 14}px`;
  }

  say(words) { this.parts.said.textContent = words; }
}
