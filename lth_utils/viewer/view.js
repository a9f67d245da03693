// ---------------------------------------------------------------- the parts of the page

/** An element with attributes (functions are listeners) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

const button = (words, hint, act) =>
  make("button", { type: "button", title: hint, click: act }, words);

/** A control beside its name. */
function labelled(words, control) {
  control.setAttribute("aria-label", words); // else a list's name would hold all of its options
  return make("label", {}, make("span", {}, words), control);
}

const clamp = (n, low, high) => Math.max(low, Math.min(high, n));

/** One network's canvas: draws when asked, and knows what lies under a pointer. */
class Pane {
  constructor(viewer, side) {
    this.viewer = viewer;
    this.side = side;
    this.zoom = { scale: 1, x: 0, y: 0 };
    this.canvas = make("canvas", {
      role: "img", tabindex: "0",
      pointermove: (event) => this.hover(event), pointerleave: () => viewer.tip(null),
      pointerdown: (event) => this.press(event), dblclick: (event) => this.zoomBy(2, event),
      pointerup: (event) => this.pointers.delete(event.pointerId),
      pointercancel: (event) => this.pointers.delete(event.pointerId),
    });
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.pointers = new Map(); // that are down, and where they were
  }

  /** What is drawn. */
  view() {
    const { state, runs } = this.viewer, right = this.side === "right";
    const [run, row] = this.viewer.shown(this.side);
    const other = state.compare && this.viewer.shown(right ? "left" : "right");
    const alike = other && String(other[0].shape) === String(run.shape);
    const [layer, unit] = state.neuron ?? [0, -1];
    const has = unit >= 0 && layer < run.shape.length && unit < run.shape[layer];
    return {
      run, row, runs, zoom: this.zoom, gone: state.gone,
      colours: state.colours === "difference" && !alike ? "state" : state.colours,
      other: alike ? other : null, unit: has ? run.starts[layer] + unit : null,
    };
  }

  /** Draw; hurried: what takes long comes a moment later. */
  draw(hurried) {
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    const ratio = window.devicePixelRatio || 1;
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * ratio)
      || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const view = { ...this.view(), hurried };
    this.met = drawPicture(new CanvasPen(context), view, width, height, this.viewer.looks);
    this.shownView = view;
    const words = `${view.run.title}. ${levelInWords(view.run, view.row)}`;
    this.canvas.setAttribute("aria-label", words);
    if (view.coarse) this.viewer.later();
  }

  /** The unit, weight or level under a pointer, and words on it. */
  under(event) {
    if (!this.met) return {};
    const frame = this.canvas.getBoundingClientRect(), { run, row } = this.shownView;
    const x = event.clientX - frame.left, y = event.clientY - frame.top;
    for (const curve of this.met.curves) {
      const n = Math.floor((x - curve.x) / curve.step);
      if (n >= 0 && n < run.height && y > curve.y - 14 && y < curve.y + curve.height + 4)
        return { row: n, words: levelInWords(run, n) };
    }
    const { box, px, py, places, e, chosen } = this.met;
    if (x < box.x || x > box.x + box.width || y < box.y || y > box.y + box.height - 36) return {};
    let nearest = 9, unit = null;
    for (let u = 0; u < run.units; u++) {
      const far = Math.hypot(px[u] - x, py[u] - y);
      if (!isNaN(places[u]) && far < nearest) [nearest, unit] = [far, u];
    }
    if (unit !== null) return { unit, words: unitInWords(run, row, unit) };
    let weight = null;
    nearest = 5;
    for (const n of chosen) {
      const s = run.source[e[n]], t = run.target[e[n]];
      const dx = px[t] - px[s], dy = py[t] - py[s];
      const along = ((x - px[s]) * dx + (y - py[s]) * dy) / (dx * dx + dy * dy);
      if (along < 0 || along > 1) continue;
      const far = Math.hypot(px[s] + along * dx - x, py[s] + along * dy - y);
      if (far < nearest) [nearest, weight] = [far, e[n]];
    }
    return weight === null ? {} : { weight, words: weightInWords(run, row, weight) };
  }

  hover(event) {
    const before = this.pointers.get(event.pointerId);
    if (before) {
      const others = [...this.pointers.entries()].filter(([id]) => id !== event.pointerId);
      if (others.length) {
        const [, there] = others[0];
        const span = (at) => Math.hypot(at.clientX - there.clientX, at.clientY - there.clientY);
        this.zoomBy(span(event) / Math.max(1, span(before)), event);
      } else if (this.zoom.scale > 1) {
        this.panBy(event.clientX - before.clientX, event.clientY - before.clientY);
      }
      this.pointers.set(event.pointerId, event);
      return;
    }
    this.viewer.tip(this.under(event).words ?? null, event);
  }

  press(event) {
    this.pointers.set(event.pointerId, event);
    const found = this.under(event), { run } = this.shownView;
    if (found.row !== undefined) this.viewer.go(found.row, this.side);
    else if (found.unit !== undefined) {
      const layer = run.layerOf[found.unit];
      this.viewer.choose([layer, found.unit - run.starts[layer]], true);
    } else if (found.words) this.viewer.say(found.words);
    else if (event.detail < 2 && this.zoom.scale === 1) this.viewer.choose(null);
    this.viewer.tip(found.words ?? null, event);
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
    event.preventDefault();
    this.zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2, event);
  }

  /** Zoom about a pointer or the middle. */
  zoomBy(factor, event = null) {
    if (!this.met) return;
    const { box } = this.met, frame = this.canvas.getBoundingClientRect();
    const x = event ? event.clientX - frame.left - box.x - 40 : box.width / 2 - 40;
    const y = event ? event.clientY - frame.top - box.y - 10 : box.height / 2 - 10;
    const scale = clamp(this.zoom.scale * factor, 1, 40), by = scale / this.zoom.scale;
    this.zoom = { scale, x: x - by * (x - this.zoom.x), y: y - by * (y - this.zoom.y) };
    this.panBy(0, 0);
  }

  panBy(dx, dy) {
    const { scale, x, y } = this.zoom, { width, height } = this.met.box;
    const room = scale - 1;
    this.zoom.x = clamp(x + dx, -room * width, 0);
    this.zoom.y = clamp(y + dy, -room * height, 0);
    this.canvas.style.touchAction = scale > 1 ? "none" : "pan-y";
    this.viewer.redraw();
  }

  svg() {
    const { clientWidth: width, clientHeight: height } = this.canvas, pen = new SvgPen();
    drawPicture(pen, this.view(), width, height, this.viewer.looks);
    return { pen, width, height };
  }
}

// ---------------------------------------------------------------- the viewer

/** What is shown, as it stands in an address and in a notebook's code. */
const FRESH = {
  run: "", level: 0, colours: "state", neuron: null, gone: false,
  compare: false, compare_run: "", compare_level: 0,
};

export class Viewer {
  /**
   * element: is filled. runs: what `pack` in Python made. options: `palette`, `state`, `changed`
   * (called with the state after each change), `address` (whether it is kept in the address),
   * `code` (how Python opens the store), `bare` (without a list of runs).
   */
  constructor(element, runs, options) {
    this.options = options;
    this.packed = new Map(runs.map((run) => [run.key, run]));
    this.runs = new Map(); // those unpacked
    this.state = { ...FRESH };
    this.panes = [new Pane(this, "left")];
    this.rows = { left: 0, right: 0 };
    this.root = make("div", { class: "lth-viewer", keydown: (event) => this.key(event) });
    this.root.addEventListener("focusin", suppressShortcuts);
    this.build();
    element.replaceChildren(this.root);
    this.watch();
    const asked = options.address ? readAddress() : {};
    this.ready = this.set({ ...options.state, ...asked });
  }

  build() {
    const choices = Object.entries(COLOURINGS).map(([value, words]) =>
      make("option", { value }, words));
    this.lists = {
      left: make("select", {
        change: (event) => this.set({ run: event.target.value, level: null }),
      }),
      right: make("select", {
        change: (event) => this.set({ compare_run: event.target.value, compare_level: null }),
      }),
    };
    this.sliders = {};
    this.marks = {};
    for (const side of ["left", "right"]) {
      this.sliders[side] = make("input", {
        type: "range", min: 0, step: 1,
        input: (event) => this.go(Number(event.target.value), side),
      });
      this.marks[side] = make("output", { "aria-hidden": "true" });
    }
    this.colours = make("select", { change: () => this.set({ colours: this.colours.value }) },
      ...choices, make("option", { value: "difference", hidden: true }, DIFFERENCE));
    this.finder = make("input", {
      type: "search", size: 9, placeholder: "x1, h1.2, y1", change: () => this.find(),
    });
    const box = (changed) => make("input", { type: "checkbox", change: changed });
    this.gone = box(() => this.set({ gone: this.gone.checked }));
    this.twice = box(() => this.set({ compare: this.twice.checked }));
    this.linked = make("input", { type: "checkbox", checked: true });
    this.player = button("▶ play", "Play the levels (space)", () => this.play());
    const speeds = Object.keys(SPEEDS);
    this.speed = make("select", { "aria-label": "Speed of playing", change: () => this.again() },
      ...speeds.map((name) => make("option", { selected: name === "1×" }, name)));
    const separation = button("⇥ separation", "Jump to where the network separates (s)",
      () => this.toSeparation());
    const steps = [
      button("◀", "Previous level (left arrow)", () => this.step(-1)), this.sliders.left,
      button("▶", "Next level (right arrow)", () => this.step(1)), this.marks.left,
    ];
    steps[0].setAttribute("aria-label", "Previous level");
    steps[2].setAttribute("aria-label", "Next level");
    this.words = make("p", { role: "status", "aria-live": "polite", class: "lth-words" });
    this.unitWords = make("p", { role: "status", "aria-live": "polite", class: "lth-words" });
    this.said = make("p", { role: "status", "aria-live": "polite", class: "lth-words lth-said" });
    this.tooltip = make("div", { class: "lth-tip", hidden: true });
    this.listRow = labelled("Run", this.lists.left);
    this.secondRow = make("div", { class: "lth-row", hidden: true },
      labelled("Run, right", this.lists.right), labelled("Level, right", this.sliders.right),
      this.marks.right, labelled("linked", this.linked));
    this.frame = make("div", { class: "lth-panes" }, this.panes[0].canvas, this.tooltip);
    this.root.append(
      make("div", { class: "lth-row lth-levels" }, make("span", { class: "lth-steps" }, ...steps),
        this.player, this.speed, separation),
      make("div", { class: "lth-row" }, this.listRow, labelled("Colours", this.colours),
        labelled("Neuron", this.finder), labelled("pruned here", this.gone),
        labelled("compare", this.twice)),
      this.secondRow, this.words, this.frame, this.unitWords, this.lastRow(), this.said);
    this.sliders.left.setAttribute("aria-label", "Pruning level");
    this.sliders.right.setAttribute("aria-label", "Pruning level, right");
  }

  /** Buttons below the picture. */
  lastRow() {
    const zoom = (factor) => () => this.panes.forEach((pane) => pane.zoomBy(factor));
    const out = button("−", "Zoom out (minus key)", zoom(1 / 1.5));
    const into = button("+", "Zoom in (plus key)", zoom(1.5));
    out.setAttribute("aria-label", "Zoom out");
    into.setAttribute("aria-label", "Zoom in");
    const row = make("div", { class: "lth-row" }, out, into,
      button("copy PNG", "Copy the picture as PNG", () => this.copyPng()),
      button("copy SVG", "Copy the picture as SVG", () => this.copySvg()),
      button("save SVG", "Save the picture as a file",
        () => save(new Blob([this.svg()], { type: "image/svg+xml" }), `${this.name()}.svg`)),
      this.ticketButton = button("save ticket", "Save this level's network as an npz file",
        () => this.saveTicket()));
    if (this.options.address)
      row.append(button("copy link", "Copy the address of this view", () => this.copyLink()));
    row.append(button("copy code", "Copy Python code that shows this view", () => this.copyCode()));
    return row;
  }

  /** Draw again when the size or the theme changes. */
  watch() {
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.frame);
    const themed = () => { this.looks = null; this.redraw(); };
    this.theme = window.matchMedia("(prefers-color-scheme: dark)");
    this.theme.addEventListener("change", themed);
    this.mutations = new MutationObserver(themed);
    for (const element of [document.documentElement, document.body])
      this.mutations.observe(element, { attributes: true });
    this.hashed = () => this.set(readAddress());
    if (this.options.address) window.addEventListener("hashchange", this.hashed);
  }

  destroy() {
    clearInterval(this.timer);
    this.observer.disconnect();
    this.mutations.disconnect();
    window.removeEventListener("hashchange", this.hashed);
  }

  // ------------------------------------------------------------ state

  /** The run and row of a side. */
  shown(side) {
    const { run, compare_run: second } = this.state;
    return [this.runs.get(side === "right" ? second : run), this.rows[side]];
  }

  /** A run, unpacked once. */
  async open(key) {
    if (!this.runs.has(key)) {
      const run = await unpack(this.packed.get(key));
      this.runs.set(key, run);
      idle(() => this.prepare(run, 0));
    }
    return this.runs.get(key);
  }

  /** Compute the regions of a run while nothing else is to be done, a level at a time. */
  prepare(run, row) {
    if (row >= run.height || !this.root.isConnected) return;
    if (run.values[row] === "trained")
      for (const task of run.tasks) if (hasRegion(task)) regionOf(run, row, task, FINE);
    weightsAt(run, row);
    placesAt(run, row, null);
    idle(() => this.prepare(run, row + 1));
  }

  /** More runs, or other versions of some. */
  add(runs) {
    for (const run of runs) this.packed.set(run.key, run);
    this.fillLists();
  }

  /** Change what is shown. A level of null is the most telling one of its run. */
  async set(changes) {
    const state = { ...this.state, ...known(changes) };
    if (!this.packed.has(state.run)) state.run = this.state.run || [...this.packed.keys()][0];
    if (!this.packed.has(state.compare_run)) state.compare_run = state.run;
    if (!state.run) return;
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const left = this.runs.get(state.run) ?? (await this.open(state.run));
    const right = !state.compare ? null
      : this.runs.get(state.compare_run) ?? (await this.open(state.compare_run));
    if (turn !== this.turn) return; // something else was asked for meanwhile
    const before = this.runs.get(this.state.run);
    if (state.run !== this.state.run) this.stop();
    // another run with as many levels is shown at the same one
    if (state.level !== null || before?.height !== left.height)
      this.rows.left = rowOf(left, state.level);
    state.level = left.rows.level[this.rows.left];
    if (right) {
      this.rows.right = rowOf(right, state.compare_level);
      state.compare_level = right.rows.level[this.rows.right];
    }
    const alike = right && String(right.shape) === String(left.shape);
    if (!COLOURINGS[state.colours] && !(alike && state.colours === "difference"))
      state.colours = "state";
    this.colours.lastChild.hidden = !alike;
    if (state.neuron && !(state.neuron[1] < left.shape[state.neuron[0]])) state.neuron = null;
    this.state = state;
    this.write();
    this.redraw(true);
    this.options.changed?.(this.state);
    if (this.options.address) this.writeAddress();
  }

  go(row, side = "left") {
    const [run, before] = this.shown(side);
    const level = run.rows.level[clamp(row, 0, run.height - 1)];
    const changes = side === "left" ? { level } : { compare_level: level };
    if (this.state.compare && this.linked.checked) {
      const other = side === "left" ? "right" : "left", [second, at] = this.shown(other);
      const moved = second.rows.level[clamp(at + row - before, 0, second.height - 1)];
      changes[side === "left" ? "compare_level" : "level"] = moved;
    }
    this.set(changes);
  }

  step(by) { this.stop(); this.go(this.rows.left + by); }

  toSeparation() {
    const [run] = this.shown("left"), row = run.rows.status.indexOf("separated");
    if (row < 0) this.say("This run never separates.");
    else this.go(row);
  }

  choose(neuron, again = false) {
    const same = again && String(neuron) === String(this.state.neuron);
    this.set({ neuron: same ? null : neuron });
  }

  /** The unit that the finder names. */
  find() {
    const [run] = this.shown("left"), last = run.shape.length - 1;
    const words = this.finder.value.trim().toLowerCase();
    const end = /^([xy]) ?(\d+)$/.exec(words);
    const hidden = /^(?:h|layer)? ?(\d+)[., ]+(\d+)$/.exec(words);
    const neuron = end ? [end[1] === "x" ? 0 : last, end[2] - 1]
      : hidden && hidden[1] < last ? [Number(hidden[1]), hidden[2] - 1] : null;
    if (neuron && neuron[1] >= 0 && neuron[1] < run.shape[neuron[0]]) this.choose(neuron);
    else if (!words) this.choose(null);
    else {
      const inner = last > 1 ? `, h1.1 to h${last - 1}.${run.shape[last - 1]}` : "";
      this.say(`No unit ${this.finder.value}; there are x1 to x${run.shape[0]}${inner}, ` +
        `y1 to y${run.shape[last]}.`);
    }
  }

  /** The next drawn unit, or the one before. */
  nextUnit(by) {
    const [run, row] = this.shown("left"), places = placesAt(run, row, null);
    const units = [...Array(run.units).keys()].filter((u) => !isNaN(places[u]))
      .sort((a, b) => run.layerOf[a] - run.layerOf[b] || places[a] - places[b]);
    const [layer, n] = this.state.neuron ?? [0, by > 0 ? -1 : 0];
    const at = units.indexOf(run.starts[layer] + n);
    const unit = units[(at + by + units.length) % units.length];
    this.choose([run.layerOf[unit], unit - run.starts[run.layerOf[unit]]]);
  }

  // ------------------------------------------------------------ playing and keys

  play() {
    if (this.timer) { this.stop(); return; }
    const [run] = this.shown("left");
    if (this.rows.left === run.height - 1) this.go(0);
    this.timer = setInterval(() => {
      const [now, row] = this.shown("left");
      if (row + 1 >= now.height) this.stop();
      else this.go(row + 1);
    }, SPEEDS[this.speed.value]);
    this.player.textContent = "❚❚ pause";
    this.words.setAttribute("aria-live", "off");
  }

  /** Go on at another speed. */
  again() {
    if (!this.timer) return;
    this.stop();
    this.play();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.player.textContent = "▶ play";
    this.words.setAttribute("aria-live", "polite");
  }

  key(event) {
    event.stopPropagation(); // a notebook has keys of its own
    const typing = event.target.matches("select, input[type=search]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const ranged = event.target.type === "range", pressed = event.target.tagName === "BUTTON";
    const pan = (dx, dy) => () => this.panes.forEach((pane) => pane.panBy(dx, dy));
    const zoom = (factor) => () => this.panes.forEach((pane) => pane.zoomBy(factor));
    const [run] = this.shown("left");
    const plain = {
      ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1),
      Home: () => this.go(0), End: () => this.go(run.height - 1),
      ArrowUp: () => this.nextUnit(-1), ArrowDown: () => this.nextUnit(1),
      Escape: () => this.choose(null), s: () => this.toSeparation(),
      "+": zoom(1.5), "=": zoom(1.5), "-": zoom(1 / 1.5), 0: zoom(1e-9),
      " ": () => this.play(), c: () => this.nextColours(),
    };
    const shifted = {
      ArrowLeft: pan(60, 0), ArrowRight: pan(-60, 0), ArrowUp: pan(0, 60), ArrowDown: pan(0, -60),
      "+": zoom(1.5),
    };
    const right = event.target === this.sliders.right;
    const act = right ? null : (event.shiftKey ? shifted : plain)[event.key];
    if (!act || (event.key === " " && (pressed || event.target.type === "checkbox"))) return;
    if (ranged && /^Arrow(Up|Down)$/.test(event.key)) return;
    event.preventDefault();
    act();
  }

  nextColours() {
    const names = Object.keys(COLOURINGS), at = names.indexOf(this.state.colours);
    this.set({ colours: names[(at + 1) % names.length] });
  }

  // ------------------------------------------------------------ what is seen

  /** Controls and words, from the state. */
  write() {
    const { state } = this, views = [this.shown("left")];
    if (state.compare) views.push(this.shown("right"));
    this.fillLists();
    ["left", "right"].slice(0, views.length).forEach((side, n) => {
      const [run, row] = views[n], slider = this.sliders[side];
      slider.max = Math.max(1, run.height - 1);
      slider.disabled = run.height < 2;
      slider.value = row;
      slider.setAttribute("aria-valuetext", levelInWords(run, row));
      this.marks[side].textContent = `${run.rows.level[row]} / ${run.rows.level.at(-1)}`;
    });
    this.colours.value = state.colours;
    this.gone.checked = state.gone;
    this.twice.checked = state.compare;
    this.secondRow.hidden = !state.compare;
    const [run, row] = views[0];
    const words = views.map(([one, at]) => levelInWords(one, at)).join(" Right: ");
    this.words.textContent = state.compare ? `${words} ${differenceInWords(...views)}`
      : `${words} Here ${coverageInWords(run, row) || "no subnetwork is left"}.`;
    const [layer, n] = state.neuron ?? [];
    const unit = state.neuron && run.starts[layer] + n;
    this.unitWords.textContent = state.neuron ? unitInWords(run, row, unit)
      : "Hover or click a unit or a weight; arrow keys: levels, and units.";
    if (document.activeElement !== this.finder)
      this.finder.value = state.neuron ? shortName(run, state.neuron) : "";
    const whole = weightsAt(run, row).value !== null;
    this.ticketButton.disabled = !whole;
    this.ticketButton.title = whole ? "Save this level's network as an npz file"
      : "The values of this level's weights did not come with this view";
    this.said.textContent = "";
    this.arrange();
  }

  fillLists() {
    for (const [side, list] of Object.entries(this.lists)) {
      if (list.options.length !== this.packed.size) {
        const groups = new Map();
        for (const [value, run] of this.packed) {
          const name = run.group ?? "";
          if (!groups.has(name)) groups.set(name, name ? make("optgroup", { label: name }) : list);
          groups.get(name).append(make("option", { value }, run.label ?? run.title));
        }
        list.replaceChildren(...(groups.has("") ? list.children : groups.values()));
      }
      list.value = side === "left" ? this.state.run : this.state.compare_run;
    }
    this.listRow.hidden = this.packed.size < 2 || this.options.bare;
  }

  /** One canvas or two. */
  arrange() {
    const wanted = this.state.compare ? 2 : 1;
    if (wanted === this.panes.length) return;
    if (wanted === 2) this.panes.push(new Pane(this, "right"));
    else this.panes.pop();
    this.frame.replaceChildren(...this.panes.map((pane) => pane.canvas), this.tooltip);
    this.frame.classList.toggle("lth-two", wanted === 2);
  }

  /** Draw with the next frame. */
  redraw(hurried = false) {
    this.hurried = hurried;
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const [run] = this.shown("left");
      if (!run || !this.root.isConnected) return;
      if (!this.looks) {
        const dark = getComputedStyle(this.root).getPropertyValue("--lth-dark").trim() === "1";
        this.looks = looksOf(this.options.palette, dark);
      }
      for (const pane of this.panes) pane.draw(this.hurried);
      this.root.dispatchEvent(new CustomEvent("lth-drawn", { bubbles: true }));
    });
  }

  /** Draw once more, with everything, when there is time. */
  later() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.redraw(false), 30);
  }

  tip(words, event) {
    this.tooltip.hidden = !words;
    if (!words) return;
    const frame = this.frame.getBoundingClientRect();
    this.tooltip.textContent = words;
    const x = clamp(event.clientX - frame.left + 12, 0, Math.max(0, frame.width - 280));
    Object.assign(this.tooltip.style, {
      left: `${x}px`, top: `${event.clientY - frame.top + 14}px`,
    });
  }

  say(words) { this.said.textContent = words; }

  // ------------------------------------------------------------ taking it away

  name() { return `${this.state.run}-level${this.state.level}`; }

  svg() {
    const drawn = this.panes.map((pane) => pane.svg());
    const width = drawn.reduce((sum, one) => sum + one.width, 0);
    const whole = new SvgPen();
    let x = 0;
    for (const { pen, width: wide } of drawn) {
      const parts = pen.parts.map((part) => part.replaceAll("clip0", `clip${x}`));
      whole.parts.push(`<g transform="translate(${x} 0)">`, ...parts, "</g>");
      x += wide;
    }
    const height = Math.max(...drawn.map((one) => one.height));
    return whole.toString(width, height, this.words.textContent);
  }

  /** All canvases as one. */
  picture() {
    const canvases = this.panes.map((pane) => pane.canvas);
    const whole = document.createElement("canvas");
    whole.width = canvases.reduce((sum, canvas) => sum + canvas.width, 0);
    whole.height = Math.max(...canvases.map((canvas) => canvas.height));
    let x = 0;
    for (const canvas of canvases) {
      whole.getContext("2d").drawImage(canvas, x, 0);
      x += canvas.width;
    }
    return whole;
  }

  async copyPng() {
    const blob = await new Promise((done) => this.picture().toBlob(done, "image/png"));
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

  /** Python that shows this view. */
  code() {
    const { state } = this, said = [`"${state.run}"`, `level=${state.level}`];
    if (state.colours !== "state") said.push(`colours="${state.colours}"`);
    if (state.neuron) said.push(`neuron=(${state.neuron.join(", ")})`);
    if (state.compare)
      said.push(`compare=("${state.compare_run}", ${state.compare_level})`);
    const source = this.options.code ?? "lth.Store()";
    return `import lth_utils as lth\n\nlth.explore(${source}, ${said.join(", ")})\n`;
  }

  saveTicket() {
    const [run, row] = this.shown("left");
    save(ticketFile(run, row), `${this.name()}.npz`);
    this.say("Saved the ticket; lth_utils.explorer.load reads it. Values are rounded to float16.");
  }

  writeAddress() {
    clearTimeout(this.written);
    if (this.timer) return;
    this.written = setTimeout(() => {
      if (this.root.contains(document.activeElement) || location.hash.startsWith("#run="))
        history.replaceState(null, "", address(this.state));
    }, 250);
  }
}

// ---------------------------------------------------------------- small things

/** The row of a level; the most telling one where none is given. */
function rowOf(run, level) {
  if (level === null || level === undefined || isNaN(level)) return run.chosen;
  const row = run.rows.level.indexOf(Number(level));
  return row >= 0 ? row : clamp(Number(level), 0, run.height - 1);
}

/** Only what a state has. */
const known = (changes) =>
  Object.fromEntries(Object.entries(changes).filter(([name]) => name in FRESH));

/** A unit's short name, as the finder reads it. */
function shortName(run, [layer, n]) {
  if (layer === 0) return `x${n + 1}`;
  return layer === run.shape.length - 1 ? `y${n + 1}` : `h${layer}.${n + 1}`;
}

/** The page's address with a view in it. */
function address(state) {
  const parts = new URLSearchParams({ run: state.run, level: state.level });
  if (state.colours !== "state") parts.set("colours", state.colours);
  if (state.neuron) parts.set("neuron", state.neuron.join("."));
  if (state.compare) {
    parts.set("with", state.compare_run);
    parts.set("withlevel", state.compare_level);
  }
  return `${location.href.split("#")[0]}#${parts}`;
}

/** The view in the page's address. */
function readAddress() {
  if (!location.hash.startsWith("#run=")) return {};
  const parts = new URLSearchParams(location.hash.slice(1)), state = { run: parts.get("run") };
  state.level = parts.has("level") ? Number(parts.get("level")) : null;
  state.colours = parts.get("colours") ?? "state";
  const neuron = parts.get("neuron")?.split(".").map(Number);
  state.neuron = neuron?.length === 2 && neuron.every(Number.isInteger) ? neuron : null;
  state.compare = parts.has("with");
  if (state.compare) {
    state.compare_run = parts.get("with");
    state.compare_level = parts.has("withlevel") ? Number(parts.get("withlevel")) : null;
  }
  return state;
}

/** JupyterLab leaves the keys of an element with this attribute alone. */
function suppressShortcuts(event) {
  event.target.setAttribute("data-lm-suppress-shortcuts", "true");
}

/** Call when nothing else is to be done. */
function idle(act) {
  if (window.requestIdleCallback) window.requestIdleCallback(act, { timeout: 2000 });
  else setTimeout(act, 50);
}

/** Save a file. */
function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// ---------------------------------------------------------------- in a page, in a notebook

/** Fill an element of a page with the runs that are kept in it as JSON. */
export function mount(element, content) {
  const viewer = new Viewer(element, content.runs, { address: true, ...content });
  if (content.play && !matchMedia("(prefers-reduced-motion: reduce)").matches)
    viewer.ready.then(() => location.hash.startsWith("#run=") || viewer.play());
  return viewer;
}

/** The browser's part of the notebook's widget: traits and the viewer's state are one. */
function render({ model, el }) {
  const names = Object.keys(FRESH).filter((name) => name !== "run");
  const asked = () => Object.fromEntries([...names, "run"].map((name) => [name, model.get(name)]));
  let own = false; // whether a change comes from here
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
      clearTimeout(viewer?.photographed);
      if (viewer) viewer.photographed = setTimeout(photograph, 700);
    },
  });
  function photograph() {
    model.set("words", viewer.words.textContent);
    model.set("picture", viewer.picture().toDataURL("image/png"));
    model.save_changes();
  }
  const follow = () => { if (!own) viewer.set(asked()); };
  const renewed = () => { viewer.add(model.get("runs")); follow(); };
  for (const name of [...names, "run"]) model.on(`change:${name}`, follow);
  model.on("change:runs", renewed);
  const inBox = (event) => {
    if (event.target.closest?.(".lth-explorer")) suppressShortcuts(event);
  };
  document.addEventListener("focusin", inBox);
  const hidden = make("style", {}, ".lth-still { display: none }"); // the view is alive here
  document.head.append(hidden);
  viewer.ready.then(() => setTimeout(photograph, 700));
  return () => {
    viewer.destroy();
    model.off("change:runs", renewed);
    for (const name of [...names, "run"]) model.off(`change:${name}`, follow);
    document.removeEventListener("focusin", inBox);
    hidden.remove();
  };
}

export default { render };
