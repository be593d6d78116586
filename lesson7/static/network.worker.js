// The program of the worker that runs networks.

/**
 * Does what messages ask for, in their order, and answers each with its id.
 * @param {{ onmessage: any, postMessage(data: any): void }} scope
 * @param {any} runtime ONNX Runtime Web
 */
export function serveNetworks(scope, runtime) {
  const sessions = new Map();
  let last = Promise.resolve();

  /** @param {any} bytes compressed with gzip; a server may have unpacked them */
  async function inflate(bytes) {
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** @param {{ wasm: any }} message */
  async function start({ wasm }) {
    runtime.env.wasm.wasmBinary = await inflate(wasm);
    runtime.env.wasm.numThreads = 1;
    runtime.env.logLevel = "error";
  }

  /** @param {{ name: string, network: any }} message */
  async function open({ name, network }) {
    const options = { executionProviders: ["wasm"] };
    sessions.set(name, await runtime.InferenceSession.create(await inflate(network), options));
  }

  /** @param {{ name: string, tensors: Float32Array[], size: number }} message */
  async function run({ name, tensors, size }) {
    const session = sessions.get(name);
    const [input] = session.inputNames;
    const [output] = session.outputNames;
    const rows = [];
    for (const tensor of tensors) {
      const images = new runtime.Tensor("float32", tensor, [1, 3, size, size]);
      const outputs = await session.run({ [input]: images });
      rows.push(outputs[output].data.slice());
    }
    return rows;
  }

  /** @type {Record<string, (message: any) => Promise<any>>} */
  const actions = { start, open, run };

  /** @param {any} message */
  async function reply(message) {
    try {
      scope.postMessage({ id: message.id, result: await actions[message.action](message) });
    } catch (error) {
      scope.postMessage({ id: message.id, error: String(error) });
    }
  }

  scope.onmessage = (/** @type {{ data: any }} */ { data }) => {
    last = last.then(() => reply(data));
  };
}
