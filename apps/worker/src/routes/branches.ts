/** Public branches near a point: read as role `public_read` through the cached Hyperdrive. */
import { createRoute, z } from "@hono/zod-openapi";
import { asAnyone } from "../database";
import { endpoint } from "../endpoint";
import { storable } from "../public";

const Branch = z
  .object({
    id: z.int(),
    name: z.string(),
    city: z.string(),
    lat: z.number(),
    lng: z.number(),
    metres: z.int().openapi({ description: "From the point, on the globe" }),
  })
  .openapi("Branch");

/** A number of the query; what is empty is none. */
function number(least: number, most: number) {
  return z.string().trim().min(1).pipe(z.coerce.number<string>().min(least).max(most));
}

// Where somebody stands is kept in caches, Hyperdrive's as well, to about 100 metres only.
function coordinate(most: number) {
  return number(-most, most)
    .transform((degrees) => Math.round(degrees * 1000) / 1000)
    .openapi({ type: "number", minimum: -most, maximum: most, description: "Degrees; rounded to a thousandth" });
}

function whole(most: number, otherwise: number) {
  return number(1, most).pipe(z.int()).default(otherwise).openapi({ type: "integer", minimum: 1, maximum: most });
}

// Named in full, whatever search path the pooler's connection has.
const NEAREST = `
  SELECT id, name, city, extensions.st_y(place::extensions.geometry) AS lat,
    extensions.st_x(place::extensions.geometry) AS lng,
    round(extensions.st_distance(place, point))::int AS metres
  FROM public.branches, (
    SELECT extensions.st_setsrid(extensions.st_makepoint($2, $1), 4326)::extensions.geography AS point
  ) AS asked
  WHERE extensions.st_dwithin(place, point, $3)
  ORDER BY place OPERATOR(extensions.<->) point, id LIMIT $4`;

const list = endpoint(
  "public",
  createRoute({
    method: "get",
    path: "/api/v1/branches",
    summary: "The branches near a point, nearest first",
    request: {
      query: z.object({
        lat: coordinate(90),
        lng: coordinate(180),
        within: whole(1_000_000, 50_000).openapi({ description: "Metres" }),
        limit: whole(100, 20),
      }),
    },
    responses: {
      200: {
        description: "Those within reach",
        content: { "application/json": { schema: z.object({ branches: z.array(Branch) }).openapi("Branches") } },
      },
    },
  }),
  async (c) => {
    const { lat, lng, within, limit } = c.req.valid("query");
    const branches = await asAnyone(c, (query) => query(Branch, NEAREST, [lat, lng, within, limit]));
    storable(c, "public, max-age=300");
    return c.json({ branches }, 200);
  },
);

export default [list];
