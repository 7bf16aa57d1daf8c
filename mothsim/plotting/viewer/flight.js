// Flights as the page holds them: states and controls at the decisions, and smooth motion in between.

/** Little-endian float32 numbers from base64. */
function decode(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

/** Cubic through values p and q with slopes v and w (per second) at the ends of h seconds, at a share u of them. */
function hermite(p, q, v, w, h, u) {
  const u2 = u * u, u3 = u2 * u;
  return (2 * u3 - 3 * u2 + 1) * p + (3 * u2 - 2 * u3) * q + h * ((u3 - 2 * u2 + u) * v + (u3 - u2) * w);
}

/** Values with their rates, one row a decision every `period` s: `[a, b, ..., rate of a, rate of b, ...]`. */
class Curve {
  constructor(values, width, period) {
    this.values = values;
    this.width = width; // numbers a row, rates included
    this.period = period;
    this.rows = 0; // up to the first that is not a number
    while (this.rows < values.length / width && Number.isFinite(values[this.rows * width])) this.rows++;
    this.end = Math.max(0, this.rows - 1) * period;
  }

  /** The row of the last decision at or before a time, s. */
  row(time) {
    return Math.max(0, Math.min(this.rows - 1, Math.floor(time / this.period + 1e-6)));
  }

  /** Column c at a time, s; constant beyond the ends. */
  at(time, c) {
    const { values, width, period } = this, rates = width / 2, row = this.row(time);
    const here = row * width + c, next = Math.min(row + 1, this.rows - 1) * width + c;
    const share = Math.max(0, Math.min(time, this.end) / period - row);
    return hermite(values[here], values[next], values[here + rates], values[next + rates], period, share);
  }

  /** The first two columns from one time to another as a list of [x, y], `fine` points a period. */
  points(from, to, fine) {
    const list = [], last = Math.min(to, this.end), step = this.period / fine;
    for (let i = Math.ceil(Math.max(0, from) / step); i * step < last; i++) {
      list.push([this.at(i * step, 0), this.at(i * step, 1)]);
    }
    list.push([this.at(last, 0), this.at(last, 1)]);
    return list;
  }
}

/** One moth's flight beside its target. */
class Track {
  constructor(moth, targets) {
    Object.assign(this, { name: moth.name, colour: moth.colour, body: moth.body, lost: moth.lost, rms: moth.rms_error_cm });
    this.motion = new Curve(decode(moth.states), 8, moth.period);
    this.controls = decode(moth.controls);
    this.target = targets[moth.target];
    this.period = moth.period;
    this.end = this.motion.end;
  }

  /** Position of the joint and the two angles: [x, y, theta, phi], cm and rad. */
  state(time) {
    return [0, 1, 2, 3].map((c) => this.motion.at(time, c));
  }

  /** The control held at a time: [force, angle, abdomen_torque, wing_torque], dyn, rad, dyn cm. */
  control(time) {
    const row = this.motion.row(time);
    return this.controls.subarray(4 * row, 4 * row + 4);
  }

  aim(time) {
    return [this.target.at(time, 0), this.target.at(time, 1)];
  }

  /** Distance from the target at the last decision, as the measures have it, cm. */
  error(time) {
    const decision = this.motion.row(time) * this.period, aim = this.aim(decision);
    return Math.hypot(this.motion.at(decision, 0) - aim[0], this.motion.at(decision, 1) - aim[1]);
  }

  isLost(time) {
    return this.lost && time > this.end;
  }

  /** Where a camera that follows the moth looks: its path, smoothed over half a second. */
  centre(time) {
    if (!this.smooth) this.smooth = [0, 1].map((c) => smoothed(this.motion, c, Math.round(0.25 / this.period)));
    const { rows } = this.motion, place = Math.min(rows - 1, Math.max(0, time / this.period));
    const row = Math.min(rows - 1, Math.floor(place)), next = Math.min(row + 1, rows - 1);
    return this.smooth.map((line) => line[row] + (place - row) * (line[next] - line[row]));
  }
}

/** Column c of a curve at its decisions, twice averaged over `half` decisions to either side. */
function smoothed(curve, c, half) {
  let line = Float64Array.from({ length: curve.rows }, (_, row) => curve.values[row * curve.width + c]);
  for (let pass = 0; pass < 2; pass++) {
    const sums = new Float64Array(line.length + 1);
    line.forEach((value, row) => (sums[row + 1] = sums[row] + value));
    line = line.map((_, row) => {
      const reach = Math.min(half, row, line.length - 1 - row);
      return (sums[row + reach + 1] - sums[row - reach]) / (2 * reach + 1);
    });
  }
  return line;
}
