"use strict";
// All settings, as texts: what the form shows, what the address says and what Norma gets are the same.

const DEFAULTS = {
  data: "spirals", noise: "0.02", seed: "1", points: "", widths: "32,32", activation: "relu", norm: "batch", axis: "right",
  dropout: "0", place: "after", init: "1", batch: "50", rate: "0.1", momentum: "0.9", clear: "yes", shuffle: "yes",
  training: "train", evaluation: "eval",
};
const state = { ...DEFAULTS };

const byId = (id) => document.getElementById(id);
const form = byId("settings");

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function settingsText(settings) {
  return Object.keys(DEFAULTS).map((key) => `${key}=${settings[key]}`).join("&");
}

function readAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  const settings = { ...DEFAULTS };
  for (const [key, value] of address) if (key in DEFAULTS) settings[key] = value;
  return settings;
}

function writeAddress() {
  const changed = Object.keys(DEFAULTS).filter((key) => state[key] !== DEFAULTS[key]);
  const text = changed.map((key) => `${key}=${encodeURIComponent(state[key]).replaceAll("%2C", ",")}`).join("&");
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

const widthsOf = (settings) => (settings.widths === "" ? [] : settings.widths.split(","));

function showWidths() {
  const widths = widthsOf(state);
  byId("layers").value = widths.length;
  const row = byId("widths");
  while (row.children.length > widths.length) row.lastChild.remove();
  while (row.children.length < widths.length) {
    const input = element("input", { type: "number", min: 1, max: 128, step: 1 });
    row.append(element("label", {}, `Layer ${row.children.length + 1}`, input));
  }
  [...row.querySelectorAll("input")].forEach((input, i) => { input.value = widths[i]; });
}

// What has no effect cannot be changed.
function showUse() {
  form.elements.axis.disabled = state.norm !== "batch";
  form.elements.place.disabled = Number(state.dropout) === 0;
  form.elements.noise.disabled = state.data === "points";
  byId("drawing").hidden = state.data !== "points";
}

function showState() {
  for (const field of form.elements) {
    if (!(field.name in DEFAULTS)) continue;
    if (field.type === "checkbox") field.checked = state[field.name] === "yes";
    else if (field.type === "radio") field.checked = state[field.name] === field.value;
    else field.value = state[field.name];
  }
  showWidths();
  showUse();
}

// What the field that was changed says, as settings; null where it is no number in its range.
function settingsOf(field) {
  if (!field.checkValidity() || field.value === "") return null;
  if (field.id === "layers") {
    const widths = widthsOf(state);
    const count = Number(field.value);
    while (widths.length < count) widths.push(widths[widths.length - 1] || "32");
    return { widths: widths.slice(0, count).join(",") };
  }
  if (field.closest("#widths")) {
    return { widths: [...byId("widths").querySelectorAll("input")].map((input) => input.value).join(",") };
  }
  if (!(field.name in DEFAULTS)) return {};
  return { [field.name]: field.type === "checkbox" ? (field.checked ? "yes" : "no") : field.value };
}
