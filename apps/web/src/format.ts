/** Values as a reader in Canada expects them. */

const DATE = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeStyle: "short" });
const AMOUNT = new Intl.NumberFormat("en-CA", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** The sign stands with the number: as a currency, Intl writes `-USD 42.50`. Whole cents, exact also as a long text. */
export function money(amountCents: number | string, currency: string): string {
  const digits = String(amountCents).replace("-", "").padStart(3, "0");
  const amount = AMOUNT.format(`${digits.slice(0, -2)}.${digits.slice(-2)}` as Intl.StringNumericLiteral);
  return `${currency}\u00a0${String(amountCents).startsWith("-") ? "\u2212" : ""}${amount}`;
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
