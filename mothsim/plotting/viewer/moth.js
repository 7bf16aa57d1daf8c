// The scene: a moth as the figures draw it (mothsim.plotting.moth_shape), its target, its arrows, the ground it flies over.

/** A canvas in CSS pixels, whatever the screen's density. */
function fit(canvas) {
  const box = canvas.getBoundingClientRect(), dense = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(box.width * dense)), height = Math.max(1, Math.round(box.height * dense));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return { width: width / dense, height: height / dense, dense };
}

/** What a panel shows: the point in its middle, cm, and pixels a cm. */
function camera(panel, middle, scale) {
  const { width, height, dense } = panel.size;
  return {
    scale,
    place: (x, y) => [width / 2 + (x - middle[0]) * scale, height / 2 - (y - middle[1]) * scale],
    left: middle[0] - width / 2 / scale, right: middle[0] + width / 2 / scale,
    low: middle[1] - height / 2 / scale, high: middle[1] + height / 2 / scale,
    /** Draw in cm, y up, with the origin at (x, y), turned by an angle. */
    enter: (context, x = 0, y = 0, angle = 0) => {
      const c = Math.cos(angle) * scale * dense, s = Math.sin(angle) * scale * dense;
      context.setTransform(c, -s, -s, -c,
        (width / 2 + (x - middle[0]) * scale) * dense, (height / 2 - (y - middle[1]) * scale) * dense);
    },
    leave: (context) => context.setTransform(dense, 0, 0, dense, 0, 0),
  };
}

/** A round number near a wanted step: 1, 2 or 5 times a power of ten. */
function roundStep(wanted) {
  const power = 10 ** Math.floor(Math.log10(wanted)), share = wanted / power;
  return power * (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10);
}

/** Lines of a grid about 60 pixels apart, and the length of one square as a scale bar. */
function drawGround(context, view, size, style) {
  const step = roundStep(60 / view.scale);
  context.strokeStyle = style.grid;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = Math.ceil(view.left / step) * step; x <= view.right; x += step) {
    const at = Math.round(view.place(x, 0)[0]) + 0.5;
    context.moveTo(at, 0);
    context.lineTo(at, size.height);
  }
  for (let y = Math.ceil(view.low / step) * step; y <= view.high; y += step) {
    const at = Math.round(view.place(0, y)[1]) + 0.5;
    context.moveTo(0, at);
    context.lineTo(size.width, at);
  }
  context.stroke();
  const length = step * view.scale, right = size.width - 12, base = size.height - 12;
  context.strokeStyle = context.fillStyle = style.quiet;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(right - length, base - 4);
  context.lineTo(right - length, base);
  context.lineTo(right, base);
  context.lineTo(right, base - 4);
  context.stroke();
  context.font = style.font;
  context.textAlign = 'center';
  context.fillText(step >= 1 ? `${step} cm` : `${Math.round(step * 1e4) / 1e3} mm`, right - length / 2, base - 6);
}

function strokePoints(context, view, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(...view.place(x, y));
  context.stroke();
}

/** The target's way, the moth's trail of the last second and a half, and where the target is now. */
function drawPaths(context, view, track, time, style) {
  Object.assign(context, { lineCap: 'round', lineJoin: 'round', strokeStyle: style.target, lineWidth: 3.5 });
  context.globalAlpha = 0.28;
  strokePoints(context, view, visible(track.target, time));
  context.strokeStyle = track.colour;
  context.globalAlpha = 0.3;
  context.lineWidth = 1.2;
  strokePoints(context, view, track.motion.points(time - 8, time, 1));
  context.globalAlpha = 0.95;
  context.lineWidth = 2;
  strokePoints(context, view, track.motion.points(time - 1.5, time, 3));
  context.globalAlpha = 1;
}

/** All of a target's path where it is short, else ten seconds to either side of a time; it is kept while it can be. */
function visible(target, time) {
  const from = target.end <= 20 ? 0 : 5 * Math.floor(time / 5) - 10;
  if (!target.shown || target.shownFrom !== from) {
    target.shownFrom = from;
    target.shown = target.points(from, target.end <= 20 ? target.end : from + 25, 2);
  }
  return target.shown;
}

function drawTarget(context, view, [x, y], style) {
  const [px, py] = view.place(x, y), r = Math.max(5, Math.min(9, 0.45 * view.scale)), half = 0.6 * r;
  context.strokeStyle = style.target;
  context.lineWidth = r / 4.5;
  context.beginPath();
  context.arc(px, py, r, 0, 2 * Math.PI);
  context.moveTo(px - half, py);
  context.lineTo(px + half, py);
  context.moveTo(px, py - half);
  context.lineTo(px, py + half);
  context.stroke();
}

/** Abdomen, head-thorax and joint; lengths in cm, lines in pixels. */
function drawBody(context, view, [x, y, theta, phi], body, style, outline) {
  const pixel = 1 / view.scale, thin = Math.min(1.5, Math.max(0.6, view.scale / 25)) * pixel;
  const ellipse = (cx, a, b, fill, line) => {
    context.beginPath();
    context.ellipse(cx, 0, a, b, 0, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
    if (line) context.stroke();
  };
  const { head_half_length: a1, head_half_width: b1, abdomen_half_length: a2, abdomen_half_width: b2 } = body;
  view.enter(context, x, y, phi);
  context.strokeStyle = outline;
  context.lineWidth = 2 * thin;
  if (body.petiole > 0) {
    context.beginPath();
    context.moveTo(0, 0);
    context.lineTo(body.petiole, 0);
    context.stroke();
  }
  context.lineWidth = thin;
  ellipse(body.abdomen_distance, a2, b2, style.abdomen, true);
  context.globalAlpha *= 0.55;
  for (const at of style.bands) {
    ellipse(body.abdomen_distance + at * a2, 0.06 * a2, 0.96 * b2 * Math.sqrt(1 - at * at), style.band, false);
  }
  context.globalAlpha /= 0.55;

  view.enter(context, x, y, theta);
  context.strokeStyle = outline;
  context.lineWidth = 1.3 * thin;
  const root = body.head_distance + 0.85 * a1;
  for (const side of [1, 0.5]) {
    context.beginPath();
    for (let i = 0; i <= 11; i++) {
      const along = i / 11;
      context.lineTo(root + 0.62 * a1 * Math.sin(along * 1.4), side * b1 * (0.25 + 0.9 * along ** 1.5));
    }
    context.stroke();
  }
  context.lineWidth = thin;
  ellipse(body.head_distance, a1, b1, style.thorax, true);
  const disc = (cx, cy, r, fill, line) => {
    context.beginPath();
    context.arc(cx, cy, r, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
    if (line) context.stroke();
  };
  const eye = body.head_distance + 0.62 * a1;
  disc(eye, 0.12 * b1, 0.26 * b1, style.outline, false);
  disc(eye + 0.08 * b1, 0.2 * b1, 0.08 * b1, style.paper, false);
  disc(0, 0, 0.13, style.paper, true);
  view.leave(context);
}

/** The force as a straight arrow from where it acts; torques as bent arrows: the abdomen's about the joint. */
function drawArrows(context, view, [x, y, theta, phi], [force, angle, abdomenTorque, wingTorque], body, style) {
  const from = [x + body.force_distance * Math.cos(theta), y + body.force_distance * Math.sin(theta)];
  const length = style.arrow * Math.sqrt(Math.max(0, force / body.weight));
  const tip = [from[0] + length * Math.cos(angle + theta), from[1] + length * Math.sin(angle + theta)];
  const [x0, y0] = view.place(...from), [x1, y1] = view.place(...tip);
  context.strokeStyle = context.fillStyle = style.force;
  context.lineWidth = 2.5;
  context.lineCap = 'butt';
  const pixels = Math.hypot(x1 - x0, y1 - y0), point = Math.min(11, pixels);
  if (pixels > 0.5) {
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1 - (x1 - x0) * point / pixels, y1 - (y1 - y0) * point / pixels);
    context.stroke();
    arrowHead(context, x1, y1, Math.atan2(y1 - y0, x1 - x0), point);
  }
  context.strokeStyle = context.fillStyle = style.torque;
  // A positive torque at the joint lowers the bend phi - theta: it turns the abdomen clockwise.
  drawTurn(context, view, [x, y], phi, -abdomenTorque / body.weight, 1.25);
  drawTurn(context, view, from, theta, wingTorque / body.weight, 0.7);
}

/** A bent arrow about a point from a direction, counterclockwise where positive: one radian at a torque of weight times cm. */
function drawTurn(context, view, [x, y], direction, torque, radius) {
  const sweep = Math.sign(torque) * Math.min(2.6, Math.sqrt(Math.abs(torque)));
  if (!(Math.abs(sweep) > 0.08)) return;
  const [px, py] = view.place(x, y), r = radius * view.scale, end = direction + sweep;
  const point = Math.min(9, Math.abs(sweep) * r), stop = end - (Math.sign(sweep) * 0.8 * point) / r;
  context.lineWidth = 2.2;
  context.beginPath();
  context.arc(px, py, r, -direction, -stop, sweep > 0);
  context.stroke();
  const heading = -end - (Math.sign(sweep) * (Math.PI / 2 - point / r / 2));
  arrowHead(context, px + r * Math.cos(end), py - r * Math.sin(end), heading, point);
}

function arrowHead(context, x, y, heading, length) {
  const c = Math.cos(heading) * length, s = Math.sin(heading) * length;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x - c + 0.45 * s, y - s - 0.45 * c);
  context.lineTo(x - c - 0.45 * s, y - s + 0.45 * c);
  context.fill();
}
