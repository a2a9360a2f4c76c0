"use strict";
// Points drawn by hand: four characters each, as playground/points.h says.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MOST_POINTS = 500;
const pen = { label: 0, cross: [0, 0] };

function encodePoint(x, y, label) {
  const step = (value) => Math.max(0, Math.min(2047, Math.round(((value / VIEW + 1) / 2) * 2047)));
  const digits = (number) => DIGITS[number >> 6] + DIGITS[number & 63];
  return digits(step(x) + 2048 * label) + digits(step(y));
}

function decodePoints(text) {
  const points = [];
  for (let i = 0; i + 4 <= text.length; i += 4) {
    const number = (at) => 64 * DIGITS.indexOf(text[i + at]) + DIGITS.indexOf(text[i + at + 1]);
    const value = (step) => VIEW * ((2 * step) / 2047 - 1);
    points.push([value(number(0) % 2048), value(number(2)), number(0) >> 11]);
  }
  return points;
}

function showPen() {
  byId("pen").textContent = pen.label === 0 ? "Class: first" : "Class: second";
  byId("pen").setAttribute("aria-pressed", String(pen.label === 1));
}

function switchPen() {
  pen.label = 1 - pen.label;
  showPen();
  announce(`Draws the ${pen.label === 0 ? "first" : "second"} class`);
}

function addPoint(x, y) {
  if (state.points.length / 4 >= MOST_POINTS) return announce(`There are ${MOST_POINTS} points already: no more fit`);
  change({ points: state.points + encodePoint(x, y, pen.label) });
  announce(`${state.points.length / 4} points`);
}

function takePoint() {
  change({ points: state.points.slice(0, -4) });
  announce(`${state.points.length / 4} points`);
}

function listenToDrawing() {
  const canvas = byId("boundary");
  const drawn = () => state.data === "points";
  canvas.addEventListener("pointerdown", (event) => {
    if (!drawn()) return;
    const box = canvas.getBoundingClientRect();
    addPoint((((event.clientX - box.left) / box.width) * 2 - 1) * VIEW, (1 - ((event.clientY - box.top) / box.height) * 2) * VIEW);
  });
  canvas.addEventListener("keydown", (event) => {
    if (!drawn() || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.key in moves) {
      const [dx, dy] = moves[event.key], step = event.shiftKey ? 0.02 : 0.1;
      const within = (value) => Math.max(-VIEW, Math.min(VIEW, value));
      pen.cross = [within(pen.cross[0] + dx * step), within(pen.cross[1] + dy * step)];
      drawPicture();
    } else if (event.key === "Enter" || event.key === " ") addPoint(...pen.cross);
    else if (event.key === "Backspace" || event.key === "Delete") takePoint();
    else if (event.key.toLowerCase() === "c") switchPen();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, drawPicture);
  byId("pen").addEventListener("click", switchPen);
  byId("undo").addEventListener("click", takePoint);
  byId("clear-points").addEventListener("click", () => change({ points: "" }));
  showPen();
}
