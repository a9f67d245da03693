// ---------------------------------------------------------------- colours

const SEVERAL = 255; // code of a unit that belongs to several tasks; 0: to none

/** A colour mixed with another one; share 1 is the colour itself. */
function mix(colour, other, share) {
  const read = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const [a, b] = [read(colour), read(other)];
  const mixed = a.map((v, n) => Math.round(share * v + (1 - share) * b[n]));
  return `#${mixed.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
}

const taskColour = (looks, k) => looks.tasks[k % looks.tasks.length];

/** The colours of units and weights, as two functions; other: what a compared run has. */
function colouring({ run, row, colours, other }, looks) {
  const coloured = (codes) => (u) => {
    const code = codes[row * run.units + u];
    return code === SEVERAL ? looks.several : code ? looks.tasks[code - 1] : looks.none;
  };
  if (colours === "difference") {
    const ends = (one, e) => one.source[e] * one.units + one.target[e];
    const shared = new Set(Array.from(weightsAt(...other).e, (e) => ends(other[0], e)));
    const weight = (e) => (shared.has(ends(run, e)) ? looks.none : looks.only);
    return { unit: () => looks.several, weight };
  }
  if (colours === "task") {
    const unit = coloured(run.ledTo);
    return { unit, weight: (e) => unit(run.target[e]) };
  }
  if (colours === "subnetwork") {
    const unit = coloured(run.ofSubnetwork);
    const weight = (e) =>
      weightState(run, row, e) === ACTIVE ? unit(run.target[e]) : looks.none;
    return { unit, weight };
  }
  return {
    unit: (u) => looks.states[stateOf(run, row, u)],
    weight: (e) => looks.states[weightState(run, row, e)],
  };
}

/** What the colours mean: pairs of a word and a colour. */
function legendOf(run, colours, looks) {
  if (colours === "state") return [1, 2, 3].map((n) => [STATES[n], looks.states[n]]);
  if (colours === "difference") return [["only here", looks.only], ["on both sides", looks.none]];
  const tasks = run.tasks.map((task, k) => [task.name, taskColour(looks, k)]);
  const nowhere = colours === "task" ? "no output" : "no subnetwork";
  return [...tasks.slice(0, 6), ["several", looks.several], [nowhere, looks.none]];
}
