// node check_netron.mjs NETRON FILE...: netron's own reader opens every file, and shows nodes, inputs, results and weights.
import * as fs from "fs";
import * as path from "path";
import { pathToFileURL } from "url";

const [folder, ...files] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(path.join(folder, name)).href);
const view = await load("view.js");
const { FileStream } = await load("node.js");

const host = {
  environment: () => null,
  event: () => {},
  exception: (error) => { throw error; },
  require: (id) => load(`${id}.js`),
  request: (file) => fs.promises.readFile(path.join(folder, file), "utf-8"),
};

let failures = 0;
for (const file of files) {
  const { size, mtimeMs } = fs.statSync(file);
  const context = {
    identifier: path.basename(file),
    stream: new FileStream(file, 0, size, mtimeMs),
    entries: new Map(),
    request: host.request,
    require: host.require,
    error: (error) => { throw error; },
  };
  try {
    const model = await new view.ModelFactoryService(host).open(context);
    const graph = model.modules[0];
    const weights = graph.nodes.flatMap((node) => node.inputs).flatMap((input) => input.value)
      .filter((value) => value.initializer);
    console.log(`${path.basename(file)}: ${model.format}, ${graph.nodes.length} nodes, ${weights.length} constants`);
    const types = graph.nodes.every((node) => node.type && node.type.name && node.type.module === "ai.onnx");
    if (!types || graph.inputs.length === 0 || graph.outputs.length === 0) throw new Error("a part is missing");
  } catch (error) {
    console.log(`${path.basename(file)}: ${error.message}`);
    ++failures;
  }
}
process.exit(failures === 0 && files.length > 0 ? 0 : 1);
