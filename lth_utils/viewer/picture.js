// ---------------------------------------------------------------- pens: canvas and SVG

/** Draws on a canvas. */
class CanvasPen {
  constructor(context) { this.context = context; }
  lines(ends, colour, width, alpha = 1) {
    const c = this.context;
    c.beginPath();
    for (let n = 0; n < ends.length; n += 4) {
      c.moveTo(ends[n], ends[n + 1]);
      c.lineTo(ends[n + 2], ends[n + 3]);
    }
    this.stroke(colour, width, alpha);
  }
  path(points, colour, width, dash = []) {
    const c = this.context;
    c.beginPath();
    points.forEach(([x, y], n) => (n ? c.lineTo(x, y) : c.moveTo(x, y)));
    c.setLineDash(dash);
    this.stroke(colour, width, 1);
    c.setLineDash([]);
  }
  stroke(colour, width, alpha) {
    Object.assign(this.context, { strokeStyle: colour, lineWidth: width, globalAlpha: alpha });
    this.context.stroke();
    this.context.globalAlpha = 1;
  }
  dots(centres, radius, fill, edge, width = 0.8) {
    const c = this.context;
    c.beginPath();
    for (const [x, y] of centres) {
      c.moveTo(x + radius, y);
      c.arc(x, y, radius, 0, 2 * Math.PI);
    }
    if (fill) { c.fillStyle = fill; c.fill(); }
    if (edge) this.stroke(edge, width, 1);
  }
  rect(x, y, width, height, fill) {
    this.context.fillStyle = fill;
    this.context.fillRect(x, y, width, height);
  }
  text(x, y, words, { size = 12, colour, align = "left", bold = false, turned = false }) {
    const c = this.context;
    c.save();
    c.translate(x, y);
    if (turned) c.rotate(-Math.PI / 2);
    c.font = `${bold ? "600 " : ""}${size}px system-ui, sans-serif`;
    Object.assign(c, { fillStyle: colour, textAlign: align, textBaseline: "middle" });
    c.fillText(words, 0, 0);
    c.restore();
  }
  image(picture, x, y, width, height, smooth) {
    this.context.imageSmoothingEnabled = smooth;
    this.context.drawImage(picture, x, y, width, height);
  }
  inside(x, y, width, height, draw) {
    const c = this.context;
    c.save();
    c.beginPath();
    c.rect(x, y, width, height);
    c.clip();
    draw();
    c.restore();
  }
}

/** Writes SVG; the same methods. */
class SvgPen {
  constructor() { this.parts = []; this.clips = 0; }
  add(tag, attributes, content = "") {
    const text = Object.entries(attributes)
      .map(([name, value]) => ` ${name}="${typeof value === "number" ? round(value) : value}"`);
    this.parts.push(`<${tag}${text.join("")}>${content}</${tag}>`);
  }
  lines(ends, colour, width, alpha = 1) {
    let d = "";
    for (let n = 0; n < ends.length; n += 4)
      d += `M${round(ends[n])} ${round(ends[n + 1])}L${round(ends[n + 2])} ${round(ends[n + 3])}`;
    const look = { stroke: colour, "stroke-width": width, "stroke-opacity": alpha };
    this.add("path", { d, fill: "none", ...look });
  }
  path(points, colour, width, dash = []) {
    const d = points.map(([x, y], n) => `${n ? "L" : "M"}${round(x)} ${round(y)}`).join("");
    const look = { stroke: colour, "stroke-width": width, "stroke-dasharray": dash.join(" ") };
    this.add("path", { d, fill: "none", ...look });
  }
  dots(centres, r, fill, edge, width = 0.8) {
    const look = { fill: fill || "none", stroke: edge || "none", "stroke-width": width };
    for (const [cx, cy] of centres) this.add("circle", { cx, cy, r, ...look });
  }
  rect(x, y, width, height, fill) { this.add("rect", { x, y, width, height, fill }); }
  text(x, y, words, { size = 12, colour, align = "left", bold = false, turned = false }) {
    const anchor = { left: "start", center: "middle", right: "end" }[align];
    const look = { "font-size": size, "text-anchor": anchor, "font-weight": bold ? 600 : 400 };
    const turn = turned ? { transform: `rotate(-90 ${round(x)} ${round(y)})` } : {};
    const place = { x, y, "dominant-baseline": "central", fill: colour };
    this.add("text", { ...place, "font-family": "system-ui, sans-serif", ...look, ...turn },
      escaped(words));
  }
  image(picture, x, y, width, height, smooth) {
    const look = { preserveAspectRatio: "none", href: picture.toDataURL() };
    if (!smooth) look.style = "image-rendering:pixelated";
    this.add("image", { x, y, width, height, ...look });
  }
  inside(x, y, width, height, draw) {
    const id = `clip${this.clips++}`;
    this.add("clipPath", { id }, `<rect x="${x}" y="${y}" width="${width}" height="${height}"/>`);
    this.parts.push(`<g clip-path="url(#${id})">`);
    draw();
    this.parts.push("</g>");
  }
  toString(width, height, title) {
    const size = `width="${round(width)}" height="${round(height)}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${round(width)} ` +
      `${round(height)}" role="img"><title>${escaped(title)}</title>${this.parts.join("")}</svg>`;
  }
}

const round = (n) => Math.round(n * 100) / 100;
const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

// ---------------------------------------------------------------- colours

/** A colour mixed with another one; share 1 is the colour itself. */
function mix(colour, other, share) {
  const read = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const [a, b] = [read(colour), read(other)];
  const mixed = a.map((v, n) => Math.round(share * v + (1 - share) * b[n]));
  return `#${mixed.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
}

/** All colours of a picture; palette: of the figures, which are made for white paper. */
function looksOf(palette, dark) {
  const fit = (colour) => (dark ? mix(colour, "#ffffff", 0.58) : colour);
  const text = (colour) => (dark ? mix(colour, "#ffffff", 0.6) : mix(colour, "#000000", 0.62));
  const each = (colours, change) =>
    Object.fromEntries(Object.entries(colours).map(([name, colour]) => [name, change(colour)]));
  return {
    ink: dark ? "#e8ecef" : "#1d2328", soft: dark ? "#a9b3bb" : "#545f68",
    paper: dark ? "#14181b" : "#ffffff", line: dark ? "#48525a" : "#c3cad0",
    states: [dark ? "#5d666d" : palette.states[0], ...palette.states.slice(1).map(fit)],
    statuses: each(palette.statuses, fit), words: each(palette.statuses, text),
    tasks: palette.tasks.map(fit),
    several: dark ? "#8d969d" : "#777777", none: dark ? "#5d666d" : "#bbbbbb",
    only: dark ? "#ff9a4d" : "#d55e00",
  };
}

const taskColour = (looks, k) => looks.tasks[k % looks.tasks.length];

/** The colours of units and weights, as two functions; other: the row of the compared run. */
function colouring(run, row, name, looks, other) {
  const oneOf = (tasks) => {
    const served = tasks.flatMap((yes, k) => (yes ? [k] : []));
    if (served.length !== 1) return served.length ? looks.several : looks.none;
    return taskColour(looks, served[0]);
  };
  if (name === "difference" && other) {
    const [theirs, theirRow] = other;
    const shared = new Set();
    for (const e of weightsAt(theirs, theirRow).e)
      shared.add(theirs.source[e] * theirs.units + theirs.target[e]);
    return {
      unit: () => looks.several,
      weight: (e) =>
        shared.has(run.source[e] * run.units + run.target[e]) ? looks.none : looks.only,
    };
  }
  if (name === "subnetwork") {
    const served = run.coverage[row].map((shares) => oneOf(shares.map((share) => share > 0)));
    const unit = (u) => served[subnetworkOf(run, row, u)] ?? looks.none;
    const weight = (e) => {
      if (weightState(run, row, e) !== ACTIVE) return looks.none;
      const from = unit(run.source[e]);
      return from === looks.none ? unit(run.target[e]) : from;
    };
    return { unit, weight };
  }
  if (name === "task") {
    const led = (u) => oneOf(run.tasks.map((_, k) => (leadsOf(run, row, u) >>> k) & 1));
    return { unit: led, weight: (e) => led(run.target[e]) };
  }
  return {
    unit: (u) => looks.states[stateOf(run, row, u)],
    weight: (e) => looks.states[weightState(run, row, e)],
  };
}

/** What the colours mean: pairs of a word and a colour. */
function legendOf(run, name, looks) {
  if (name === "state") return [1, 2, 3].map((n) => [STATES[n], looks.states[n]]);
  if (name === "difference") return [["only here", looks.only], ["on both sides", looks.none]];
  const tasks = run.tasks.map((task, k) => [task.name, taskColour(looks, k)]);
  const nowhere = name === "task" ? "no output" : "no subnetwork";
  return [...tasks.slice(0, 6), ["several", looks.several], [nowhere, looks.none]];
}

// ---------------------------------------------------------------- one picture

/** Where the parts of a picture stand, in a box of so many pixels. */
function layOut(width, height) {
  if (width >= 700 || height < 0.9 * width) {
    const network = { x: 0, y: 44, width: Math.round(0.56 * width), height: height - 44 };
    const x = network.width + 24, w = width - x - 6;
    const top = Math.round(0.5 * height), curves = Math.round((height - top) / 2);
    return {
      network, tasks: { x, y: 20, width: w, height: top - 20 },
      weights: { x, y: top, width: w, height: curves },
      scores: { x, y: top + curves, width: w, height: curves },
    };
  }
  const network = { x: 0, y: 44, width, height: Math.round(0.44 * height) };
  const y = network.y + network.height, rest = height - y;
  return {
    network, tasks: { x: 6, y: y + 22, width: width - 12, height: 0.42 * rest - 22 },
    weights: { x: 6, y: y + 0.42 * rest, width: width - 12, height: 0.29 * rest },
    scores: { x: 6, y: y + 0.71 * rest, width: width - 12, height: 0.29 * rest },
  };
}

/** Draw one run at one row; what is asked for is in `view`. Returns what a pointer can meet. */
function drawPicture(pen, view, width, height, looks) {
  const { run, row } = view, places = layOut(width, height), status = run.rows.status[row];
  pen.rect(0, 0, width, height, looks.paper);
  const level = `level ${run.rows.level[row]} of ${run.rows.level.at(-1)}`;
  const title = `${run.title} · ${level}`;
  pen.text(4, 12, 7.4 * title.length < places.network.width ? title : level, { size: 13, colour: looks.ink, bold: true });
  pen.text(4, 31, status, { size: 13, colour: looks.words[status] ?? looks.ink, bold: true });
  const about = `${run.rows.active[row]} of ${run.rows.available[row]} weights active`;
  pen.text(14 + 8.2 * status.length, 31, about, { colour: looks.soft });
  const met = drawNetwork(pen, view, places.network, looks);
  drawTasks(pen, view, places.tasks, looks);
  const counts = ["available", "active", "inactive", "zombie"].map((name, n) => ({
    name, values: run.rows[name], dash: [[], [], [5, 3], [2, 2]][n],
    colour: n ? looks.states[n] : looks.ink,
  }));
  const scores = run.tasks.slice(0, 6).map((task, k) => ({
    name: task.name, values: run.rows[`${task.score}_${task.name}`],
    colour: taskColour(looks, k), dash: [[], [5, 3], [2, 2]][k % 3],
  })).filter((series) => series.values);
  met.curves = [
    drawCurves(pen, view, places.weights, "weights", counts, looks, true),
    drawCurves(pen, view, places.scores, run.tasks[0].score, scores, looks, false),
  ];
  return met;
}

/** The weights to draw: at most MOST_LINES, the strongest, those of a lit family first. */
function chosenWeights(run, row, family) {
  const at = weightsAt(run, row), count = at.e.length;
  let chosen = [...at.e.keys()];
  if (count > MOST_LINES) {
    const lit = (n) => family?.[run.source[at.e[n]]] && family[run.target[at.e[n]]];
    if (family) chosen.sort((a, b) => (lit(a) ? 1 : 0) - (lit(b) ? 1 : 0) || a - b);
    chosen = chosen.slice(count - MOST_LINES);
  }
  return { ...at, chosen };
}

/** The lines, dots and names of a network, zoomed. */
function drawNetwork(pen, view, box, looks) {
  const { run, row, zoom } = view, unit = view.unit ?? null;
  const family = unit === null ? null : familyOf(run, row, unit);
  const places = placesAt(run, row, unit), last = run.shape.length - 1;
  const left = 40, right = 92, top = 10, bottom = 46;
  const inner = { width: box.width - left - right, height: box.height - top - bottom };
  const x = (layer) => box.x + left + zoom.x + (zoom.scale * inner.width * layer) / last;
  const y = (place) => box.y + top + zoom.y + zoom.scale * inner.height * place;
  const px = new Float32Array(run.units), py = new Float32Array(run.units);
  for (let u = 0; u < run.units; u++) { px[u] = x(run.layerOf[u]); py[u] = y(places[u]); }
  const colours = colouring(run, row, view.colours, looks, view.other);
  const { e, strength, chosen, total } = chosenWeights(run, row, family);
  pen.inside(box.x, box.y, box.width, box.height - 36, () => {
    if (view.gone) drawPruned(pen, run, row, px, py, looks);
    drawLines(pen, { run, e, strength, chosen, px, py, colours, family, looks });
    const height = zoom.scale * inner.height;
    drawDots(pen, { run, places, px, py, colours, family, unit, looks, height });
    nameEnds(pen, run, px, py, looks, box);
  });
  const y2 = box.y + box.height - 24;
  let at = box.x + 6;
  for (const [word, colour] of legendOf(run, view.colours, looks)) {
    pen.dots([[at + 5, y2]], 5, colour);
    pen.text(at + 14, y2, word, { colour: looks.ink });
    at += 26 + 6.8 * word.length;
  }
  const said = chosen.length < total ? `${chosen.length} of ${total} weights drawn, ` +
    `those ${run.values[row] ? "largest" : "that last longest"} first` : "";
  const note = said || (run.values[row] ? "width: magnitude of the weight"
    : "width: how long the weight lasts");
  pen.text(box.x + 6, y2 + 17, note, { size: 11, colour: looks.soft });
  return { box, px, py, places, e, chosen };
}

/** The weights that this level's pruning took, faint. */
function drawPruned(pen, run, row, px, py, looks) {
  const ends = [];
  for (let e = 0; e < run.lifetimes.length && ends.length < 4 * MOST_LINES; e++) {
    const [s, t] = [run.source[e], run.target[e]];
    if (run.lifetimes[e] === row && !isNaN(py[s]) && !isNaN(py[t]))
      ends.push(px[s], py[s], px[t], py[t]);
  }
  pen.lines(ends, looks.states[0], 0.6, 0.7);
}

/** Lines of one colour and width are one path. */
function drawLines(pen, { run, e, strength, chosen, px, py, colours, family, looks }) {
  const groups = new Map(), room = Math.min(1, 150 / Math.max(1, chosen.length));
  for (const n of chosen) {
    const one = e[n], s = run.source[one], t = run.target[one];
    const lit = !family || (family[s] && family[t]);
    const width = lit ? Math.round((WIDTHS - 1) * strength[n]) : -1;
    const key = lit ? `${width} ${colours.weight(one)}` : "dim";
    if (!groups.has(key)) groups.set(key, { width, colour: colours.weight(one), ends: [] });
    groups.get(key).ends.push(px[s], py[s], px[t], py[t]);
  }
  const sorted = [...groups.values()].sort((a, b) => a.width - b.width);
  for (const { width, colour, ends } of sorted) {
    if (width < 0) pen.lines(ends, looks.line, 0.6, 0.35);
    else {
      const wide = (0.5 + (2.7 * width) / (WIDTHS - 1)) * (0.35 + 0.65 * room);
      pen.lines(ends, colour, wide, family ? 0.9 : 0.3 + 0.6 * room);
    }
  }
}

/** Units as dots; a lit family keeps its colours, its unit has a ring. */
function drawDots(pen, { run, places, px, py, colours, family, unit, looks, height }) {
  const groups = new Map(), counts = run.shape.map(() => 0);
  for (let u = 0; u < run.units; u++) if (!isNaN(places[u])) counts[run.layerOf[u]]++;
  for (let u = 0; u < run.units; u++) {
    if (isNaN(places[u])) continue;
    const room = height / counts[run.layerOf[u]];
    const radius = Math.max(1.2, Math.min(6, Math.round(4 * 0.36 * room) / 4));
    const colour = family && !family[u] ? looks.line : colours.unit(u);
    const key = `${radius} ${colour}`;
    if (!groups.has(key)) groups.set(key, { radius, colour, centres: [] });
    groups.get(key).centres.push([px[u], py[u]]);
  }
  for (const { radius, colour, centres } of groups.values())
    pen.dots(centres, radius, colour, radius > 2 ? looks.paper : null);
  if (unit !== null) pen.dots([[px[unit], py[unit]]], 9, null, looks.ink, 2.2);
}

/** Names of inputs and outputs in their tasks' colours, or their numbers where many. */
function nameEnds(pen, run, px, py, looks, box) {
  const last = run.starts.at(-1);
  if (run.shape[0] > MOST_NAMES || run.shape.at(-1) > MOST_NAMES) {
    const look = { colour: looks.soft, align: "center", turned: true };
    const y = box.y + box.height / 2.4;
    pen.text(px[0] - 20, y, `${run.shape[0]} inputs`, look);
    pen.text(px[last] + 20, y, plural(run.shape.at(-1), "output"), look);
    return;
  }
  run.tasks.forEach((task, k) => {
    const colour = taskColour(looks, k);
    for (const i of task.inputs)
      pen.text(px[i] - 11, py[i], `x${i + 1}`, { colour, align: "right", bold: true });
    for (const o of task.outputs) {
      const name = task.name.length > 8 ? `${task.name.slice(0, 7)}…` : task.name;
      pen.text(px[last + o] + 11, py[last + o], `y${o + 1} ${name}`, { colour, bold: true });
    }
  });
}

/** What each task's outputs say: regions of two inputs, pixels of images, or a sentence. */
function drawTasks(pen, view, box, looks) {
  const { run, row } = view, shown = run.tasks.filter((task) => task.side || hasRegion(task));
  const lacking = run.tasks.filter((task) => !shown.slice(0, 3).includes(task));
  if (lacking.length) {
    const names = lacking.slice(0, 3).map((task) => task.name).join(", ");
    const more = lacking.length > 3 ? ` and ${lacking.length - 3} more` : "";
    const place = shown.length ? box.y + box.height - 6 : box.y + 20;
    const words = `no region of ${names}${more}: only of two inputs and two classes`;
    pen.text(box.x, place, words, { size: 11, colour: looks.soft });
  }
  if (!shown.length) return;
  const columns = Math.min(shown.length, 3), gap = 14;
  const side = Math.min((box.width - gap * (columns - 1)) / columns, box.height - 20);
  shown.slice(0, 3).forEach((task, n) => {
    const k = run.tasks.indexOf(task), x = box.x + n * (side + gap);
    const score = run.rows[`${task.score}_${task.name}`]?.[row];
    const word = side < 175 ? "" : `: ${task.score}`;
    const title = score == null ? task.name : `${task.name}${word} ${percent(score)}`;
    pen.text(x, box.y - 8, title, { size: 12, colour: looks.ink });
    const place = { x, y: box.y, width: side, height: side };
    if (task.side) drawPixels(pen, view, task, place, looks);
    else if (run.values[row] === "trained") drawRegion(pen, view, task, k, place, looks);
    else pen.text(x, box.y + 20, "values of this level were not kept",
      { size: 11, colour: looks.soft });
  });
}

/** A small canvas with one colour per point; colour: of a point's number. */
function raster(side, colour) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = canvas.getContext("2d"), picture = context.createImageData(side, side);
  for (let p = 0; p < side * side; p++) {
    const hex = colour(p);
    for (let c = 0; c < 3; c++)
      picture.data[4 * p + c] = parseInt(hex.slice(1 + 2 * c, 3 + 2 * c), 16);
    picture.data[4 * p + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
  return canvas;
}

/** Where an output says class 1, coarse at first if it was not computed yet. */
function drawRegion(pen, view, task, k, box, looks) {
  const { run, row } = view, own = taskColour(looks, k);
  const known = run.memory.has(`region of ${task.name} ${FINE} ${row}`);
  const side = known || !view.hurried ? FINE : COARSE;
  if (side === COARSE) view.coarse = true;
  const region = regionOf(run, row, task, side);
  const picture = remembered(run, row, `raster of ${task.name} ${side} ${looks.paper}`, () => {
    const shades = [...Array(21).keys()].map((n) =>
      n < 10 ? mix(own, looks.paper, 0.042 * (10 - n)) : mix(own, looks.paper, 0.012 * (n - 10)));
    return raster(side, (p) => shades[Math.round(20 * region[p])] ?? looks.paper);
  });
  pen.image(picture, box.x, box.y, box.width, box.height, true);
  drawPoints(pen, view, task, k, box, looks);
  const border = remembered(run, row, `border of ${task.name} ${side}`,
    () => borderOf(region, side));
  const placed = (v, n) => (n % 2 ? box.y + v * box.height : box.x + v * box.width);
  pen.lines(border.map(placed), own, 1.8);
  pen.text(box.x + box.width - 3, box.y + box.height - 8, `x${task.inputs[0] + 1}`,
    { size: 11, colour: looks.ink, align: "right" });
  pen.text(box.x + 4, box.y + 9, `x${task.inputs[1] + 1}`, { size: 11, colour: looks.ink });
}

/** Points of the test split: filled where the label is 0, hollow where it is 1. */
function drawPoints(pen, { run }, task, k, box, looks) {
  if (!run.points) return;
  const [left, right, bottom, top] = extentOf(run, task), classes = [[], []];
  for (let p = 0; p * run.shape[0] < run.points.length; p++) {
    const [a, b] = task.inputs.map((input) => run.points[p * run.shape[0] + input]);
    const label = run.labels[p * run.tasks.length + k];
    classes[label]?.push([
      box.x + (box.width * (a - left)) / (right - left),
      box.y + (box.height * (top - b)) / (top - bottom),
    ]);
  }
  pen.dots(classes[0], 1.6, taskColour(looks, k));
  pen.dots(classes[1], 1.8, looks.paper, taskColour(looks, k));
}

/** How many active weights leave each pixel of a task's image, in the colour of the unit. */
function drawPixels(pen, view, task, box, looks) {
  const { run, row } = view, degrees = run.degrees.subarray(row * run.shape[0]);
  const own = task.inputs.map((input) => degrees[input]), most = Math.max(2, ...own);
  const colours = colouring(run, row, view.colours, looks, view.other);
  const what = `pixels of ${task.name} ${view.colours} ${looks.paper}`;
  const picture = remembered(run, row, what, () => raster(task.side, (p) => (own[p]
    ? mix(colours.unit(task.inputs[p]), looks.paper, 0.35 + (0.65 * own[p]) / most)
    : mix(looks.line, looks.paper, 0.35))));
  pen.image(picture, box.x, box.y, box.width, box.height, false);
  const used = own.filter(Boolean).length, sum = own.reduce((a, b) => a + b, 0);
  const short = `${used} of ${own.length} pixels`;
  const words = box.width < 210 ? short : `${sum} active weights at ${short}`;
  pen.text(box.x, box.y + box.height + 9, words, { size: 11, colour: looks.soft });
}

/** Curves over the levels with a mark at the present one, and the statuses as a band above. */
function drawCurves(pen, view, box, title, series, looks, logarithmic) {
  const { run, row } = view, left = 44, top = 26, right = 76, bottom = 18;
  const inner = {
    x: box.x + left, y: box.y + top,
    width: box.width - left - right, height: Math.max(10, box.height - top - bottom),
  };
  const step = inner.width / run.height, x = (n) => inner.x + step * (n + 0.5);
  pen.text(box.x, box.y + 9, title, { colour: looks.ink, bold: true });
  if (!series.length) {
    pen.text(box.x, box.y + 28, "did not come with these tickets", { colour: looks.soft });
    return { ...inner, step };
  }
  const all = series.flatMap(({ values }) => values).filter((v) => v !== null);
  const scale = logarithmic ? (v) => Math.log10(1 + v) : (v) => v;
  const low = logarithmic ? 0 : Math.min(...all), high = Math.max(...all, low + 1e-9);
  const range = scale(high) - scale(low) || 1;
  const y = (v) => inner.y + inner.height * (1 - (scale(v) - scale(low)) / range);
  run.rows.status.forEach((word, n) =>
    pen.rect(x(n) - step / 2, inner.y - 9, Math.max(1, step - 1), 6, looks.statuses[word]));
  for (const value of [low, high]) {
    const words = logarithmic ? String(value) : percent(value);
    pen.text(inner.x - 5, y(value), words, { size: 11, colour: looks.soft, align: "right" });
    pen.lines([inner.x, y(value), inner.x + inner.width, y(value)], looks.line, 0.7);
  }
  const y2 = inner.y + inner.height + 10;
  for (const n of new Set([0, run.height - 1]))
    pen.text(x(n), y2, `${n ? "" : "level "}${run.rows.level[n]}`,
      { size: 11, colour: looks.soft, align: n ? "center" : "left" });
  pen.lines([x(row), inner.y - 12, x(row), inner.y + inner.height], looks.ink, 1.2);
  series.forEach(({ name, values, colour, dash }, n) => {
    const points = values.flatMap((v, at) => (v === null ? [] : [[x(at), y(v)]]));
    pen.path(points, colour, 1.8, dash);
    if (values[row] !== null) pen.dots([[x(row), y(values[row])]], 3.5, colour, looks.paper);
    const place = inner.y + 5 + 14 * n, end = inner.x + inner.width;
    pen.path([[end + 6, place], [end + 20, place]], colour, 1.8, dash);
    pen.text(end + 24, place, name.length > 9 ? `${name.slice(0, 8)}…` : name,
      { size: 11, colour: looks.ink });
  });
  return { ...inner, step };
}

// ---------------------------------------------------------------- a ticket as a file

/** A ticket as the npz file that `lth_utils.explorer.load` reads. */
export function ticketFile(run, row) {
  const { e, value, biases } = weightsAt(run, row), trained = run.values[row] === "trained";
  const mask = new Uint8Array(Math.ceil(run.total / 8));
  const count = run.total + biases.length, values = new Float32Array(count);
  const unknown = new Float32Array(count), positions = run.index.slice();
  for (let n = 1; n < positions.length; n++) positions[n] += positions[n - 1];
  e.forEach((one, n) => {
    const at = positions[one];
    mask[at >> 3] |= 128 >> (at & 7);
    values[at] = value[n];
    unknown[at] = NaN;
  });
  values.set(biases, run.total);
  unknown.fill(NaN, run.total);
  const about = {
    kind: "lth_utils ticket 2", shape: run.shape, tasks: run.plain, seed: run.seed,
    level: run.rows.level[row], values: "rounded to float16",
  };
  const letters = Uint32Array.from(JSON.stringify(about), (c) => c.codePointAt(0));
  return zipped({
    about: npy(`<U${letters.length}`, "", letters),
    mask: npy("|u1", `${mask.length},`, mask),
    initial: npy("<f4", `${count},`, trained ? unknown : values),
    ...(trained ? { trained: npy("<f4", `${count},`, values) } : {}),
  });
}

/** An array as the bytes of an npy file. */
function npy(type, shape, array) {
  const head = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;
  const padded = head.padEnd(Math.ceil((head.length + 11) / 64) * 64 - 11) + "\n";
  const start = [0x93, ...new TextEncoder().encode("NUMPY")];
  const size = [1, 0, padded.length & 255, padded.length >> 8];
  const before = [...start, ...size, ...new TextEncoder().encode(padded)];
  const file = new Uint8Array(before.length + array.byteLength);
  file.set(before);
  file.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), before.length);
  return file;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** Arrays as an uncompressed zip archive. */
function zipped(files) {
  const parts = [], directory = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const text = new TextEncoder().encode(`${name}.npy`);
    let crc = -1;
    for (const byte of content) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
    const shared = [20, 0, 0, 0, 33]; // version, flags, stored, time and date
    const sizes = [(crc ^ -1) >>> 0, content.length, content.length];
    const lengths = [text.length, 0];
    parts.push(numbers([0x04034b50], shared, sizes, lengths), text, content);
    const more = [...lengths, 0, 0, 0];
    directory.push(numbers([0x02014b50], [20, ...shared], sizes, more, [0, offset]), text);
    offset += 30 + text.length + content.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0), n = directory.length / 2;
  const end = numbers([0x06054b50], [0, 0, n, n], [size, offset], [0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Lists of numbers as little-endian bytes, in turns of four bytes and of two each. */
function numbers(...lists) {
  const bytes = [];
  lists.forEach((list, turn) => {
    const width = turn % 2 ? 2 : 4;
    for (const n of list) for (let b = 0; b < width; b++) bytes.push((n >>> (8 * b)) & 255);
  });
  return Uint8Array.from(bytes);
}
