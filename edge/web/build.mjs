/**
 * Puts everything that the page needs into `dist/`, so that it loads nothing from anywhere else:
 * `node build.mjs [bundle.tflite]`.
 */

import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const target = process.env.EDGELINE_WEB_DIST ?? join(here, "dist");
const vendor = join(target, "vendor");

await rm(target, { recursive: true, force: true });
await mkdir(join(vendor, "litert", "wasm"), { recursive: true });
for (const name of ["index.html", "style.css"]) await copyFile(join(here, name), join(target, name));
await cp(join(here, "src"), join(target, "src"), { recursive: true });
for (const name of ["normalization-1.txt", "normalization-nmt-nfkc-1.txt"]) {
  await copyFile(join(here, "..", "edgeline_edge", "data", name), join(vendor, name));
}

// LiteRT.js: one ES module that imports one other by a bare name, which browsers do not resolve.
const bare = '"@litertjs/wasm-utils"';
const library = await readFile(join(modules, "@litertjs", "core", "dist", "index.js"), "utf8");
if (!library.includes(bare)) throw new Error(`@litertjs/core no longer imports ${bare}: adapt build.mjs`);
const body = library.replaceAll(bare, '"./wasm-utils.js"').replace(/^\/\/# sourceMappingURL=.*$/m, "");
await writeFile(join(vendor, "litert", "index.js"), body);
const utilities = await readFile(join(modules, "@litertjs", "wasm-utils", "dist", "index.js"), "utf8");
await writeFile(join(vendor, "litert", "wasm-utils.js"), utilities.replace(/^\/\/# sourceMappingURL=.*$/m, ""));
// With and without relaxed SIMD; the threaded and JSPI builds would double the size, and the page uses neither.
for (const name of ["litert_wasm_internal", "litert_wasm_compat_internal"]) {
  for (const kind of ["js", "wasm"]) {
    const source = join(modules, "@litertjs", "core", "wasm", `${name}.${kind}`);
    await copyFile(source, join(vendor, "litert", "wasm", `${name}.${kind}`));
  }
}
if (process.argv[2]) await copyFile(process.argv[2], join(target, "model.tflite"));
console.log(`built ${target}`);
