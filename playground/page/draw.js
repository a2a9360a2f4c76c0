"use strict";
// The picture of the decision boundary, and what all drawings need.

const VIEW = 1.25; // the picture shows [-VIEW, VIEW], as playground/points.h says
const CELLS = 64;

function colours() {
  const style = getComputedStyle(document.documentElement);
  return new Proxy({}, { get: (_, name) => style.getPropertyValue(`--${name}`).trim() });
}

// A canvas as sharp as the screen; drawing counts in CSS pixels.
function sharpen(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = Math.min(window.devicePixelRatio || 1, 3);
  const pixels = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

const shown = (value, digits = 3) =>
  value === null || Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? String(Number(value.toPrecision(digits))) : String(value);

function rgb(text) {
  const number = parseInt(text.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

const cells = element("canvas", { width: CELLS, height: CELLS });

function paintCells(probabilities, palette) {
  const paper = rgb(palette.card), sides = [rgb(palette.first), rgb(palette.second)];
  const context = cells.getContext("2d");
  const image = context.createImageData(CELLS, CELLS);
  probabilities.forEach((p, i) => {
    const side = sides[p < 0.5 ? 0 : 1], depth = Number.isNaN(p) ? 0 : Math.abs(2 * p - 1) * 0.5 + 0.06;
    for (let k = 0; k < 3; ++k) image.data[4 * i + k] = paper[k] + (side[k] - paper[k]) * depth;
    image.data[4 * i + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

// Where probability is 1/2, by lines through squares of four middles of cells.
function paintContour(context, p, size) {
  const step = size / CELLS;
  context.beginPath();
  for (let row = 0; row + 1 < CELLS; ++row) {
    for (let column = 0; column + 1 < CELLS; ++column) {
      const corners = [[row, column], [row, column + 1], [row + 1, column + 1], [row + 1, column]];
      const cut = [];
      corners.forEach(([r, c], k) => {
        const [r2, c2] = corners[(k + 1) % 4];
        const a = p[r * CELLS + c] - 0.5, b = p[r2 * CELLS + c2] - 0.5;
        if (a < 0 === b < 0) return;
        const t = a / (a - b);
        cut.push([(c + (c2 - c) * t + 0.5) * step, (r + (r2 - r) * t + 0.5) * step]);
      });
      for (let k = 0; k + 1 < cut.length; k += 2) {
        context.moveTo(...cut[k]);
        context.lineTo(...cut[k + 1]);
      }
    }
  }
  context.stroke();
}

function paintPoint(context, x, y, label, palette, radius) {
  context.fillStyle = label === 0 ? palette.first : palette.second;
  context.strokeStyle = palette.card;
  context.lineWidth = 1;
  context.beginPath();
  if (label === 0) context.arc(x, y, radius, 0, 2 * Math.PI);
  else context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
  context.fill();
  context.stroke();
}

// `points`: [x, y, label] each; `cross`: where the keyboard draws, or null.
function drawBoundary(probabilities, points, cross) {
  const palette = colours();
  const { context, width } = sharpen(byId("boundary"));
  paintCells(probabilities, palette);
  context.imageSmoothingEnabled = true;
  context.drawImage(cells, 0, 0, width, width);
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.5;
  paintContour(context, probabilities, width);
  const place = ([x, y]) => [((x / VIEW + 1) / 2) * width, ((1 - y / VIEW) / 2) * width];
  for (const point of points) paintPoint(context, ...place(point), point[2], palette, width > 300 ? 3.6 : 2.8);
  if (!cross) return;
  const [x, y] = place(cross);
  context.strokeStyle = palette.ink;
  context.lineWidth = 2;
  context.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x + 5 * dx, y + 5 * dy);
    context.lineTo(x + 14 * dx, y + 14 * dy);
  }
  context.stroke();
}
