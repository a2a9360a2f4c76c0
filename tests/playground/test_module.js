// The WebAssembly module alone: its losses are PyTorch's, as the native ones are; and its speed.
// usage: node test_module.js MODULE.js LOSSES.txt [SECONDS]     with seconds, only the speed, of the default settings
"use strict";
const fs = require("fs");

const [modulePath, lossesPath, seconds] = process.argv.slice(2);
const wasmBinary = fs.readFileSync(modulePath.replace(/\.js$/, ".wasm"));

require(modulePath)({ wasmBinary }).then((norma) => {
  const ask = (name, ...values) => {
    const said = norma.ccall(`playground_${name}`, "string", values.map(() => "string"), values);
    if (said) throw new Error(said);
  };
  const step = () => {
    ask("step");
    return norma._playground_loss();
  };
  if (seconds) {
    ask("configure", "");
    for (let i = 0; i < 100; ++i) step();
    let steps = 0;
    const begin = performance.now();
    while (performance.now() - begin < 1000 * seconds) {
      step();
      ++steps;
    }
    console.log(`${Math.round((1000 * steps) / (performance.now() - begin))} steps per second`);
    return;
  }
  const lines = fs.readFileSync(lossesPath, "utf8").trim().split("\n");
  if (lines.length < 10 || lines.length % 2 !== 0) throw new Error("losses.txt: expected pairs of lines");
  for (let i = 0; i < lines.length; i += 2) {
    ask("configure", lines[i]);
    lines[i + 1].split(" ").map(Number).forEach((expected, k) => {
      const loss = step();
      if (!(Math.abs(loss - expected) <= 1e-5 * Math.max(1, expected))) {
        throw new Error(`${lines[i]}, step ${k + 1}: expected a loss of ${expected}, got ${loss}`);
      }
    });
    console.log(`as PyTorch: ${lines[i]}`);
  }
}).catch((error) => {
  console.error(error.message || error);
  process.exit(1);
});
