// ---------------------------------------------------------------- what is said

const percent = (share) => `${(100 * share).toFixed(1)}%`;
const plural = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
const minus = (text) => String(text).replaceAll("-", "−");
const signed = (n, digits = 0) => (n < 0 ? "" : "+") + minus(n.toFixed(digits));

/** A unit's short name, as the search reads it. */
function shortName(run, unit) {
  const layer = run.layerOf[unit], n = unit - run.starts[layer] + 1;
  if (layer === 0) return `x${n}`;
  return layer === run.last ? `y${n}` : `h${layer}.${n}`;
}

/** The unit of a short name, null where there is none. */
function unitNamed(run, name) {
  const unit = /^([xy]) ?(\d+)$/.exec(name) ?? /^h? ?(\d+)[., ]+(\d+)$/.exec(name);
  if (!unit) return null;
  const layer = { x: 0, y: run.last }[unit[1]] ?? Number(unit[1]), n = unit[2] - 1;
  return n >= 0 && n < (run.shape[layer] ?? 0) ? [layer, n] : null;
}

/** What a unit is called. */
function nameOf(run, unit) {
  const layer = run.layerOf[unit], n = unit - run.starts[layer];
  if (layer > 0 && layer < run.last) return `neuron ${n + 1} of hidden layer ${layer}`;
  const owner = run.tasks.find((task) => task[layer ? "outputs" : "inputs"].includes(n));
  return shortName(run, unit) + (owner ? ` (${owner.name})` : "");
}

/** The members of a family in a layer by name, or how many there are. */
function membersOf(run, family, layer) {
  const what = layer ? "output" : "input", units = [];
  family.forEach((yes, u) => { if (yes && run.layerOf[u] === layer) units.push(u); });
  if (units.length > 4) return plural(units.length, what);
  return units.map((unit) => nameOf(run, unit)).join(", ") || `no ${what}`;
}

/** A weight in words. */
function weightInWords(run, row, e) {
  const { e: all, value } = weightsAt(run, row), known = value?.[all.indexOf(e)];
  const size = known === undefined ? "" : `weight ${minus(known.toPrecision(3))}, `;
  const end = run.lifetimes[e];
  const ends = `${nameOf(run, run.source[e])} → ${nameOf(run, run.target[e])}`;
  return `${ends}: ${size}${STATES[weightState(run, row, e)]}, ` +
    (end < run.height ? `pruned at level ${run.rows.level[end]}` : "never pruned");
}

/** What a unit adds up, where that is short enough to be read. */
function formulaOf(run, row, unit) {
  if (!run.values[row] || unit < run.shape[0]) return "";
  const sources = [...arriving(run, row)[unit]].sort((a, b) => a[0] - b[0]);
  if (sources.length > 5) return `, a sum of ${sources.length} values`;
  const terms = sources.map(([source, weight]) => [weight, `·${shortName(run, source)}`]);
  terms.push([weightsAt(run, row).biases[unit - run.shape[0]], ""]);
  const sum = terms
    .map(([v, name]) => `${v < 0 ? "− " : "+ "}${Math.abs(v).toPrecision(3)}${name}`).join(" ")
    .replace(/^\+ /, "").replace(/^− /, "−");
  return `; it computes ${run.layerOf[unit] < run.last ? `max(0, ${sum})` : sum}`;
}

/** How often a hidden unit is above zero on the points that came with the run. */
function firingOf(run, row, unit) {
  const width = run.shape[0], count = run.points?.length / width, layer = run.layerOf[unit];
  if (!count || !run.values[row] || layer === 0 || layer === run.last) return "";
  const columns = [...Array(width).keys()].map((input) =>
    [input, run.points.filter((_, at) => at % width === input)]);
  const fires = evaluate(run, row, columns, count)[unit].filter((v) => v > 0).length;
  return `; it fires for ${percent(fires / count)} of ${count} points`;
}

/** A unit in words: its state, why, and what it computes. */
export function unitInWords(run, row, unit) {
  const state = stateOf(run, row, unit), name = `${nameOf(run, unit)} – ${STATES[state]}`;
  const family = familyOf(run, row, unit), layer = run.layerOf[unit];
  const whole = weightsAt(run, row).e.length === run.rows.available[row];
  if (state === INACTIVE) return `${name}: no path leads from it to an output.`;
  if (state !== ACTIVE)
    return `${name}: no path from any input reaches it${formulaOf(run, row, unit)}.`;
  const says = [];
  if (whole && layer > 0) says.push(`${membersOf(run, family, 0)} reach it`);
  if (whole && layer < run.last) says.push(`it leads to ${membersOf(run, family, run.last)}`);
  const words = says.join(" and ") || "on a path from an input to an output";
  return `${name}: ${words}${formulaOf(run, row, unit)}${firingOf(run, row, unit)}.`;
}

/** What differs between two views, the second minus the first. */
function differenceInWords([a, rowA], [b, rowB]) {
  const says = ["available", "active", "inactive", "zombie"]
    .map((name) => `${signed(b.rows[name][rowB] - a.rows[name][rowA])} ${name}`);
  for (const { name, score } of a.tasks) {
    const [before, after] = [[a, rowA], [b, rowB]].map(([r, n]) => r.rows[`${score}_${name}`]?.[n]);
    if (before != null && after != null)
      says.push(`${name} ${signed(100 * (after - before), 1)} points of ${score}`);
  }
  return `Right minus left: ${says.join(", ")}.`;
}
