/** A file that is not a usable bundle; the message says why. */
export class BundleError extends Error {
  name = "BundleError";
}
