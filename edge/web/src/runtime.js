/**
 * The LiteRT.js runtime behind one function.
 *
 * LiteRT.js has the kernels of the converter's present operator versions and needs no `eval`. The older tfjs-tflite
 * (alpha, last release 2023) was tried as well: it runs small models, but not the operators of Edgeline's quantized
 * encoders ("the model could not be run"), and only on pages whose security policy allows evaluating strings as code.
 */

import { BundleError } from "./errors.js";

const LITERT = "./vendor/litert/";
let litert; // promise of the module, loaded once: LiteRT.js allows one instance per page

/**
 * @typedef {Record<string, Int32Array | Float32Array | Uint8Array>} Tensors the model's inputs by name
 * @param {{content: Uint8Array, manifest: object, text: object | null, target: {output: string}}} bundle the runtime
 *   ignores what follows the flatbuffer
 * @param {{nothing?: () => Tensors, encode: (value: null) => Tensors}[]} table the inputs beside the text
 * @returns {Promise<{run: (inputs: Tensors) => Promise<Float32Array>, close: () => void}>} `run` gives the output for
 *   one row, `close` frees the model's memory, which no garbage collector sees
 * @throws {BundleError} the model cannot run
 */
export async function loadRuntime({ content, manifest, text, target }, table) {
  litert ??= start();
  const { loadAndCompile, Tensor } = await litert;
  const compiled = await loadAndCompile(content, { accelerator: "wasm" });
  const run = async (inputs) => {
    const tensors = {};
    for (const [name, { shape }] of Object.entries(manifest.signature.inputs)) {
      tensors[name] = new Tensor(inputs[name], shape);
    }
    const results = await compiled.run("serving_default", tensors);
    const outputs = results[target.output].toTypedArray().slice();
    for (const tensor of [...Object.values(tensors), ...Object.values(results)]) tensor.delete();
    return outputs;
  };
  // A kernel that is missing shows itself here, not at the first text.
  const none = Object.assign({}, ...table.map((part) => part.nothing?.() ?? part.encode(null)));
  if (text) {
    const length = manifest.signature.inputs.token_ids.shape[1];
    Object.assign(none, { token_ids: new Int32Array(length), padding_mask: new Int32Array(length).fill(1) });
  }
  try {
    await run(none);
  } catch (error) {
    compiled.delete();
    throw new BundleError(`the model cannot be run: ${error.message}`);
  }
  return { run, close: () => compiled.delete() };
}

async function start() {
  const module = await import(`../${LITERT}index.js`);
  await module.loadLiteRt(new URL(`${LITERT}wasm/`, document.baseURI).href);
  return module;
}
