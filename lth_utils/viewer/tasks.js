// ---------------------------------------------------------------- what each task's outputs say

const FINE = 36; // points per side of a decision region
const MOST_TASKS = 3; // tasks that are drawn

/** Regions of two inputs, pixels of images, accuracy by class, or a sentence. */
function drawTasks(pen, view, box, looks) {
  const { run, row } = view, note = { size: 11, colour: looks.soft };
  const hasBars = (k) => run.classes.some((scores) => scores?.[k]?.length);
  const shown = run.tasks.filter((task, k) => task.side || task.extent || hasBars(k))
    .slice(0, MOST_TASKS);
  const others = run.tasks.filter((task) => !shown.includes(task)).map(({ name }) => short(name));
  const more = others.length > 3 ? ` and ${others.length - 3} more` : "";
  const lacking = others.length ? `no picture of ${others.slice(0, 3).join(", ")}${more}` : "";
  pen.text(box.x, box.y + (shown.length ? box.height - 6 : 20), lacking, note);
  const bars = run.tasks.some((_, k) => hasBars(k)) ? 62 : 0, room = box.height - 22 - bars;
  const most = Math.max(room, bars ? 250 : 190);
  const wide = Math.min(box.width / Math.max(1, shown.length) - 14, most);
  shown.forEach((task, n) => {
    const k = run.tasks.indexOf(task), x = box.x + n * (wide + 14), y = box.y;
    const side = Math.min(wide, room);
    const place = { x, y, width: side, height: side }, known = run.values[row] === "trained";
    const score = run.rows[`${task.score}_${task.name}`]?.[row];
    const word = wide < 175 ? "" : `: ${task.score}`;
    const title = score == null ? task.name : `${task.name}${word} ${percent(score)}`;
    pen.text(x, box.y - 8, title, { size: 12, colour: looks.ink });
    if (task.side) drawPixels(pen, view, task, place, looks);
    else if (task.extent && known) drawRegion(pen, view, task, k, place, looks);
    else if (task.extent) pen.text(x, y + 20, "values of this level were not kept", note);
    const below = { x, y: y + (task.side ? side + 18 : 4), width: wide };
    if (hasBars(k)) drawBars(pen, view, k, below, looks);
  });
}

/** A small canvas with one colour per point; colour: of a point's number. */
function raster(side, colour) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const context = canvas.getContext("2d");
  for (let p = 0; p < side * side; p++) {
    context.fillStyle = colour(p);
    context.fillRect(p % side, Math.floor(p / side), 1, 1);
  }
  return canvas;
}

/** Where an output says class 1, its border, and points of the test split. */
function drawRegion(pen, { run, row }, task, k, box, looks) {
  const own = taskColour(looks, k), region = regionOf(run, row, task, FINE);
  const picture = remembered(run, row, `raster of ${task.name} ${looks.paper}`, () => {
    const shades = [...Array(21).keys()].map((n) =>
      mix(own, looks.paper, n < 10 ? 0.042 * (10 - n) : 0.012 * (n - 10)));
    return raster(FINE, (p) => shades[Math.round(20 * region[p])] ?? looks.paper);
  });
  pen.image(picture, box.x, box.y, box.width, box.height, true);
  drawPoints(pen, run, task, k, box, looks);
  const border = remembered(run, row, `border of ${task.name}`, () => borderOf(region, FINE));
  const placed = (v, n) => (n % 2 ? box.y + v * box.height : box.x + v * box.width);
  pen.lines(border.map(placed), own, 1.8);
  const [right, bottom] = [box.x + box.width - 3, box.y + box.height - 8];
  const look = { size: 11, colour: looks.ink };
  pen.text(right, bottom, `x${task.inputs[0] + 1}`, { ...look, align: "right" });
  pen.text(box.x + 4, box.y + 9, `x${task.inputs[1] + 1}`, look);
}

/** Lines where a region crosses one half, as x1, y1, x2, y2, … in 0 to 1. */
function borderOf(region, side) {
  const lines = [], at = (x, y) => region[y * side + x] - 0.5;
  const cross = (x1, y1, x2, y2) => {
    const a = at(x1, y1), share = a / (a - at(x2, y2));
    if (a > 0 === at(x2, y2) > 0) return null;
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

/** Points of the test split: filled where the label is 0, hollow where it is 1. */
function drawPoints(pen, run, task, k, box, looks) {
  const [left, right, bottom, top] = task.extent, classes = [[], []];
  for (let p = 0; p < run.points.length / run.shape[0]; p++) {
    const [a, b] = task.inputs.map((input) => run.points[p * run.shape[0] + input]);
    classes[run.labels[p * run.tasks.length + k]]?.push([
      box.x + (box.width * (a - left)) / (right - left),
      box.y + (box.height * (top - b)) / (top - bottom),
    ]);
  }
  pen.dots(classes[0], 1.6, taskColour(looks, k));
  pen.dots(classes[1], 1.8, looks.paper, taskColour(looks, k));
}

/** How many active weights leave each pixel of a task's image, in the colour of the unit. */
function drawPixels(pen, view, task, box, looks) {
  const { run, row } = view, own = task.inputs.map((i) => run.degrees[row * run.shape[0] + i]);
  const colours = colouring(view, looks), most = Math.max(2, ...own);
  const picture = raster(task.side, (p) => (own[p]
    ? mix(colours.unit(task.inputs[p]), looks.paper, 0.35 + (0.65 * own[p]) / most)
    : mix(looks.line, looks.paper, 0.35)));
  pen.image(picture, box.x, box.y, box.width, box.height, false);
  const used = `${own.filter(Boolean).length} of ${own.length} pixels`;
  const sum = own.reduce((a, b) => a + b, 0);
  const words = box.width < 210 ? used : `${sum} active weights at ${used}`;
  pen.text(box.x, box.y + box.height + 9, words, { size: 11, colour: looks.soft });
}

/** The accuracy on each class, the lowest one by its number. */
function drawBars(pen, { run, row }, k, box, looks) {
  const shares = run.classes[row]?.[k], note = { size: 11, colour: looks.soft };
  const about = box.width < 215 ? "by class" : "accuracy by class";
  if (!shares) return pen.text(box.x, box.y + 9, `${about}: not kept`, note);
  const wide = box.width / shares.length, low = Math.min(...shares.filter((s) => s !== null));
  shares.forEach((share, n) => {
    const x = box.x + n * wide, high = 26 * (share ?? 0), gap = Math.min(3, wide / 4);
    pen.rect(x, box.y, wide - gap, 26, mix(looks.line, looks.paper, 0.4));
    pen.rect(x, box.y + 26 - high, wide - gap, high, taskColour(looks, k));
    if (wide > 7)
      pen.text(x + (wide - gap) / 2, box.y + 32, n, { ...note, size: 10, align: "center" });
  });
  pen.text(box.x, box.y + 45, `${about}, least ${shares.indexOf(low)}: ${percent(low)}`, note);
}
