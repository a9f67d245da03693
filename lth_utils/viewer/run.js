// The viewer of pruned networks: one run, level after level, drawn as vectors on a canvas.
//
// Used twice, without a framework and without any request: inlined into pages (`mount`), and as the
// browser's part of the notebook's widget (the default export, for anywidget). What is known of the
// graph and said of a level comes with the run; here it is only drawn, and outputs are computed
// from the values of the weights. The files are joined in Python, with the controls before them.

const ACTIVE = 1, INACTIVE = 2;
const STATES = ["pruned", "active", "inactive", "zombie"];
const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i2: Int16Array, f2: Uint16Array };

const clamp = (n, low, high) => Math.max(low, Math.min(high, n));

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

/** A run ready to be drawn, from what `pack` in Python made of it. */
export async function unpack({ data, ...packed }) {
  const buffer = await inflate(data), run = { ...packed, memory: new Map() };
  let offset = 0;
  for (const [name, type, length] of packed.parts) {
    const array = new TYPES[type](buffer, offset, length);
    run[name] = type === "f2" ? Float32Array.from(array, half) : array;
    offset += Math.ceil((length * array.BYTES_PER_ELEMENT) / 4) * 4;
  }
  run.starts = run.shape.map((_, n) => run.shape.slice(0, n).reduce((a, b) => a + b, 0));
  run.last = run.shape.length - 1; // the layer of the outputs
  run.units = run.starts[run.last] + run.shape[run.last];
  run.layerOf = Uint8Array.from(run.shape.flatMap((width, n) => Array(width).fill(n)));
  run.height = run.rows.level.length;
  return run;
}

/** What is computed once for a run and row. */
function remembered(run, row, what, compute) {
  const key = `${what} ${row}`;
  if (!run.memory.has(key)) run.memory.set(key, compute());
  return run.memory.get(key);
}

/** The weights available at a row, those of the smallest strength (0 to 1) first. */
function weightsAt(run, row) {
  return remembered(run, row, "weights", () => {
    const values = run.values[row] ? run[`values${row}`] : null, here = [];
    for (let e = 0; e < run.lifetimes.length; e++) if (run.lifetimes[e] > row) here.push(e);
    const size = here.map((e, n) => (values ? Math.abs(values[n]) : run.lifetimes[e]));
    const layer = here.map((e) => run.layerOf[run.source[e]]), largest = run.shape.map(() => 1e-30);
    size.forEach((s, n) => { largest[layer[n]] = Math.max(largest[layer[n]], s); });
    const strength = size.map((s, n) => s / largest[layer[n]]);
    const order = [...here.keys()].sort((a, b) => strength[a] - strength[b]);
    return {
      e: Uint32Array.from(order, (n) => here[n]),
      strength: Float32Array.from(order, (n) => strength[n]),
      value: values && Float32Array.from(order, (n) => values[n]),
      biases: values && values.subarray(here.length), // of all units but the inputs
      total: run.rows.available[row],
    };
  });
}

const stateOf = (run, row, unit) => run.states[row * run.units + unit];

/** The state of an available weight: it leads nowhere if its target does, else as its source. */
function weightState(run, row, e) {
  const target = stateOf(run, row, run.target[e]);
  return target === INACTIVE ? INACTIVE : stateOf(run, row, run.source[e]);
}

/** Height of a unit, 0 at the top to 1, NaN where it is not drawn: unless it is looked for. */
function heightOf(run, row, unit, wanted) {
  const height = run.heights[row * run.units + unit];
  return height < 32768 || unit === wanted ? (height % 32768) / 32767 : NaN;
}

/** A unit with its ancestors and descendants: 1 for each of them. Weights are in layers' order. */
function familyOf(run, row, unit) {
  return remembered(run, row, `family of ${unit}`, () => {
    const family = new Uint8Array(run.units), own = run.layerOf[unit], { source, target } = run;
    const here = [...source.keys()].filter((e) => run.lifetimes[e] > row);
    family[unit] = 1;
    for (const e of here) if (family[source[e]]) family[target[e]] = 1;
    for (const e of here.reverse())
      if (family[target[e]] && run.layerOf[target[e]] <= own) family[source[e]] = 1;
    return family;
  });
}

/** The weights that arrive at each unit, as pairs of a source and a value. */
function arriving(run, row) {
  return remembered(run, row, "arriving", () => {
    const { e, value } = weightsAt(run, row);
    const byTarget = Array.from({ length: run.units }, () => []);
    e.forEach((one, n) => byTarget[run.target[one]].push([run.source[one], value[n]]));
    return byTarget;
  });
}

/**
 * The values of all units for some points, per unit a Float32Array or null where it is zero.
 * columns: by input the values of all points; inputs that are missing are held at zero.
 */
function evaluate(run, row, columns, points) {
  const { biases } = weightsAt(run, row), byTarget = arriving(run, row);
  const values = new Array(run.units).fill(null), outputs = run.starts[run.last];
  for (const [input, column] of columns) values[input] = column;
  for (let unit = run.shape[0]; unit < run.units; unit++) {
    if (unit < outputs && stateOf(run, row, unit) === INACTIVE) continue;
    const sum = new Float32Array(points).fill(biases[unit - run.shape[0]]);
    for (const [source, weight] of byTarget[unit]) {
      const given = values[source];
      if (given) for (let p = 0; p < points; p++) sum[p] += weight * given[p];
    }
    if (unit < outputs) for (let p = 0; p < points; p++) if (sum[p] < 0) sum[p] = 0;
    values[unit] = sum;
  }
  return values;
}

/** The chance of class 1 over a task's two inputs, line by line from the top. */
export function regionOf(run, row, task, side) {
  return remembered(run, row, `region of ${task.name} ${side}`, () => {
    const [left, right, bottom, top] = task.extent, points = [...Array(side * side).keys()];
    const x = Float32Array.from(points, (p) => left + ((right - left) * (p % side)) / (side - 1));
    const y = Float32Array.from(points, (p) =>
      top - ((top - bottom) * Math.floor(p / side)) / (side - 1));
    const columns = [[task.inputs[0], x], [task.inputs[1], y]];
    const output = run.starts[run.last] + task.outputs[0];
    return evaluate(run, row, columns, side * side)[output].map((v) => 1 / (1 + Math.exp(-v)));
  });
}
