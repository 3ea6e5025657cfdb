/** The API with a bucket that does not answer whoever asks for that. */
import api from "../../apps/worker/dist/index.js";

const away = async () => {
  throw new Error("internal error (10001)");
};
const MEDIA = { get: away, head: away, put: away, delete: away };

export default {
  fetch: (request, env, context) =>
    api.fetch(request, request.headers.has("X-Media-Away") ? { ...env, MEDIA } : env, context),
};
