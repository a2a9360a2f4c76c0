"use strict";
// The loss, and what is inside the layers.

const curve = { steps: [], batch: [], test: [], every: 1, waiting: 0 };

function clearCurve() {
  Object.assign(curve, { steps: [], batch: [], test: [], every: 1, waiting: 0 });
}

// Of long runs every second, every fourth, … entry.
function addToCurve(step, batch, test) {
  if (curve.waiting-- > 0) return;
  curve.waiting = curve.every - 1;
  curve.steps.push(step);
  curve.batch.push(batch);
  curve.test.push(test);
  if (curve.steps.length < 600) return;
  for (const name of ["steps", "batch", "test"]) curve[name] = curve[name].filter((_, i) => i % 2 === 0);
  curve.every *= 2;
}

function drawLosses() {
  const palette = colours();
  const canvas = byId("losses");
  const { context, width, height } = sharpen(canvas);
  const finite = [...curve.batch, ...curve.test].filter((v) => Number.isFinite(v) && v > 0).concat(Math.LN2);
  const low = Math.floor(Math.log10(Math.max(Math.min(...finite), 1e-6)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...finite))));
  const left = 44, bottom = 18, last = curve.steps[curve.steps.length - 1] || 1;
  const x = (step) => left + (step / last) * (width - left - 6);
  const y = (loss) => 6 + ((high - Math.log10(Math.max(loss, 1e-9))) / (high - low)) * (height - bottom - 10);
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (let power = low; power <= high; ++power) {
    context.fillStyle = palette.soft;
    context.fillText(String(Number((10 ** power).toPrecision(1))), left - 6, y(10 ** power));
    context.fillStyle = palette.grid;
    context.fillRect(left, y(10 ** power), width - left, 1);
  }
  context.fillStyle = palette.soft;
  context.fillText(`${last} steps`, width - 4, height - 8);
  const line = (values, steps, colour, dash, thick) => {
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.setLineDash(dash);
    context.beginPath();
    let open = false;
    values.forEach((value, i) => {
      if (!Number.isFinite(value)) open = false;
      else if (open) context.lineTo(x(steps[i]), y(value));
      else { context.moveTo(x(steps[i]), y(value)); open = true; }
    });
    context.stroke();
  };
  line([Math.LN2, Math.LN2], [0, last], palette.soft, [1, 3], 1);
  line(curve.batch, curve.steps, palette.batch, [], 1.5);
  line(curve.test, curve.steps, palette.asked, [6, 3], 2.5);
  context.setLineDash([]);
  const end = curve.steps.length - 1;
  canvas.setAttribute("aria-label", end < 0 ? "Loss: nothing learnt yet"
    : `Loss over ${last} steps, on a logarithmic scale: of batches from ${shown(curve.batch[0])} to ${shown(curve.batch[end])}, of test points ${shown(curve.test[end])}`);
}

function drawHistogram(canvas, histogram, range, colour, name) {
  const palette = colours();
  const { context, width, height } = sharpen(canvas);
  const most = Math.max(1, ...histogram.bins), floor = height - 15;
  const bar = width / histogram.bins.length;
  context.fillStyle = palette.grid;
  context.fillRect(0, floor, width, 1);
  context.fillRect(((0 - range[0]) / (range[1] - range[0])) * width - 0.5, 0, 1, floor);
  context.fillStyle = palette[colour];
  histogram.bins.forEach((count, i) => {
    const tall = (count / most) * (floor - 4);
    context.fillRect(i * bar + 0.5, floor - tall, Math.max(1, bar - 1), tall);
  });
  context.fillStyle = palette.soft;
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "bottom";
  context.textAlign = "left";
  context.fillText(shown(range[0], 2), 0, height);
  context.textAlign = "right";
  context.fillText(shown(range[1], 2), width, height);
  const words = `mean ${shown(histogram.mean)}, deviation ${shown(histogram.std)}, zeros ${Math.round(100 * histogram.zeros)} %`;
  canvas.setAttribute("aria-label", `${name}: ${words}`);
  canvas.nextElementSibling.textContent = words;
}

// A column for each unit: a line for what is remembered, a dot for the batch, a square for what was asked.
function drawStatistics(canvas, running, batch, asked, name) {
  const palette = colours();
  const { context, width, height } = sharpen(canvas);
  const all = [...running, ...(batch || []), ...(asked || [])].filter((v) => v !== null);
  const low = Math.min(0, ...all), high = Math.max(...all, low + 1e-6);
  const left = 34, column = (width - left) / running.length, mark = Math.min(3.5, Math.max(1.5, column / 2.6));
  const y = (value) => height - 6 - ((value - low) / (high - low)) * (height - 12);
  context.fillStyle = palette.soft;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(shown(high, 2), left - 5, Math.max(7, y(high)));
  context.fillText(shown(low, 2), left - 5, Math.min(height - 7, y(low)));
  context.fillStyle = palette.grid;
  context.fillRect(left, y(0), width - left, 1);
  running.forEach((value, i) => {
    const x = left + (i + 0.5) * column;
    const others = [value, batch && batch[i], asked && asked[i]].filter((v) => v !== null && v !== undefined).map(y);
    context.fillStyle = palette.edge;
    context.fillRect(x - 0.5, Math.min(...others), 1, Math.max(...others) - Math.min(...others));
    if (asked && asked[i] !== null) {
      context.strokeStyle = palette.asked;
      context.lineWidth = 1.5;
      context.strokeRect(x - mark, y(asked[i]) - mark, 2 * mark, 2 * mark);
    }
    if (batch && batch[i] !== null) {
      context.fillStyle = palette.batch;
      context.beginPath();
      context.arc(x, y(batch[i]), mark * 0.8, 0, 2 * Math.PI);
      context.fill();
    }
    if (value !== null) {
      context.fillStyle = palette.running;
      context.fillRect(x - column * 0.45, y(value) - 1, Math.max(2, column * 0.9), 2);
    }
  });
  canvas.setAttribute("aria-label", `${name} of ${running.length} units`);
}

const root = (values) => values && values.map((v) => (v === null ? null : Math.sqrt(v)));

// The geometric mean over units of a running variance divided by another.
function quotient(running, other) {
  if (!other) return NaN;
  const logs = running.map((v, i) => Math.log(v / other[i])).filter(Number.isFinite);
  return logs.length > 0 ? Math.exp(logs.reduce((a, b) => a + b, 0) / logs.length) : NaN;
}

function chart(title, kind) {
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  canvas.dataset.kind = kind;
  return [element("h4", { textContent: title }), canvas, element("p")];
}

function buildLayers(seen) {
  byId("layer-list").replaceChildren(...seen.layers.map((layer, i) => {
    const box = element("div", { className: "layer" }, element("h3", { textContent: `Hidden layer ${i + 1}` }),
      ...chart("Activations", "activations"), ...chart("Gradients of the loss by them", "gradients"));
    if (layer.norm) box.append(...chart("BatchNorm: means", "means"), ...chart("BatchNorm: deviations", "deviations"));
    return box;
  }));
}

function drawLayers(seen) {
  const list = byId("layer-list");
  const shape = seen.layers.map((layer) => (layer.norm ? "n" : "-")).join("");
  if (list.dataset.shape !== shape) buildLayers(seen);
  list.dataset.shape = shape;
  byId("norm-note").hidden = !shape.includes("n");
  seen.layers.forEach((layer, i) => {
    const of = (kind) => list.children[i].querySelector(`[data-kind=${kind}]`);
    const name = `Hidden layer ${i + 1}`;
    drawHistogram(of("activations"), layer.activations, seen.activations, "asked", `${name}, activations`);
    drawHistogram(of("gradients"), layer.gradients, seen.gradients, "second", `${name}, gradients`);
    const norm = layer.norm;
    if (!norm) return;
    drawStatistics(of("means"), norm.running_mean, norm.batch_mean, norm.asked_mean, `${name}, means`);
    drawStatistics(of("deviations"), root(norm.running_var), root(norm.batch_var), root(norm.asked_var), `${name}, deviations`);
    of("means").nextElementSibling.textContent = `${norm.batches} batches counted`;
    of("deviations").nextElementSibling.textContent =
      `remembered variance / the batch's: ${shown(quotient(norm.running_var, norm.batch_var), 2)}, / the test points': ${shown(quotient(norm.running_var, norm.asked_var), 2)}`;
  });
}
