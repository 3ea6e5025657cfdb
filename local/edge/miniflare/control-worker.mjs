/**
 * Reaches every declared bucket, bound to a Worker or not, so that each can be proved to work; knows what is served.
 *
 * GET /build: name of the bundles that are served.  GET /buckets: [{ name, objects }].  PUT, GET, DELETE /buckets/NAME/KEY: one object.
 */

export default {
  /**
   * @param {Request} request
   * @param {{ BUILD: string } & Record<string, Bucket>} bound
   */
  async fetch(request, { BUILD, ...buckets }) {
    const [root, name, ...rest] = new URL(request.url).pathname.slice(1).split("/").map(decodeURIComponent);
    if (root === "build") return new Response(BUILD);
    if (root !== "buckets") return failure(404, "not_found", "only /build and /buckets are served here");
    if (!name) return listBuckets(buckets);
    const bucket = Object.hasOwn(buckets, name) ? buckets[name] : undefined;
    if (!bucket) return failure(404, "not_found", `no bucket is called '${name}'`);
    return useObject(request, bucket, rest.join("/"));
  },
};

/** @param {Record<string, Bucket>} buckets */
async function listBuckets(buckets) {
  const sorted = Object.entries(buckets).sort(([a], [b]) => (a < b ? -1 : 1));
  const counted = sorted.map(async ([name, bucket]) => ({ name, objects: await countObjects(bucket) }));
  return Response.json(await Promise.all(counted));
}

/** @param {Bucket} bucket */
async function countObjects(bucket) {
  let objects = 0;
  /** @type {string | undefined} */
  let cursor;
  do {
    const page = await bucket.list(cursor ? { cursor } : {});
    objects += page.objects.length;
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor);
  return objects;
}

/**
 * @param {Request} request
 * @param {Bucket} bucket
 * @param {string} key
 */
async function useObject(request, bucket, key) {
  if (!key) return failure(404, "not_found", "name an object: /buckets/NAME/KEY");
  switch (request.method) {
    case "PUT":
      await bucket.put(key, await request.arrayBuffer());
      return new Response(null, { status: 204 });
    case "DELETE":
      await bucket.delete(key);
      return new Response(null, { status: 204 });
    case "GET": {
      const object = await bucket.get(key);
      return object ? new Response(object.body) : failure(404, "not_found", `no object is called '${key}'`);
    }
    default:
      return failure(405, "method_not_allowed", "only PUT, GET and DELETE are allowed");
  }
}

/**
 * @param {number} status
 * @param {string} code
 * @param {string} message
 */
function failure(status, code, message) {
  return Response.json({ error: { code, message } }, { status });
}

/**
 * The part of an R2 bucket that is used here.
 * @typedef {{
 *   list(options: { cursor?: string }): Promise<{ objects: unknown[], truncated: boolean, cursor?: string }>,
 *   put(key: string, value: ArrayBuffer): Promise<unknown>,
 *   get(key: string): Promise<{ body: ReadableStream } | null>,
 *   delete(key: string): Promise<void>,
 * }} Bucket
 */
