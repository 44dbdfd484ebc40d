// What the browser does by itself: say what is under the pointer, and draw boxes.
// SURFACES, [[name, colour], ...] by index, stands before this file.
(() => {
  const cache = new WeakMap();

  // The bytes I, U, V of every pixel of the views; a canvas would not do, since some browsers
  // answer with altered pixels.
  function valuesOf(views) {
    if (!cache.has(views)) {
      cache.set(views, null);
      fetch(views.dataset.values)
        .then((answer) => { if (!answer.ok) throw new Error(answer.status); return answer.arrayBuffer(); })
        .then((buffer) => {
          cache.set(views, new Uint8Array(buffer));
          views.dataset.ready = '';
        })
        .catch(() => cache.delete(views));
    }
    return cache.get(views);
  }

  // The place in a frame as a share of its sides.
  function place(frame, event) {
    const box = frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
      .map((share) => Math.min(Math.max(share, 0), 1));
  }

  function tip() {
    let tip = document.querySelector('.ktn-tip');
    if (!tip) {
      tip = document.createElement('div');
      tip.className = 'ktn-tip';
      tip.setAttribute('role', 'status');
      document.body.append(tip);
    }
    return tip;
  }

  function hide() {
    tip().style.display = 'none';
    document.querySelectorAll('.ktn-cross').forEach((cross) => { cross.style.display = 'none'; });
  }

  function show(event) {
    const view = event.target.closest?.('.ktn-view');
    if (!view) return hide();
    const views = view.closest('.ktn-views');
    const values = valuesOf(views);
    if (!values) return hide();
    const [width, height, fullWidth, fullHeight] =
      ['width', 'height', 'fullWidth', 'fullHeight'].map((key) => Number(views.dataset[key]));
    const [left, top] = place(view, event);
    const column = Math.min(Math.floor(left * width), width - 1);
    const row = Math.min(Math.floor(top * height), height - 1);
    const [index, u, v] = values.subarray(3 * (row * width + column));
    // The pixel of the whole picture from which these values were taken.
    const x = Math.floor((2 * column + 1) * fullWidth / (2 * width));
    const y = Math.floor((2 * row + 1) * fullHeight / (2 * height));
    const [name, color] = SURFACES[index];
    const said = document.createElement('small');
    said.textContent = (index ? `I ${index}   U ${(u / 255).toFixed(2)}   V ${(v / 255).toFixed(2)}   ` : '')
      + `x ${x}, y ${y}`;
    const swatch = document.createElement('i');
    swatch.style.background = color;
    const box = tip();
    box.replaceChildren(swatch, name, said);
    box.style.display = 'block';
    const lift = event.pointerType === 'touch' ? box.offsetHeight + 28 : -18;
    const x0 = Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 6);
    const y0 = Math.min(Math.max(event.clientY - lift, 6), innerHeight - box.offsetHeight - 6);
    box.style.left = `${Math.max(x0, 6)}px`;
    box.style.top = `${y0}px`;
    views.querySelectorAll('.ktn-cross').forEach((cross) => {
      cross.style.display = 'block';
      cross.style.left = `${100 * (column + 0.5) / width}%`;
      cross.style.top = `${100 * (row + 0.5) / height}%`;
    });
  }

  // The text field is what counts; drawing writes into it.
  const own = () => document.querySelector('#ktn-who input[value="own"]');
  const field = () => document.querySelector('#ktn-boxes textarea, #ktn-boxes input');

  function write(text) {
    const box = field();
    const prototype = box.tagName === 'TEXTAREA' ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(prototype.prototype, 'value').set.call(box, text);
    box.dispatchEvent(new Event('input', { bubbles: true }));
  }

  const rows = (text) => text.split(/[;\n]/).map((row) => row.trim()).filter(Boolean);

  let drawing = null;  // {stage, start, end} in pixels of the picture

  function pixel(stage, event) {
    const [left, top] = place(stage, event);
    return [Math.round(left * stage.dataset.width), Math.round(top * stage.dataset.height)];
  }

  function paint() {
    const stage = document.querySelector('.ktn-stage');
    if (!stage || !field()) return;
    // Boxes that are not asked for would look like what a detector found.
    const boxes = rows(own()?.checked ? field().value : '').map((row) => row.split(',').map(Number))
      .filter((row) => row.length >= 4 && row.every(Number.isFinite));
    if (drawing && drawing.stage === stage) boxes.push(corners(drawing));
    const state = JSON.stringify(boxes);
    const svg = stage.querySelector('svg');
    if (svg.dataset.state === state) return;
    svg.dataset.state = state;
    svg.replaceChildren(...boxes.map(([x1, y1, x2, y2]) => {
      const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      Object.entries({ x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) })
        .forEach(([key, value]) => rect.setAttribute(key, value));
      return rect;
    }));
  }

  const corners = ({ start, end }) => [
    Math.min(start[0], end[0]), Math.min(start[1], end[1]),
    Math.max(start[0], end[0]), Math.max(start[1], end[1])];

  document.addEventListener('pointerdown', (event) => {
    show(event);
    const stage = event.target.closest?.('.ktn-stage');
    // A finger scrolls the page unless boxes are what is asked for.
    if (!stage || event.button || (event.pointerType === 'touch' && !own()?.checked)) return;
    const start = pixel(stage, event);
    drawing = { stage, start, end: start };
    event.preventDefault();
  });
  document.addEventListener('pointermove', (event) => {
    if (!drawing) return show(event);
    drawing.end = pixel(drawing.stage, event);
    paint();
  });
  document.addEventListener('pointerup', (event) => {
    if (!drawing) return;
    drawing.end = pixel(drawing.stage, event);
    const [x1, y1, x2, y2] = corners(drawing);
    const small = Math.min(x2 - x1, y2 - y1) < 0.01 * Math.max(...Object.values(drawing.stage.dataset));
    drawing = null;
    if (!small) {
      write([...rows(field().value), [x1, y1, x2, y2].join(',')].join('; '));
      own()?.click();
    }
    paint();
  });
  document.addEventListener('pointercancel', () => { drawing = null; hide(); paint(); });
  document.addEventListener('scroll', hide, { capture: true, passive: true });

  document.addEventListener('click', (event) => {
    const tool = event.target.closest?.('[data-ktn]')?.dataset.ktn;
    if (tool === 'undo') write(rows(field().value).slice(0, -1).join('; '));
    if (tool === 'clear') write('');
    const thumb = event.target.closest?.('.ktn-thumb');
    if (thumb) document.querySelector(`#${thumb.dataset.button}`)?.click();
  });

  let seen = null;
  // gradio changes the field, the stage and the results without telling.
  setInterval(() => {
    paint();
    document.querySelector('.ktn-stage')?.classList.toggle('ktn-drawing', Boolean(own()?.checked));
    const views = document.querySelector('.ktn-views');
    if (views === seen) return;
    hide();
    seen = views;
    if (!views) return;
    valuesOf(views);
    // On a small screen they lie far below the button.
    const head = document.querySelector('#ktn-results');
    if (head.getBoundingClientRect().top > innerHeight * 0.8) head.scrollIntoView({ behavior: 'smooth' });
  }, 200);
})();
