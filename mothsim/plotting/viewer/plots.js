// Plots over time: lines drawn once a size, a cursor drawn every frame.

const GUTTER = 52; // pixels to the left, for the numbers; the stylesheet has the same
const RIGHT = 10, AXIS = 18; // pixels to the right, and below the last plot for the seconds

const degrees = (radians) => (radians * 180) / Math.PI;

/** What is plotted: its label, its value at a time, whether it is held from decision to decision. */
const QUANTITIES = [
  { label: 'error, cm', log: true, at: (track, time) => track.error(time) },
  { label: 'body angle θ, °', at: (track, time) => degrees(track.motion.at(time, 2)) },
  { label: 'bend φ − θ − 180°, °', at: (track, time) => degrees(track.motion.at(time, 3) - track.motion.at(time, 2)) - 180 },
  { label: 'force / weight', held: true, at: (track, time) => track.control(time)[0] / track.body.weight },
  { label: 'abdominal torque, 1000 dyn cm', held: true, at: (track, time) => track.control(time)[2] / 1000 },
  { label: 'wing torque, 1000 dyn cm', held: true, at: (track, time) => track.control(time)[3] / 1000, wings: true },
];

class Plot {
  /** The last of a stack has the seconds under it. */
  constructor(canvas, quantity, tracks, duration, style, last) {
    Object.assign(this, { canvas, quantity, tracks, duration, style, last });
    this.still = document.createElement('canvas');
    this.values = tracks.map((track) =>
      Float64Array.from({ length: track.motion.rows }, (_, row) => quantity.at(track, row * track.period)));
    [this.low, this.high] = this.range();
  }

  /** The lowest and highest value to show. A lost moth's last moments are left out, they would flatten the others. */
  range() {
    let low = Infinity, high = -Infinity;
    this.values.forEach((values, i) => {
      const shown = this.tracks[i].lost ? Math.max(2, values.length - Math.ceil(0.3 / this.tracks[i].period)) : values.length;
      for (const value of values.subarray(0, shown)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    });
    if (this.quantity.log) {
      low = Math.max(low, high / 1e4, 1e-6);
      return [Math.log10(low) - 0.1, Math.log10(Math.max(high, 2 * low)) + 0.1];
    }
    const room = Math.max(0.08 * (high - low), 0.01 * Math.max(Math.abs(high), Math.abs(low)), 1e-6);
    return [low - room, high + room];
  }

  x(time) {
    return GUTTER + (this.size.width - GUTTER - RIGHT) * (time / this.duration);
  }

  y(value) {
    const at = this.quantity.log ? Math.log10(Math.max(value, 1e-12)) : value;
    return 6 + (this.height - 12) * (1 - (at - this.low) / (this.high - this.low));
  }

  /** The time under a place on the page, s. */
  time(clientX) {
    const share = (clientX - this.canvas.getBoundingClientRect().left - GUTTER) / (this.size.width - GUTTER - RIGHT);
    return this.duration * Math.max(0, Math.min(1, share));
  }

  resize() {
    this.size = fit(this.canvas);
    this.height = this.size.height - (this.last ? AXIS : 0);
    Object.assign(this.still, { width: this.canvas.width, height: this.canvas.height });
    const context = this.still.getContext('2d');
    context.setTransform(this.size.dense, 0, 0, this.size.dense, 0, 0);
    this.drawAxes(context);
    context.beginPath();
    context.rect(GUTTER, 0, this.size.width - GUTTER, this.height);
    context.clip();
    this.tracks.forEach((track, i) => this.drawLine(context, track, this.values[i]));
  }

  ticks() {
    const list = [];
    if (this.quantity.log) {
      const every = Math.max(1, Math.round((this.high - this.low) / (this.height / 26)));
      for (let power = Math.ceil(this.low); power <= this.high; power += every) list.push([10 ** power, `${10 ** power}`]);
      if (list.length > 1) return list;
      const [low, high] = [10 ** this.low, 10 ** this.high];
      return [1, 2, 5, 10, 20, 50].map((share) => share * 10 ** Math.floor(this.low))
        .filter((value) => value >= low && value <= high).map((value) => [value, `${+value.toPrecision(2)}`]);
    }
    const step = roundStep((this.high - this.low) / Math.max(2, this.height / 26));
    for (let i = Math.ceil(this.low / step); i * step <= this.high; i++) list.push([i * step, `${+(i * step).toPrecision(6)}`]);
    return list;
  }

  drawAxes(context) {
    const { style, size } = this;
    context.fillStyle = style.ground;
    context.fillRect(GUTTER, 0, size.width - GUTTER - RIGHT, this.height);
    context.font = style.font;
    context.textBaseline = 'middle';
    context.textAlign = 'right';
    context.strokeStyle = style.grid;
    context.fillStyle = style.quiet;
    for (const [value, text] of this.ticks()) {
      const y = Math.round(this.y(value)) + 0.5;
      context.beginPath();
      context.moveTo(GUTTER, y);
      context.lineTo(size.width - RIGHT, y);
      context.stroke();
      context.fillText(text.replace('-', '−'), GUTTER - 6, y);
    }
    const step = roundStep(this.duration / Math.max(2, size.width / 110));
    for (let i = 0; i * step <= this.duration + 1e-9; i++) {
      const x = Math.round(this.x(i * step)) + 0.5;
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, this.height);
      context.stroke();
      if (this.last) {
        context.textAlign = i ? 'center' : 'left';
        context.fillText(`${+(i * step).toPrecision(6)}${i ? '' : ' s'}`, x, size.height - AXIS / 2 + 2);
      }
    }
  }

  /** A line over the decisions; where they are denser than pixels, the lowest and highest of every pixel. */
  drawLine(context, track, values) {
    Object.assign(context, { strokeStyle: track.colour, lineWidth: 1.3, lineJoin: 'round', globalAlpha: 0.9 });
    context.beginPath();
    const dense = values.length > 3 * this.size.width, every = dense ? Math.ceil(values.length / this.size.width) : 1;
    for (let row = 0; row < values.length; row += every) {
      const x = this.x(row * track.period);
      if (dense) {
        const part = values.subarray(row, row + every);
        context.lineTo(x, this.y(Math.min(...part)));
        context.lineTo(x, this.y(Math.max(...part)));
      } else {
        if (this.quantity.held && row) context.lineTo(x, this.y(values[row - 1]));
        context.lineTo(x, this.y(values[row]));
      }
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  draw(time) {
    const context = this.canvas.getContext('2d'), { style, size, quantity, height } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.still, 0, 0);
    context.setTransform(size.dense, 0, 0, size.dense, 0, 0);
    const x = this.x(time);
    context.strokeStyle = style.ink;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, height);
    context.stroke();
    for (const track of this.tracks) {
      if (track.isLost(time)) continue;
      const y = this.y(quantity.at(track, time));
      if (y < 0 || y > height) continue;
      context.fillStyle = track.colour;
      context.strokeStyle = style.ground;
      context.beginPath();
      context.arc(x, y, 4, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
  }
}
