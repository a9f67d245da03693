// ---------------------------------------------------------------- pens: canvas and SVG

const FONT = "system-ui, sans-serif";
const round = (n) => Math.round(n * 100) / 100;
const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Draws on a canvas. */
class CanvasPen {
  constructor(context) { this.context = context; }
  /** Separate lines, as x1, y1, x2, y2 of each in turn. */
  lines(ends, colour, width, { alpha = 1, dash = [] } = {}) {
    const c = this.context;
    c.setLineDash(dash);
    c.beginPath();
    for (let n = 0; n < ends.length; n += 4) {
      c.moveTo(ends[n], ends[n + 1]);
      c.lineTo(ends[n + 2], ends[n + 3]);
    }
    this.stroke(colour, width, alpha);
  }
  stroke(colour, width, alpha = 1) {
    const c = this.context;
    Object.assign(c, { strokeStyle: colour, lineWidth: width, globalAlpha: alpha });
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 1;
  }
  dots(centres, radius, fill, edge = "transparent", width = 0.8) {
    const c = this.context;
    c.beginPath();
    for (const [x, y] of centres) {
      c.moveTo(x + radius, y);
      c.arc(x, y, radius, 0, 2 * Math.PI);
    }
    c.fillStyle = fill;
    c.fill();
    this.stroke(edge, width);
  }
  rect(x, y, width, height, fill) {
    this.context.fillStyle = fill;
    this.context.fillRect(x, y, width, height);
  }
  text(x, y, words, { size = 12, colour, align = "left", bold = false }) {
    const look = { fillStyle: colour, textAlign: align, textBaseline: "middle" };
    Object.assign(this.context, { ...look, font: `${bold ? "600 " : ""}${size}px ${FONT}` });
    this.context.fillText(words, x, y);
  }
  image(picture, x, y, width, height, smooth) {
    this.context.imageSmoothingEnabled = smooth;
    this.context.drawImage(picture, x, y, width, height);
  }
  /** Draw in a box, from its corner on and not beyond its edges. */
  inside({ x, y, width, height }, draw) {
    const c = this.context;
    c.save();
    c.beginPath();
    c.rect(x, y, width, height);
    c.clip();
    c.translate(x, y);
    draw();
    c.restore();
  }
}

/** Writes SVG; the same methods. */
class SvgPen {
  constructor() { this.parts = []; }
  add(tag, attributes, content = "") {
    const text = Object.entries(attributes)
      .map(([name, value]) => ` ${name}="${typeof value === "number" ? round(value) : value}"`);
    this.parts.push(`<${tag}${text.join("")}>${content}</${tag}>`);
  }
  lines(ends, colour, width, { alpha = 1, dash = [] } = {}) {
    let d = "";
    for (let n = 0; n < ends.length; n += 4)
      d += `M${round(ends[n])} ${round(ends[n + 1])}L${round(ends[n + 2])} ${round(ends[n + 3])}`;
    const look = { stroke: colour, "stroke-width": width, "stroke-opacity": alpha };
    this.add("path", { d, ...look, "stroke-dasharray": dash.join(" ") });
  }
  dots(centres, r, fill, edge = "none", width = 0.8) {
    for (const [cx, cy] of centres)
      this.add("circle", { cx, cy, r, fill, stroke: edge, "stroke-width": width });
  }
  rect(x, y, width, height, fill) { this.add("rect", { x, y, width, height, fill }); }
  text(x, y, words, { size = 12, colour, align = "left", bold = false }) {
    const anchor = { left: "start", center: "middle", right: "end" }[align];
    const look = { "font-size": size, "text-anchor": anchor, "font-weight": bold ? 600 : 400 };
    const place = { x, y, "dominant-baseline": "central", fill: colour, "font-family": FONT };
    this.add("text", { ...place, ...look }, escaped(words));
  }
  image(picture, x, y, width, height, smooth) {
    const look = { style: `image-rendering:${smooth ? "auto" : "pixelated"}` };
    const href = picture.toDataURL();
    this.add("image", { x, y, width, height, preserveAspectRatio: "none", href, ...look });
  }
  inside({ x, y, width, height }, draw) {
    const outer = this.parts;
    this.parts = [];
    draw();
    const content = this.parts.join("");
    this.parts = outer;
    this.add("svg", { x, y, width, height }, content);
  }
}
