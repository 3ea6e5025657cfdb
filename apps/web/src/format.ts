/** Values as a reader in Canada expects them. */

const DATE = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeStyle: "short" });

export function money(amountCents: number, currency: string): string {
  return new Intl.NumberFormat("en-CA", { style: "currency", currency, currencyDisplay: "code" }).format(
    amountCents / 100,
  );
}

export function date(iso: string): string {
  return DATE.format(new Date(iso));
}

export function milliseconds(value: number | undefined): string {
  if (value === undefined) return "–";
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

/** Whole cents of a typed amount such as `12.5`, `1,250.00` or `-3`; undefined when it is not one. */
export function cents(typed: string): number | undefined {
  const match = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(typed.trim().replaceAll(",", ""));
  if (!match) return undefined;
  const amount = Number(match[2]) * 100 + Number((match[3] ?? "").padEnd(2, "0"));
  return match[1] ? -amount : amount;
}
