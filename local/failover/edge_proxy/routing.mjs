/** Who answers a request at the edge, as Cloudflare decides it: by the host's record, then by the routes. */

/**
 * What the control plane shows (local/control_plane/publication.py).
 * @typedef {{ name: string, type: string, content: string, proxied: boolean }} DnsRecord
 * @typedef {{ pattern: string, script: string | null }} Route
 * @typedef {{
 *   records: Record<string, DnsRecord>,
 *   routes: Record<string, Route>,
 *   lingering: Record<string, { record: DnsRecord, until: number }>,
 * }} View
 * @typedef {{ to: "worker", script: string } | { to: "origin", host: string } | { to: "nobody" }} Decision
 */

/**
 * @param {View} view
 * @param {string} host without a port, in small letters
 * @param {string} path
 * @param {number} nowSeconds
 * @returns {Decision}
 */
export function decide(view, host, path, nowSeconds) {
  const record = proxiedRecord(view, host, nowSeconds);
  if (!record) return { to: "nobody" };
  const route = mostSpecific(view, host, path);
  if (route?.script) return { to: "worker", script: route.script };
  return { to: "origin", host: record.content };
}

/**
 * A host that is proxied no more is served for as long as resolvers may still send clients here.
 * @param {View} view
 * @param {string} host
 * @param {number} nowSeconds
 */
function proxiedRecord(view, host, nowSeconds) {
  const names = [host, host.replace(/^[^.]+/, "*")];
  for (const name of names) {
    const found = Object.values(view.records).find((record) => record.proxied && record.name === name);
    const lingering = view.lingering[name];
    if (found) return found;
    if (lingering && lingering.until > nowSeconds) return lingering.record;
  }
  return undefined;
}

/**
 * The more specific host wins, then the more specific path (Cloudflare, Workers routes).
 * @param {View} view
 * @param {string} host
 * @param {string} path
 */
function mostSpecific(view, host, path) {
  const fitting = Object.values(view.routes)
    .map((route) => ({ route, ...parts(route.pattern) }))
    .filter((one) => fits(one.host, host, "start") && fits(one.path, path, "end"));
  fitting.sort((a, b) => weight(b.host) - weight(a.host) || weight(b.path) - weight(a.path));
  return fitting[0]?.route;
}

/** @param {string} pattern */
function parts(pattern) {
  const bare = pattern.replace(/^https?:\/\//, "");
  const slash = bare.indexOf("/");
  const [host, path] = slash < 0 ? [bare, "/"] : [bare.slice(0, slash), bare.slice(slash)];
  return { host: host.toLowerCase(), path };
}

/**
 * A star stands for anything, at the start of a host or at the end of a path.
 * @param {string} pattern
 * @param {string} text
 * @param {"start" | "end"} star
 */
function fits(pattern, text, star) {
  if (star === "start") return pattern.startsWith("*") ? text.endsWith(pattern.slice(1)) : pattern === text;
  return pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : pattern === text;
}

/** Without a star it is more specific than any of the same length with one. @param {string} pattern */
function weight(pattern) {
  return pattern.replace("*", "").length * 2 - (pattern.includes("*") ? 1 : 0);
}
