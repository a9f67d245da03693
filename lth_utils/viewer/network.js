// ---------------------------------------------------------------- the network

const MOST_LINES = 4000; // weights drawn at most
const MOST_NAMES = 24; // inputs or outputs that are named one by one
const EDGE = { x: 40, y: 10 }; // room for names at the left and above
const WIDTHS = 8; // widths of lines: lines of one colour and width are one path

/** Things by a key, in groups. */
function grouped(things, keyOf, partOf) {
  const groups = new Map();
  for (const thing of things) {
    const key = keyOf(thing);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(...partOf(thing));
  }
  return groups;
}

/** Draw the network of a view in a box, zoomed. Returns what a pointer can meet. */
function drawNetwork(pen, view, box, looks) {
  const { run, row, zoom, unit } = view;
  const family = unit === null ? null : familyOf(run, row, unit);
  const wide = zoom.scale * (box.width - 132), high = zoom.scale * (box.height - 56);
  const px = new Float32Array(run.units), py = new Float32Array(run.units);
  for (let u = 0; u < run.units; u++) {
    px[u] = EDGE.x + zoom.x + (wide * run.layerOf[u]) / run.last;
    py[u] = EDGE.y + zoom.y + high * heightOf(run, row, u, unit);
  }
  const drawn = { ...view, px, py, family, colouring: colouring(view, looks), high };
  const weights = chosenWeights(run, row, family);
  pen.inside({ ...box, height: box.height - 36 }, () => {
    if (view.gone) drawPruned(pen, drawn, looks);
    drawLines(pen, drawn, weights, looks);
    drawDots(pen, drawn, looks);
    nameEnds(pen, drawn, looks, box);
  });
  drawLegend(pen, view, weights, box, looks);
  return { network: box, px, py, e: weights.e, chosen: weights.chosen };
}

/** The weights to draw: at most MOST_LINES, the strongest, those of a lit family first. */
function chosenWeights(run, row, family) {
  const at = weightsAt(run, row), surplus = at.e.length - MOST_LINES;
  let chosen = [...at.e.keys()];
  if (surplus > 0) {
    const lit = (n) => (family?.[run.source[at.e[n]]] && family[run.target[at.e[n]]] ? 1 : 0);
    if (family) chosen.sort((a, b) => lit(a) - lit(b) || a - b);
    chosen = chosen.slice(surplus);
  }
  return { ...at, chosen };
}

/** The weights that this level's pruning took, faint. */
function drawPruned(pen, { run, row, px, py }, looks) {
  const taken = [...run.lifetimes.keys()]
    .filter((e) => run.lifetimes[e] === row && !isNaN(py[run.source[e]] + py[run.target[e]]));
  const ends = taken.slice(0, MOST_LINES).flatMap((e) =>
    [px[run.source[e]], py[run.source[e]], px[run.target[e]], py[run.target[e]]]);
  pen.lines(ends, looks.states[0], 0.6, { alpha: 0.7 });
}

/** Weights as lines, the thin ones below. */
function drawLines(pen, { run, px, py, family, colouring }, { e, strength, chosen }, looks) {
  const room = Math.min(1, 150 / Math.max(1, chosen.length));
  const lines = grouped(chosen, (n) => {
    const lit = !family || (family[run.source[e[n]]] && family[run.target[e[n]]]);
    return lit ? `${Math.round((WIDTHS - 1) * strength[n])} ${colouring.weight(e[n])}` : "dim";
  }, (n) => {
    const s = run.source[e[n]], t = run.target[e[n]];
    return [px[s], py[s], px[t], py[t]];
  });
  pen.lines(lines.get("dim") ?? [], looks.line, 0.6, { alpha: 0.35 });
  lines.delete("dim");
  for (const [key, ends] of [...lines].sort((a, b) => parseInt(a[0]) - parseInt(b[0]))) {
    const [width, colour] = key.split(" ");
    const wide = (0.5 + (2.7 * width) / (WIDTHS - 1)) * (0.35 + 0.65 * room);
    pen.lines(ends, colour, wide, { alpha: family ? 0.9 : 0.3 + 0.6 * room });
  }
}

/** Units as dots; a lit family keeps its colours, its unit has a ring. */
function drawDots(pen, { run, px, py, family, colouring, unit, high }, looks) {
  const seen = [...px.keys()].filter((u) => !isNaN(py[u])), counts = run.shape.map(() => 0);
  for (const u of seen) counts[run.layerOf[u]]++;
  const dots = grouped(seen, (u) => {
    const radius = clamp(Math.round((1.44 * high) / counts[run.layerOf[u]]) / 4, 1.2, 6);
    return `${radius} ${family && !family[u] ? looks.line : colouring.unit(u)}`;
  }, (u) => [[px[u], py[u]]]);
  for (const [key, centres] of dots) {
    const [radius, colour] = key.split(" ");
    pen.dots(centres, Number(radius), colour, radius > 2 ? looks.paper : undefined);
  }
  if (unit !== null) pen.dots([[px[unit], py[unit]]], 9, "transparent", looks.ink, 2.2);
}

/** Names of inputs and outputs in their tasks' colours, or their numbers where many. */
function nameEnds(pen, { run, px, py }, looks, box) {
  const outputs = run.starts[run.last];
  if (Math.max(run.shape[0], run.shape[run.last]) > MOST_NAMES) {
    const look = { colour: looks.soft, align: "center" }, y = box.height - 41;
    pen.text(px[0], y, `${run.shape[0]} inputs`, look);
    pen.text(px[outputs], y, plural(run.shape[run.last], "output"), look);
    return;
  }
  run.tasks.forEach((task, k) => {
    const look = { colour: looks.texts[k % looks.texts.length], bold: true };
    for (const i of task.inputs)
      pen.text(px[i] - 11, py[i], `x${i + 1}`, { ...look, align: "right" });
    for (const o of task.outputs)
      pen.text(px[outputs + o] + 11, py[outputs + o], `y${o + 1} ${short(task.name)}`, look);
  });
}

const short = (name) => (name.length > 8 ? `${name.slice(0, 7)}…` : name);

/** What colours and widths mean, and how many weights are left out. */
function drawLegend(pen, { run, row, colours }, { chosen, total }, box, looks) {
  let x = box.x + 6;
  const y = box.y + box.height - 24, known = run.values[row];
  for (const [word, colour] of legendOf(run, colours, looks)) {
    pen.dots([[x + 5, y]], 5, colour);
    pen.text(x + 14, y, word, { colour: looks.ink });
    x += 30 + 7 * word.length;
  }
  const width = known ? "width: magnitude of the weight" : "width: how long the weight lasts";
  const first = known ? "largest" : "that last longest";
  const note = chosen.length < total
    ? `${chosen.length} of ${total} weights drawn, those ${first} first` : width;
  pen.text(box.x + 6, y + 17, note, { size: 11, colour: looks.soft });
}
