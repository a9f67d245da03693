// ---------------------------------------------------------------- the canvas

/** The canvas: draws one view or two when asked, and knows what lies under a pointer. */
class Stage {
  constructor(viewer, canvas) {
    this.viewer = viewer;
    this.canvas = canvas;
    this.zoom = { scale: 1, x: 0, y: 0 };
    this.pointers = new Map(); // that are down, and where they were
    const leave = (event) => this.pointers.delete(event.pointerId);
    const listeners = {
      pointermove: (event) => this.hover(event), pointerleave: () => viewer.tip(null),
      pointerdown: (event) => this.press(event), pointerup: leave, pointercancel: leave,
      dblclick: (event) => this.zoomBy(2, event), wheel: (event) => this.wheel(event),
    };
    for (const [name, act] of Object.entries(listeners))
      canvas.addEventListener(name, act, { passive: false });
  }

  /** The views that are shown, each with its box: beside each other, or below on a phone. */
  views() {
    const { state } = this.viewer, { clientWidth: width, clientHeight: height } = this.canvas;
    const sides = state.compare ? ["left", "right"] : ["left"], count = sides.length;
    return sides.map((side, n) => {
      const [run, row] = this.viewer.shown(side), other = this.viewer.shown(sides[1 - n] ?? side);
      const [layer, at] = state.neuron ?? [0, -1], has = at >= 0 && at < (run.shape[layer] ?? 0);
      const box = width < 700 ? { x: 0, y: (n * height) / count, width, height: height / count }
        : { x: (n * width) / count, y: 0, width: width / count, height };
      const unit = has ? run.starts[layer] + at : null;
      return { ...state, side, run, row, other, box, zoom: this.zoom, unit };
    });
  }

  draw(looks) {
    const { canvas } = this, { clientWidth, clientHeight } = canvas, ratio = devicePixelRatio;
    const [wide, high] = [clientWidth, clientHeight].map((n) => Math.round(n * ratio));
    if (!wide || !high) return;
    if (canvas.width !== wide || canvas.height !== high)
      Object.assign(canvas, { width: wide, height: high });
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.met = this.paint(new CanvasPen(context), looks);
    canvas.ariaLabel = this.met.map(({ run, row }) => `${run.title}. ${run.words[row]}`).join(" ");
  }

  /** Draw all views with a pen. Returns each with what a pointer can meet in it. */
  paint(pen, looks) {
    return this.views().map((view) => {
      const { width, height } = view.box;
      let met = null;
      pen.inside(view.box, () => { met = drawPicture(pen, view, width, height, looks); });
      return { ...view, ...met };
    });
  }

  /** The picture as SVG. */
  svg(looks, title) {
    const pen = new SvgPen(), { clientWidth: width, clientHeight: height } = this.canvas;
    this.paint(pen, looks);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" role="img"><title>${escaped(title)}</title>` +
      `${pen.parts.join("")}</svg>`;
  }

  /** The unit, weight or level under a pointer, words on it, and the view's side and run. */
  under(event) {
    const [left, top] = this.placeOf(event);
    const met = this.met.findLast(({ box }) => left >= box.x && top >= box.y) ?? this.met[0];
    const { side, run, row, box, network, px, py, e, chosen } = met;
    const found = { side, run }, x = left - box.x, y = top - box.y - network.y;
    for (const curve of met.curves) {
      const n = Math.floor((x - curve.x) / curve.step), far = top - box.y - curve.y;
      if (n >= 0 && n < run.height && far > -14 && far < curve.height + 4)
        return { ...found, row: n, words: run.words[n] };
    }
    if (x > network.width || y < 0 || y > network.height - 36) return found;
    const nearest = (things, most, far) => things.reduce((best, thing) => {
      const distance = far(thing);
      return distance < best[0] ? [distance, thing] : best;
    }, [most, null])[1];
    const unit = nearest([...px.keys()], 9, (u) => Math.hypot(px[u] - x, py[u] - y));
    if (unit !== null) return { ...found, unit, words: unitInWords(run, row, unit) };
    const weight = nearest(chosen, 5, (n) => {
      const s = run.source[e[n]], t = run.target[e[n]], dx = px[t] - px[s], dy = py[t] - py[s];
      const along = ((x - px[s]) * dx + (y - py[s]) * dy) / (dx * dx + dy * dy);
      const beside = Math.hypot(px[s] + along * dx - x, py[s] + along * dy - y);
      return along < 0 || along > 1 ? Infinity : beside;
    });
    return weight === null ? found : { ...found, words: weightInWords(run, row, e[weight]) };
  }

  placeOf(event) {
    const frame = this.canvas.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }

  /** One pointer that is down moves the network, two zoom it; else say what lies below. */
  hover(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return this.viewer.tip(this.under(event).words, event);
    const other = [...this.pointers.values()].find((one) => one.pointerId !== event.pointerId);
    const span = (at) => Math.hypot(at.clientX - other.clientX, at.clientY - other.clientY);
    if (other) this.zoomBy(span(event) / Math.max(1, span(before)), event);
    else this.panBy(event.clientX - before.clientX, event.clientY - before.clientY);
    this.pointers.set(event.pointerId, event);
  }

  press(event) {
    this.pointers.set(event.pointerId, event);
    const { side, run, row, unit, words } = this.under(event);
    if (row !== undefined) this.viewer.go(row, side);
    else if (unit !== undefined) this.viewer.choose(run, unit, true);
    else if (words) this.viewer.say(words);
    else if (event.detail < 2 && this.zoom.scale === 1) this.viewer.set({ neuron: null });
    this.viewer.tip(words, event);
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
    event.preventDefault();
    this.zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2, event);
  }

  /** Zoom about a pointer or the middle. */
  zoomBy(factor, event = null) {
    const { box, network } = this.met[0];
    const [x, y] = event ? this.placeOf(event) : [network.width / 2, network.height / 2];
    const scale = clamp(this.zoom.scale * factor, 1, 40), by = 1 - scale / this.zoom.scale;
    this.zoom.scale = scale;
    this.panBy(by * ((x % box.width) - EDGE.x - this.zoom.x),
      by * ((y % box.height) - network.y - EDGE.y - this.zoom.y));
  }

  panBy(dx, dy) {
    const { scale, x, y } = this.zoom, { width, height } = this.met[0].network;
    this.zoom.x = clamp(x + dx, (1 - scale) * width, 0);
    this.zoom.y = clamp(y + dy, (1 - scale) * height, 0);
    this.canvas.style.touchAction = scale > 1 ? "none" : "pan-y";
    this.viewer.redraw();
  }
}
