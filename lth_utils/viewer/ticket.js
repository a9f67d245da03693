// ---------------------------------------------------------------- a ticket as a file

/** A ticket as the npz file that `lth_utils.explorer.load` reads. */
export function ticketFile(run, row) {
  const { e, value, biases } = weightsAt(run, row), trained = run.values[row] === "trained";
  const mask = new Uint8Array(Math.ceil(run.total / 8));
  const values = new Float32Array(run.total + biases.length), unknown = values.slice();
  const before = run.shape.map((_, n) => // weights of earlier layers
    run.shape.slice(0, n).reduce((sum, width, at) => sum + width * run.shape[at + 1], 0));
  e.forEach((one, n) => {
    const layer = run.layerOf[run.source[one]], target = run.target[one] - run.starts[layer + 1];
    const at = before[layer] + target * run.shape[layer] + run.source[one] - run.starts[layer];
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
    initial: npy("<f4", `${values.length},`, trained ? unknown : values),
    ...(trained ? { trained: npy("<f4", `${values.length},`, values) } : {}),
  });
}

/** An array as the bytes of an npy file. */
function npy(type, shape, array) {
  const head = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;
  const padded = head.padEnd(Math.ceil((head.length + 11) / 64) * 64 - 11) + "\n";
  const start = `\x93NUMPY\x01\x00${String.fromCharCode(padded.length & 255, padded.length >> 8)}`;
  const before = Uint8Array.from(start + padded, (c) => c.charCodeAt(0));
  const file = new Uint8Array(before.length + array.byteLength);
  file.set(before);
  file.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), before.length);
  return file;
}

/** The checksum of a zip archive. */
function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** A number as so many bytes, the lowest first. */
const bytes = (n, width) => [...Array(width).keys()].map((at) => (n >>> (8 * at)) & 255);

/** Files as an uncompressed zip archive. */
function zipped(files) {
  const parts = [], directory = [], entries = Object.entries(files);
  let offset = 0;
  for (const [name, content] of entries) {
    const title = [...new TextEncoder().encode(`${name}.npy`)], size = bytes(content.length, 4);
    const about = [ // version, flags, stored, time, date; checksum, sizes, length of the name
      ...[20, 0, 0, 0, 33].flatMap((n) => bytes(n, 2)), ...bytes(crc32(content), 4),
      ...size, ...size, ...bytes(title.length, 2), 0, 0];
    const local = [...bytes(0x04034b50, 4), ...about, ...title];
    directory.push(...bytes(0x02014b50, 4), 20, 0, ...about, ...Array(10).fill(0),
      ...bytes(offset, 4), ...title);
    parts.push(Uint8Array.from(local), content);
    offset += local.length + content.length;
  }
  const count = bytes(entries.length, 2);
  const end = [...bytes(0x06054b50, 4), 0, 0, 0, 0, ...count, ...count,
    ...bytes(directory.length, 4), ...bytes(offset, 4), 0, 0];
  return new Blob([...parts, Uint8Array.from([...directory, ...end])], { type: "application/zip" });
}
