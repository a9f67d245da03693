// The viewer of pruned networks: one run, level after level, drawn as vectors on a canvas.
//
// Used twice, without a framework and without any request: inlined into pages (`mount`), and as the
// browser's part of the notebook's widget (the default export, for anywidget). What is known of the
// graph (states, subnetworks, tasks led to) comes with the run; here it is only drawn, and outputs
// are computed from the values of the weights.

const ACTIVE = 1, INACTIVE = 2;
const STATES = ["pruned", "active", "inactive", "zombie"];
const MOST_LINES = 4000; // weights drawn at most
const MOST_NAMES = 24; // inputs or outputs that are named one by one
const WIDTHS = 8; // widths of lines: lines of one colour and width are one path
const FINE = 36, COARSE = 12; // points per side of a decision region, at once and soon after
const SPEEDS = { "½×": 1600, "1×": 800, "2×": 400, "4×": 200 }; // milliseconds per level
const COLOURINGS = {
  state: "state of each weight",
  subnetwork: "subnetwork, by the task it serves",
  task: "task whose outputs it leads to",
};
const DIFFERENCE = "weights that only one side has";

// ---------------------------------------------------------------- what a run is in memory

/** Bytes from base64 of zlib. */
async function inflate(text) {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** A number from its 16 bits. */
function half(bits) {
  const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, rest = (bits & 1023) / 1024;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + rest) : sign * 2 ** -14 * rest;
}

const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i2: Int16Array, f2: Uint16Array };

/** A run ready to be drawn, from what `pack` in Python made of it. */
export async function unpack(packed) {
  const buffer = await inflate(packed.data), parts = {};
  let offset = 0;
  for (const [name, type, length] of packed.parts) {
    const array = new TYPES[type](buffer, offset, length);
    parts[name] = type === "f2" ? Float32Array.from(array, half) : array;
    offset += Math.ceil((length * array.BYTES_PER_ELEMENT) / 4) * 4;
  }
  const run = { ...packed, ...parts, memory: new Map() };
  run.starts = [0]; // of each layer's units
  for (const width of run.shape) run.starts.push(run.starts.at(-1) + width);
  run.units = run.starts.pop();
  run.layerOf = new Uint8Array(run.units);
  run.shape.forEach((width, n) => run.layerOf.fill(n, run.starts[n], run.starts[n] + width));
  readWeights(run);
  run.height = run.rows.level.length;
  delete run.data;
  return run;
}

/** Source and target unit of each weight that travelled, by its position. */
function readWeights(run) {
  const count = run.index.length;
  run.source = new Uint32Array(count);
  run.target = new Uint32Array(count);
  let position = 0, layer = 0, start = 0;
  for (let e = 0; e < count; e++) {
    position += run.index[e];
    while (position >= start + run.shape[layer] * run.shape[layer + 1]) {
      start += run.shape[layer] * run.shape[layer + 1];
      layer++;
    }
    const inside = position - start;
    run.source[e] = run.starts[layer] + (inside % run.shape[layer]);
    run.target[e] = run.starts[layer + 1] + Math.floor(inside / run.shape[layer]);
  }
}

/** What is computed once for a run and row. */
function remembered(run, row, what, make) {
  const key = `${what} ${row}`;
  if (!run.memory.has(key)) run.memory.set(key, make());
  return run.memory.get(key);
}

/** The weights available at a row, those of the smallest strength (0 to 1) first. */
function weightsAt(run, row) {
  return remembered(run, row, "weights", () => {
    const values = run.values[row] ? run[`values${row}`] : null;
    const largest = new Float32Array(run.shape.length), at = [];
    for (let e = 0; e < run.lifetimes.length; e++) if (run.lifetimes[e] > row) at.push(e);
    const size = Float32Array.from(at, (e, n) => (values ? Math.abs(values[n]) : run.lifetimes[e]));
    at.forEach((e, n) => {
      const layer = run.layerOf[run.source[e]];
      largest[layer] = Math.max(largest[layer], size[n]);
    });
    at.forEach((e, n) => { size[n] /= largest[run.layerOf[run.source[e]]] || 1; });
    const order = Uint32Array.from(at.keys()).sort((a, b) => size[a] - size[b]);
    return {
      e: Uint32Array.from(order, (n) => at[n]),
      strength: Float32Array.from(order, (n) => size[n]),
      value: values ? Float32Array.from(order, (n) => values[n]) : null,
      biases: values ? values.subarray(at.length) : null, // of all units but the inputs
      total: run.rows.available[row],
    };
  });
}

const stateOf = (run, row, unit) => run.states[row * run.units + unit];
const subnetworkOf = (run, row, unit) => run.subnetworks[row * run.units + unit];
const leadsOf = (run, row, unit) => run.leads[row * run.units + unit];

/** The state of an available weight: it leads nowhere if its target does, else as its source. */
function weightState(run, row, e) {
  const target = stateOf(run, row, run.target[e]);
  return target === INACTIVE ? INACTIVE : stateOf(run, row, run.source[e]);
}

/** A unit with its ancestors and descendants: 1 for each of them. */
function familyOf(run, row, unit) {
  return remembered(run, row, `family of ${unit}`, () => {
    const family = new Uint8Array(run.units), { e } = weightsAt(run, row);
    const byLayer = run.shape.map(() => []);
    for (const one of e) byLayer[run.layerOf[run.source[one]]].push(one);
    const own = run.layerOf[unit];
    family[unit] = 1;
    for (let n = own; n < run.shape.length - 1; n++)
      for (const one of byLayer[n]) if (family[run.source[one]]) family[run.target[one]] = 1;
    for (let n = own - 1; n >= 0; n--)
      for (const one of byLayer[n]) if (family[run.target[one]]) family[run.source[one]] = 1;
    return family;
  });
}

/** Height of each unit that is drawn, 0 at the top to 1, NaN for others; a gap between parts. */
function placesAt(run, row, unit) {
  return remembered(run, row, unit === null ? "places" : `places with ${unit}`, () => {
    const places = new Float32Array(run.units).fill(NaN), touched = new Uint8Array(run.units);
    for (const e of weightsAt(run, row).e) touched[run.source[e]] = touched[run.target[e]] = 1;
    if (unit !== null) touched[unit] = 1;
    run.shape.forEach((width, layer) => {
      const start = run.starts[layer];
      if (layer === 0 || layer === run.shape.length - 1) {
        for (let u = 0; u < width; u++) places[start + u] = (u + 0.5) / width;
        return;
      }
      const here = [];
      for (let u = start; u < start + width; u++) if (touched[u]) here.push(u);
      here.sort((a, b) => run.ranks[a] - run.ranks[b]);
      const gap = Math.max(1, 0.08 * here.length);
      let depth = -1, before = -1;
      const depths = here.map((u) => {
        const label = subnetworkOf(run, row, u);
        depth += 1 + (before >= 0 && label >= 0 && label !== before ? gap : 0);
        if (label >= 0) before = label;
        return depth;
      });
      here.forEach((u, n) => { places[u] = (depths[n] + 0.5) / (depth + 1); });
    });
    return places;
  });
}

// ---------------------------------------------------------------- what a network computes

/**
 * The values of all units for some points, per unit a Float32Array or null where it is zero.
 * columns: by input the values of all points; inputs that are missing are held at zero.
 */
function evaluate(run, row, columns, points) {
  const { e, value, biases } = weightsAt(run, row), values = new Array(run.units).fill(null);
  for (const [input, column] of columns) values[input] = column;
  const byTarget = new Map();
  e.forEach((one, n) => {
    if (stateOf(run, row, run.target[one]) === INACTIVE) return;
    if (!byTarget.has(run.target[one])) byTarget.set(run.target[one], []);
    byTarget.get(run.target[one]).push([run.source[one], value[n]]);
  });
  const last = run.starts.at(-1);
  for (let unit = run.shape[0]; unit < run.units; unit++) {
    const arriving = byTarget.get(unit);
    if (!arriving && unit < last && stateOf(run, row, unit) === INACTIVE) continue;
    const sum = new Float32Array(points).fill(biases[unit - run.shape[0]]);
    for (const [source, weight] of arriving ?? []) {
      const given = values[source];
      if (given) for (let p = 0; p < points; p++) sum[p] += weight * given[p];
    }
    if (unit < last) for (let p = 0; p < points; p++) if (sum[p] < 0) sum[p] = 0;
    values[unit] = sum;
  }
  return values;
}

const hasRegion = (task) => task.inputs.length === 2 && task.kind === "binary";

/** Left, right, bottom and top of a task's region. */
function extentOf(run, task) {
  if (!run.points) return [-2.5, 2.5, -2.5, 2.5];
  const width = run.shape[0], extent = [];
  for (const input of task.inputs) {
    let low = Infinity, high = -Infinity;
    for (let at = input; at < run.points.length; at += width) {
      low = Math.min(low, run.points[at]);
      high = Math.max(high, run.points[at]);
    }
    extent.push(low - 0.3, high + 0.3);
  }
  return extent;
}

/** The chance of class 1 over a task's two inputs, line by line from the top. */
export function regionOf(run, row, task, side) {
  return remembered(run, row, `region of ${task.name} ${side}`, () => {
    const [left, right, bottom, top] = extentOf(run, task), n = side * side;
    const x = new Float32Array(n), y = new Float32Array(n);
    for (let p = 0; p < n; p++) {
      x[p] = left + ((right - left) * (p % side)) / (side - 1);
      y[p] = top - ((top - bottom) * Math.floor(p / side)) / (side - 1);
    }
    const columns = [[task.inputs[0], x], [task.inputs[1], y]];
    const logits = evaluate(run, row, columns, n)[run.starts.at(-1) + task.outputs[0]];
    return Float32Array.from(logits, (v) => 1 / (1 + Math.exp(-v)));
  });
}

/** Lines where a region crosses one half, as x1, y1, x2, y2, … in 0 to 1. */
function borderOf(region, side) {
  const lines = [], at = (x, y) => region[y * side + x] - 0.5;
  const cross = (x1, y1, x2, y2) => {
    const a = at(x1, y1), b = at(x2, y2);
    if (a > 0 === b > 0) return null;
    const share = a / (a - b);
    return [(x1 + share * (x2 - x1)) / (side - 1), (y1 + share * (y2 - y1)) / (side - 1)];
  };
  for (let y = 0; y < side - 1; y++)
    for (let x = 0; x < side - 1; x++) {
      const ends = [
        cross(x, y, x + 1, y), cross(x + 1, y, x + 1, y + 1),
        cross(x, y + 1, x + 1, y + 1), cross(x, y, x, y + 1),
      ].filter(Boolean);
      for (let n = 0; n + 1 < ends.length; n += 2) lines.push(...ends[n], ...ends[n + 1]);
    }
  return lines;
}

// ---------------------------------------------------------------- words

const percent = (share) => `${(100 * share).toFixed(1)}%`;
const plural = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
const signed = (n, digits = 0) => `${n < 0 ? "−" : "+"}${Math.abs(n).toFixed(digits)}`;

/** What a unit is called. */
export function nameOf(run, unit, withTask = true) {
  const layer = run.layerOf[unit], n = unit - run.starts[layer];
  if (layer > 0 && layer < run.shape.length - 1) return `neuron ${n + 1} of hidden layer ${layer}`;
  const ends = layer ? "outputs" : "inputs";
  const owner = run.tasks.find((task) => task[ends].includes(n));
  return `${layer ? "y" : "x"}${n + 1}${owner && withTask ? ` (${owner.name})` : ""}`;
}

/** Some units by name, or how many there are. */
function namesOf(run, units) {
  const what = units.length && run.layerOf[units[0]] ? "output" : "input";
  if (units.length > 4) return plural(units.length, what);
  return units.map((unit) => nameOf(run, unit)).join(", ") || `no ${what}`;
}

/** The status of a row and its numbers. */
export function levelInWords(run, row) {
  const rows = run.rows;
  const scores = run.tasks
    .filter((task) => rows[`${task.score}_${task.name}`])
    .map((task) => `${task.name} ${percent(rows[`${task.score}_${task.name}`][row])}`);
  const kinds = [...new Set(run.tasks.map((task) => task.score))].sort().join(" or ");
  let words =
    `Level ${rows.level[row]}: ${rows.status[row]}. Of ${rows.available[row]} available weights ` +
    `${rows.active[row]} active, ${rows.inactive[row]} inactive, ${rows.zombie[row]} zombie; ` +
    plural(rows.subnetworks[row], "subnetwork");
  words += scores.length ? `; ${kinds} ${scores.join(", ")}.` : ".";
  if (row === run.height - 1 && run.asked > rows.level[row])
    words += ` The run stopped here; ${plural(run.asked, "pruning")} had been asked for.`;
  return words;
}

/** Which subnetwork covers how much of which task. */
function coverageInWords(run, row) {
  const said = run.coverage[row].slice(0, 4).map((shares, j) => {
    const tasks = run.tasks
      .map((task, k) => (shares[k] > 0 ? `${task.name} ${Math.round(100 * shares[k])}%` : ""))
      .filter(Boolean);
    return `subnetwork ${j + 1} covers ${tasks.join(" and ") || "no task"}`;
  });
  const rest = run.coverage[row].length - said.length;
  return `${said.join(", ")}${rest > 0 ? `, and ${rest} more` : ""}`;
}

/** At which level a weight goes. */
function endOf(run, e) {
  return run.lifetimes[e] < run.height
    ? `pruned at level ${run.rows.level[run.lifetimes[e]]}` : "never pruned";
}

/** A weight in words. */
function weightInWords(run, row, e) {
  const { e: all, value } = weightsAt(run, row), known = value?.[all.indexOf(e)];
  const ends = `${nameOf(run, run.source[e])} → ${nameOf(run, run.target[e])}`;
  const size = known === undefined ? "" : `weight ${known.toPrecision(3).replace("-", "−")}, `;
  return `${ends}: ${size}${STATES[weightState(run, row, e)]}, ${endOf(run, e)}`;
}

/** What a unit adds up, where that is short enough to be read. */
function formulaOf(run, row, unit) {
  const { e, value, biases } = weightsAt(run, row), terms = [];
  if (!value || unit < run.shape[0]) return "";
  e.forEach((one, n) => {
    if (run.target[one] !== unit) return;
    const short = nameOf(run, run.source[one], false).replace(/neuron (\d+) of .* (\d+)/, "h$2.$1");
    terms.push([value[n], `·${short}`, run.source[one]]);
  });
  terms.sort((a, b) => a[2] - b[2]);
  if (terms.length > 5) return `, a sum of ${terms.length} values`;
  terms.push([biases[unit - run.shape[0]], ""]);
  const sum = terms
    .map(([v, name], n) => `${v < 0 ? (n ? " − " : "−") : n ? " + " : ""}` +
      `${Math.abs(v).toPrecision(3)}${name}`)
    .join("");
  return unit < run.starts.at(-1) ? `; it computes max(0, ${sum})` : `; it computes ${sum}`;
}

/** How often a hidden unit is above zero on the points that came with the run. */
function firingOf(run, row, unit) {
  const last = run.starts.at(-1), count = run.points?.length / run.shape[0];
  if (!count || !run.values[row] || unit < run.shape[0] || unit >= last) return "";
  const columns = [];
  for (let input = 0; input < run.shape[0]; input++) {
    const column = new Float32Array(count);
    for (let p = 0; p < count; p++) column[p] = run.points[p * run.shape[0] + input];
    columns.push([input, column]);
  }
  const values = evaluate(run, row, columns, count)[unit];
  if (!values) return "";
  return `; it fires for ${percent(values.filter((v) => v > 0).length / count)} of ${count} points`;
}

/** A unit in words: its state, why, and what it computes. */
export function unitInWords(run, row, unit) {
  const name = nameOf(run, unit), state = stateOf(run, row, unit);
  const family = familyOf(run, row, unit);
  const layer = run.layerOf[unit], last = run.shape.length - 1;
  const of = (n) => [...Array(run.shape[n]).keys()].map((u) => run.starts[n] + u)
    .filter((u) => family[u]);
  const whole = weightsAt(run, row).e.length === run.rows.available[row];
  if (state === INACTIVE) return `${name} – inactive: no path leads from it to an output.`;
  if (state !== ACTIVE)
    return `${name} – zombie: no path from any input reaches it${formulaOf(run, row, unit)}.`;
  const says = [];
  if (whole && layer > 0) says.push(`${namesOf(run, of(0))} reach it`);
  if (whole && layer < last) says.push(`it leads to ${namesOf(run, of(last))}`);
  const words = says.join(" and ") || "on a path from an input to an output";
  return `${name} – active: ${words}${formulaOf(run, row, unit)}${firingOf(run, row, unit)}.`;
}

/** What differs between two views, the second minus the first. */
function differenceInWords([a, rowA], [b, rowB]) {
  const says = ["available", "active", "inactive", "zombie"]
    .map((name) => `${signed(b.rows[name][rowB] - a.rows[name][rowA])} ${name}`);
  for (const task of a.tasks) {
    const column = `${task.score}_${task.name}`;
    const before = a.rows[column]?.[rowA], after = b.rows[column]?.[rowB];
    if (before != null && after != null)
      says.push(`${task.name} ${signed(100 * (after - before), 1)} points of ${task.score}`);
  }
  return `Right minus left: ${says.join(", ")}.`;
}
