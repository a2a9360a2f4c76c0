"use strict";
// Norma, and the page around it. It computes in slices between two pictures, so that the page stays awake.

const SLICE = 12; // ms
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let norma = null;
let running = false, drawnAt = 0, latest; // the last mean of losses
let probabilities = new Float32Array(CELLS * CELLS).fill(0.5);
let points = [];

class Refusal extends Error {} // what Norma said

function ask(name, ...values) {
  const types = values.map((value) => (typeof value === "string" ? "string" : "number"));
  const said = norma.ccall(`playground_${name}`, "string", types, values);
  if (said) throw new Refusal(said);
}
const told = (name) => norma[`_playground_${name}`]();
const answer = () => norma.ccall("playground_answer", "string", [], []);
const floats = (place, count) => new Float32Array(norma.HEAPU8.slice(place, place + 4 * count).buffer);

function announce(text) {
  byId("status").textContent = text;
}

function showError(error) {
  const box = byId("error");
  box.hidden = !error;
  box.textContent = error ? (error instanceof Refusal ? `Norma says: ${error.message}` : `Something went wrong: ${error.message || error}. Load the page again.`) : "";
}

// Calls `body`; what Norma refuses is shown, and stops the training. Whether it went well.
function guarded(body) {
  try {
    body();
    showError(null);
    return true;
  } catch (error) {
    halt();
    showError(error);
    return false;
  }
}

function readPoints() {
  if (state.data === "points") {
    points = decodePoints(state.points);
    return;
  }
  const places = floats(told("point_places"), 2 * told("point_count"));
  points = [];
  for (let i = 0; 2 * i < places.length; ++i) points.push([places[2 * i], places[2 * i + 1], norma._playground_point_label(i)]);
}

function drawPicture() {
  const canvas = byId("boundary");
  const cross = state.data === "points" && document.activeElement === canvas ? pen.cross : null;
  drawBoundary(probabilities, points, cross);
  canvas.setAttribute("aria-label", `Decision boundary: ${points.length} points; ${byId("accuracy").textContent} of the test points are right`);
}

// Asks the network, and shows everything.
function show(loss) {
  ask("evaluate");
  const testLoss = told("test_loss"), accuracy = told("accuracy");
  ask("picture", CELLS);
  probabilities = floats(told("pixels"), CELLS * CELLS);
  ask("observe");
  const seen = JSON.parse(answer());
  byId("steps").textContent = told("steps");
  byId("loss").textContent = loss === undefined ? "–" : shown(loss);
  byId("test-loss").textContent = shown(testLoss);
  byId("accuracy").textContent = `${(100 * accuracy).toFixed(1)} %`;
  if (loss !== undefined) addToCurve(told("steps"), loss, testLoss);
  drawPicture();
  drawLosses();
  drawLayers(seen);
}

// Steps until `done(count)`; returns the mean of the losses.
function learnUntil(done) {
  let sum = 0, count = 0;
  do {
    ask("step");
    sum += told("loss");
    ++count;
  } while (!done(count));
  return sum / count;
}

// So many steps and a picture. Whether they went well.
function learn(steps) {
  if (steps === 0) return true;
  return guarded(() => show(learnUntil((count) => count >= steps)));
}

function frame(now) {
  if (!running) return;
  guarded(() => {
    const end = performance.now() + SLICE;
    const loss = latest = learnUntil(() => performance.now() >= end);
    if (now - drawnAt < (calm.matches ? 500 : 90)) return;
    drawnAt = now;
    show(loss);
    if (!Number.isFinite(loss)) {
      halt();
      announce("The loss is not a number: the values grew beyond all bounds, and nothing is learnt any more. Begin anew, with a smaller rate.");
    }
  });
  requestAnimationFrame(frame);
}

function run() {
  if (running) return;
  running = true;
  byId("run").textContent = "Pause";
  requestAnimationFrame(frame);
}

function halt() {
  running = false;
  byId("run").textContent = "Run";
}

function pause() {
  if (!running) return;
  halt();
  if (guarded(() => show(latest))) announce(`Paused after ${byId("steps").textContent} steps: ${byId("accuracy").textContent} of the test points are right`);
}

function step() {
  pause();
  if (learn(1)) announce(`Step ${byId("steps").textContent}: loss ${byId("loss").textContent}, ${byId("accuracy").textContent} of the test points are right`);
}

function restart() {
  clearCurve();
  guarded(() => {
    ask("restart");
    show();
  });
}

// Takes some settings, and shows them everywhere: in the form, the address and the network.
function change(settings) {
  Object.assign(state, settings);
  showState();
  writeAddress();
  const before = told("steps");
  const taken = guarded(() => ask("configure", settingsText(state)));
  readPoints();
  if (!taken) return drawPicture();
  if (told("steps") < before) clearCurve();
  guarded(() => {
    ask("network");
    byId("network").textContent = answer();
    if (!running || told("steps") === 0) show();
  });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const keys = { r: () => (running ? pause() : run()), s: step, n: restart, 0: putRight };
  MISTAKES.forEach((_, i) => { keys[i + 1] = () => makeMistake(i); });
  const action = keys[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
}

function listen() {
  byId("run").addEventListener("click", () => (running ? pause() : run()));
  byId("step").addEventListener("click", step);
  byId("restart").addEventListener("click", restart);
  form.addEventListener("change", (event) => {
    const settings = settingsOf(event.target);
    if (settings) change(settings);
    else announce(`${event.target.closest("label").firstChild.textContent.trim()}: ${event.target.validationMessage || "a number is needed"}`);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => change(readAddress()));
  const redraw = () => {  // what Norma said last stays there to be read
    norma.ccall("playground_observe", "string", [], []);
    drawPicture();
    drawLosses();
    drawLayers(JSON.parse(answer()));
  };
  window.addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  listenToDrawing();
  listMistakes();
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function start() {
  const buttons = [...document.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  try {
    norma = await NormaModule({ wasmBinary: await unpacked(byId("wasm").textContent), printErr: () => {} });
  } catch (error) {
    announce("");
    byId("error").hidden = false;
    byId("error").textContent = `The playground could not be started: ${error.message || error}. It needs a browser with WebAssembly SIMD and exceptions, such as Chromium 95, Firefox 113 or Safari 16.4, or newer, and a file that is whole.`;
    return;
  }
  for (const button of buttons) button.disabled = false;
  listen();
  announce("Ready: press Run, or the key R.");
  change(readAddress());
}

start();
