// The element <flight-viewer>: panels, transport, plots, and one clock for all of them.

const SPEEDS = [0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 4];
const HALF_WIDTH = 6; // cm, of a panel that follows its moth
const NEAR = 8; // cm: what is farther from its target does not widen the picture

/** An element with properties and children; `class` and `aria` are written as attributes. */
function make(tag, { class: classes, aria, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (classes) element.className = classes;
  if (aria) element.setAttribute('aria-label', aria);
  element.append(...children);
  return element;
}

const ICONS = { play: 'M3.5 1.5v13l11-6.5z', pause: 'M3 2h3.6v12H3zM9.4 2H13v12H9.4z' };

function icon() {
  const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  drawing.setAttribute('viewBox', '0 0 16 16');
  drawing.append(document.createElementNS('http://www.w3.org/2000/svg', 'path'));
  return drawing;
}

class FlightViewer extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const data = JSON.parse(this.querySelector('script').textContent);
    const targets = data.targets.map((target) => new Curve(decode(target.motion), 4, target.period));
    this.tracks = data.moths.map((moth) => new Track(moth, targets));
    this.duration = Math.max(...this.tracks.map((track) => track.target.end)) || 1e-9;
    this.period = Math.min(...this.tracks.map((track) => track.period));
    this.style_ = data.style;
    Object.assign(this, { time: 0, speed: 1, playing: false, arrows: true, together: false, zoom: 1, offset: [0, 0] });
    this.frames = this.overview();
    this.follow = Math.max(...this.frames.half) > 9;
    this.attachShadow({ mode: 'open' }).append(make('style', { textContent: VIEWER_STYLE }), this.build(data));
    this.arrange();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this);
    if (this.hasAttribute('autoplay') && !matchMedia('(prefers-reduced-motion: reduce)').matches) this.play();
  }

  /** The middle, and half the width and height, cm, of all that is flown, without what strays far from its target. */
  overview() {
    const low = [Infinity, Infinity], high = [-Infinity, -Infinity];
    for (const track of this.tracks) {
      for (let row = 0; row * track.period <= track.target.end; row++) {
        const time = row * track.period, places = [track.aim(time)];
        if (row < track.motion.rows && track.error(time) < NEAR) places.push(track.state(time));
        for (const place of places) {
          for (const c of [0, 1]) {
            low[c] = Math.min(low[c], place[c]);
            high[c] = Math.max(high[c], place[c]);
          }
        }
      }
    }
    return { middle: [0, 1].map((c) => (low[c] + high[c]) / 2), half: [0, 1].map((c) => (high[c] - low[c]) / 2 + 3.5) };
  }

  build(data) {
    this.panels = make('div', { class: 'panels' });
    const shown = QUANTITIES.filter(({ wings }) => !wings || this.tracks.some((track) => track.body.wing_torque_limit));
    this.plots = shown.map((quantity, i) => new Plot(make('canvas', { class: i === shown.length - 1 ? 'plot last' : 'plot' }),
      quantity, this.tracks, this.duration, this.style_, i === shown.length - 1));
    const plots = make('div', { class: 'plots' }, ...this.plots.map((plot) =>
      make('figure', {}, make('figcaption', { textContent: plot.quantity.label }), plot.canvas)));
    const title = make('h1', { textContent: data.title, hidden: !data.title });
    return make('main', {}, title, this.panels, this.transport(), plots, make('footer', {}, ...this.keys()));
  }

  keys() {
    const keys = [['space', 'play'], ['← →', 'a decision'], ['⇧ ← →', 'a second'], ['[ ]', 'speed'], ['+ −', 'zoom'],
      ['f', 'follow'], ['a', 'arrows'], ['t', 'together'], ['0', 'whole view']];
    const legend = make('p', { class: 'legend' });
    for (const [name, text] of [['target', 'target'], ['force', 'force'], ['torque', 'torque on the abdomen']]) {
      const swatch = make('i');
      swatch.style.background = this.style_[name];
      legend.append(make('span', {}, swatch, text));
    }
    return [legend, make('p', { class: 'keys' }, ...keys.map(([key, does]) => make('span', {}, make('kbd', { textContent: key }), does)))];
  }

  transport() {
    const button = (name, aria, does, text) => {
      const element = make('button', { class: name, type: 'button', aria, onclick: (event) => {
        does();
        if (event.detail) element.blur(); // a click leaves the space bar to play and pause
      } }, text);
      return (this.buttons[name] = element);
    };
    this.buttons = {};
    this.scrubber = make('input', { type: 'range', min: 0, max: this.duration, step: 'any', value: 0, aria: 'time',
      oninput: () => this.seek(+this.scrubber.value) });
    this.clock = make('output', { class: 'clock' });
    this.speeds = make('select', { aria: 'speed', onchange: () => this.setSpeed(+this.speeds.value) },
      ...SPEEDS.map((speed) => make('option', { value: speed, textContent: `${speed}×` })));
    this.speeds.value = this.speed;
    const row = make('div', { class: 'scrub' }, button('play', 'play', () => this.toggle(), icon()), this.scrubber);
    const controls = make('div', { class: 'controls' }, this.clock, this.speeds,
      make('span', { class: 'group' }, button('out', 'zoom out', () => this.zoomBy(1 / 1.25), '−'),
        button('in', 'zoom in', () => this.zoomBy(1.25), '+')),
      button('follow', 'follow the moth', () => this.set('follow', !this.follow), 'follow'),
      button('arrows', 'show force and torque', () => this.set('arrows', !this.arrows), 'arrows'),
      button('together', 'all moths in one panel', () => this.set('together', !this.together), 'together'));
    this.buttons.together.hidden = this.tracks.length < 2;
    return make('nav', { class: 'transport' }, row, controls);
  }

  /** Panels for the moths: one each, or one for all. */
  arrange() {
    const groups = this.together ? [this.tracks] : this.tracks.map((track) => [track]);
    this.views = groups.map((tracks) => {
      const canvas = make('canvas');
      const lines = tracks.map((track) => {
        const chip = make('i'), error = make('b');
        chip.style.background = track.colour;
        const digits = { minimumSignificantDigits: 2, maximumSignificantDigits: 2 };
        const rms = make('small', { textContent: track.lost ? '' : `rms ${track.rms.toLocaleString('en', digits)} cm` });
        return { track, error, line: make('span', {}, chip, make('em', { textContent: track.name }), error, rms) };
      });
      const panel = make('figure', { class: 'panel' }, canvas, make('figcaption', {}, ...lines.map(({ line }) => line)));
      return { canvas, tracks, lines, panel };
    });
    this.panels.replaceChildren(...this.views.map((view) => view.panel));
    this.panels.dataset.count = groups.length;
    for (const view of this.views) this.handle(view);
    for (const name of ['follow', 'arrows', 'together']) this.buttons[name].setAttribute('aria-pressed', this[name]);
    this.resize();
  }

  listen() {
    const keyboard = this.hasAttribute('page') ? document : this;
    if (keyboard === this) this.tabIndex = 0;
    keyboard.addEventListener('keydown', (event) => this.press(event));
    for (const plot of this.plots) {
      const scrub = (event) => this.seek(plot.time(event.clientX));
      plot.canvas.addEventListener('pointerdown', (event) => {
        plot.canvas.setPointerCapture(event.pointerId);
        scrub(event);
      });
      plot.canvas.addEventListener('pointermove', (event) => event.buttons && scrub(event));
    }
  }

  press(event) {
    const at = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if ((at.tagName === 'BUTTON' || at.tagName === 'SELECT') && [' ', 'Enter', 'ArrowUp', 'ArrowDown'].includes(event.key)) return;
    const step = event.shiftKey ? 1 : this.period, faster = SPEEDS.indexOf(this.speed);
    const actions = {
      ' ': () => this.toggle(),
      ArrowRight: () => this.seek(this.time + step), ArrowLeft: () => this.seek(this.time - step),
      Home: () => this.seek(0), End: () => this.seek(this.duration),
      '+': () => this.zoomBy(1.25), '=': () => this.zoomBy(1.25), '-': () => this.zoomBy(1 / 1.25),
      0: () => this.set('zoom', 1, 'offset', [0, 0]),
      '[': () => this.setSpeed(SPEEDS[Math.max(0, faster - 1)]),
      ']': () => this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, faster + 1)]),
      f: () => this.set('follow', !this.follow), a: () => this.set('arrows', !this.arrows),
      t: () => this.tracks.length > 1 && this.set('together', !this.together),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  /** Wheel and pinch zoom, a drag moves the picture. */
  handle(view) {
    const pointers = new Map(), { canvas } = view;
    const spread = () => {
      const [a, b] = [...pointers.values()];
      return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    };
    canvas.addEventListener('wheel', (event) => {
      if (!this.hasAttribute('page') && !event.ctrlKey) return; // a page around it scrolls
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY * 0.0015));
    }, { passive: false });
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, event);
    });
    canvas.addEventListener('pointermove', (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const wide = pointers.size === 2 && spread();
      pointers.set(event.pointerId, event);
      if (wide) return this.zoomBy(spread() / wide);
      const { scale } = view.camera;
      this.set('offset', [this.offset[0] - (event.clientX - before.clientX) / scale,
        this.offset[1] + (event.clientY - before.clientY) / scale]);
    });
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
    canvas.addEventListener('dblclick', () => this.set('zoom', 1, 'offset', [0, 0]));
  }

  set(...pairs) {
    for (let i = 0; i < pairs.length; i += 2) this[pairs[i]] = pairs[i + 1];
    if (pairs[0] === 'follow') this.offset = [0, 0];
    if (['follow', 'arrows'].includes(pairs[0])) this.buttons[pairs[0]].setAttribute('aria-pressed', pairs[1]);
    if (pairs[0] === 'together') this.arrange();
    this.draw();
  }

  zoomBy(factor) {
    this.set('zoom', Math.max(0.2, Math.min(20, this.zoom * factor)));
  }

  setSpeed(speed) {
    this.speed = speed;
    this.speeds.value = speed;
    this.draw();
  }

  seek(time) {
    this.time = Math.max(0, Math.min(this.duration, time));
    this.draw();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.time >= this.duration) this.time = 0;
    this.playing = true;
    this.last = undefined;
    requestAnimationFrame((now) => this.tick(now));
    this.draw();
  }

  pause() {
    this.playing = false;
    this.draw();
  }

  tick(now) {
    if (!this.playing || !this.isConnected) return;
    const passed = Math.min(0.1, (now - (this.last ?? now)) / 1000);
    this.last = now;
    this.time = Math.min(this.duration, this.time + passed * this.speed);
    if (this.time >= this.duration) this.playing = false;
    else requestAnimationFrame((next) => this.tick(next));
    this.draw();
  }

  resize() {
    for (const view of this.views) view.size = fit(view.canvas);
    for (const plot of this.plots) plot.resize();
    this.draw();
  }

  draw() {
    for (const view of this.views) this.drawPanel(view);
    for (const plot of this.plots) plot.draw(this.time);
    this.scrubber.value = this.time;
    const text = `${this.time.toFixed(2)} s`;
    this.clock.textContent = `${text} of ${this.duration.toFixed(2)} s`;
    this.scrubber.setAttribute('aria-valuetext', text);
    const { play } = this.buttons;
    play.setAttribute('aria-label', this.playing ? 'pause' : 'play');
    play.querySelector('path').setAttribute('d', this.playing ? ICONS.pause : ICONS.play);
  }

  drawPanel(view) {
    const { time, style_: style, arrows } = this, { size, tracks } = view, context = view.canvas.getContext('2d');
    const half = this.follow ? [HALF_WIDTH, HALF_WIDTH] : this.frames.half, middle = [...this.frames.middle];
    if (this.follow) {
      const centres = tracks.map((track) => track.centre(time));
      for (const c of [0, 1]) middle[c] = centres.reduce((sum, centre) => sum + centre[c], 0) / centres.length;
    }
    const scale = (this.zoom / 2) * Math.min(size.width / half[0], size.height / half[1]);
    const eye = (view.camera = camera(view, [middle[0] + this.offset[0], middle[1] + this.offset[1]], scale));
    eye.leave(context);
    context.globalAlpha = 1;
    context.fillStyle = style.ground;
    context.fillRect(0, 0, size.width, size.height);
    drawGround(context, eye, size, style);
    for (const { track, error, line } of view.lines) {
      const gone = track.isLost(time), state = track.state(time);
      drawPaths(context, eye, track, time, style);
      context.globalAlpha = gone ? 0.35 : tracks.length > 1 ? 0.85 : 1;
      drawBody(context, eye, state, track.body, style, tracks.length > 1 ? track.colour : style.outline);
      if (arrows && !gone) drawArrows(context, eye, state, track.control(time), track.body, style);
      context.globalAlpha = 1;
      drawTarget(context, eye, track.aim(time), style);
      error.textContent = gone ? `lost after ${track.end.toFixed(2)} s` : `${track.error(time).toFixed(3)} cm`;
      line.classList.toggle('lost', gone);
    }
  }
}

customElements.define('flight-viewer', FlightViewer);
