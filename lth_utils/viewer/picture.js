// ---------------------------------------------------------------- one picture

/** Where the parts of a picture stand, in a box of so many pixels. */
function layOut(width, height) {
  const box = (x, y, w, h) => ({ x, y, width: w, height: h });
  if (width >= 700 || height < 0.9 * width) { // beside each other
    const x = Math.round(0.56 * width) + 24, w = width - x - 6;
    const top = Math.min(height / 2, w / 2 + 100), half = (height - top) / 2;
    return {
      network: box(0, 44, x - 24, height - 44), tasks: box(x, 20, w, top - 20),
      curves: [top, top + half].map((y) => box(x, y, w, half)),
    };
  }
  const y = 44 + 0.44 * height, rest = height - y, w = width - 12;
  return {
    network: box(0, 44, width, 0.44 * height), tasks: box(6, y + 22, w, 0.44 * rest - 22),
    curves: [0.44, 0.72].map((share) => box(6, y + share * rest, w, 0.28 * rest)),
  };
}

/** Draw one run at one row; what is asked for is in `view`. Returns what a pointer can meet. */
function drawPicture(pen, view, width, height, looks) {
  const { run, row } = view, places = layOut(width, height), status = run.rows.status[row];
  pen.rect(0, 0, width, height, looks.paper);
  const level = `level ${run.rows.level[row]} of ${run.rows.level.at(-1)}`;
  const title = `${run.title} · ${level}`, bold = { size: 13, bold: true };
  const fits = 7.4 * title.length < places.network.width;
  pen.text(4, 12, fits ? title : level, { ...bold, colour: looks.ink });
  pen.text(4, 31, status, { ...bold, colour: looks.words[status] });
  const about = `${run.rows.active[row]} of ${run.rows.available[row]} weights active`;
  pen.text(14 + 8.2 * status.length, 31, about, { colour: looks.soft });
  drawTasks(pen, view, places.tasks, looks);
  const [weights, ...others] = run.curves, second = others.find(({ key }) => key === view.curves);
  const curves = [weights, second]
    .map((one, n) => drawCurves(pen, view, places.curves[n], one, looks));
  return { ...drawNetwork(pen, view, places.network, looks), curves };
}

/** Curves over the levels with a mark at the present one, and the statuses as a band above. */
function drawCurves(pen, { run, row }, box, { title, series, form, missing }, looks) {
  const inner = { x: box.x + 44, y: box.y + 26, width: box.width - 120,
    height: Math.max(10, box.height - 44) };
  const step = inner.width / run.height, end = inner.x + inner.width, foot = inner.y + inner.height;
  const x = (n) => inner.x + step * (n + 0.5), note = { size: 11, colour: looks.soft };
  pen.text(box.x, box.y + 9, title, { colour: looks.ink, bold: true });
  if (!series.length) {
    pen.text(box.x, box.y + 28, missing, { colour: looks.soft });
    return { ...inner, step };
  }
  const counts = form === "count", scale = counts ? (v) => Math.log10(1 + v) : (v) => v;
  const all = series.flatMap(({ column }) => run.rows[column]).filter((v) => v !== null);
  const low = counts ? 0 : Math.min(...all), high = Math.max(...all, low + 1e-9);
  const range = scale(high) - scale(low);
  const y = (v) => foot - (inner.height * (scale(v) - scale(low))) / range;
  run.rows.status.forEach((word, n) =>
    pen.rect(x(n) - step / 2, inner.y - 9, Math.max(1, step - 1), 6, looks.statuses[word]));
  for (const value of [low, high]) {
    const words = { count: value, number: value.toFixed(2), share: percent(value) }[form];
    pen.text(inner.x - 5, y(value), words, { ...note, align: "right" });
    pen.lines([inner.x, y(value), end, y(value)], looks.line, 0.7);
  }
  pen.text(x(0), foot + 10, `level ${run.rows.level[0]}`, note);
  if (run.height > 1)
    pen.text(x(run.height - 1), foot + 10, run.rows.level.at(-1), { ...note, align: "center" });
  pen.lines([x(row), inner.y - 12, x(row), foot], looks.ink, 1.2);
  series.forEach(({ name, column, colour: [kind, number], dash }, n) => {
    const colour = looks[kind][number], values = run.rows[column];
    const known = [...values.keys()].filter((at) => values[at] !== null);
    const ends = known.slice(1).flatMap((at, before) =>
      [x(known[before]), y(values[known[before]]), x(at), y(values[at])]);
    pen.lines(ends, colour, 1.8, { dash });
    if (values[row] !== null) pen.dots([[x(row), y(values[row])]], 3.5, colour, looks.paper);
    const place = inner.y + 5 + 14 * n;
    pen.lines([end + 6, place, end + 20, place], colour, 1.8, { dash });
    pen.text(end + 24, place, name === "available" ? name : short(name),
      { size: 11, colour: looks.ink });
  });
  return { ...inner, step };
}
