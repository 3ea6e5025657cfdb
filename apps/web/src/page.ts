/** The page: what the stack answers, how fast, and for who is signed in a ledger, pictures and forms to add to them. */
import {
  type Account,
  type Accounts,
  call,
  type Entry,
  type Health,
  type Ledger,
  type Measured,
  type Rates,
  type Session,
  SignedOut,
} from "./api";
import { Attempt, element, reason, showResult, text, whileBusy } from "./elements";
import { cents, date, milliseconds, money } from "./format";
import { clearPictures, refreshPictures } from "./pictures";

const HEALTH = "/api/health";
const LEDGER = "/api/v1/ledger-entries";
const ACCOUNTS = "/api/v1/accounts";
const RATES = "/api/v1/exchange-rates";
const SHOWN_ENTRIES = 8;

const form = element<HTMLFormElement>("entry-form");
const attempt = new Attempt(form);
const measureButton = element<HTMLButtonElement>("measure");
const addButton = element<HTMLButtonElement>("add");
const signOutButton = element<HTMLButtonElement>("sign-out");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void whileBusy(addButton, addEntry);
});
measureButton.addEventListener("click", () => void whileBusy(measureButton, refresh));
signOutButton.addEventListener("click", () => void whileBusy(signOutButton, signOut));
const hasFailed = new URLSearchParams(location.search).get("sign-in") === "failed";
if (hasFailed) history.replaceState(null, "", "/");
void whileBusy(measureButton, refresh);
// The browser may show a page of before as it was then, and somebody has signed out meanwhile.
addEventListener("pageshow", ({ persisted }) => persisted && void refresh());

async function refresh(): Promise<void> {
  try {
    // First and alone: it answers even when the database does not.
    showBuild((await call<Health>("/healthcheck")).data);
    const { data: session } = await call<Session>("/auth/session");
    showSession(session);
    const newest = session.signedIn ? `${LEDGER}?limit=${SHOWN_ENTRIES}` : undefined;
    const [ledger, rates] = await Promise.all([
      newest ? call<Ledger>(newest) : undefined,
      call<Rates>(RATES),
      session.signedIn ? refreshPictures() : undefined,
    ]);
    if (ledger) showLedger(ledger.data);
    showRates(rates.data);
    // Alone on the wire: those above share the line and would slow each other. It goes to the database for anybody.
    showMeasurement(await call<unknown>(HEALTH));
    showState("up", "Everything answers");
    showProblem("");
  } catch (error) {
    if (error instanceof SignedOut) {
      showSession({ signedIn: false, name: null, mayRegister: false });
      return showState("up", "Signed out");
    }
    showState("down", "Not answering");
    showProblem(`${reason(error)} What you see below may be out of date.`);
  }
}

/** Nothing of the ledger is left in the page, which somebody else may look at later. */
async function signOut(): Promise<void> {
  try {
    const { data } = await call<{ location: string }>("/auth/sign-out", { method: "POST" });
    location.replace(data.location);
  } catch (error) {
    showProblem(`${reason(error)} You are still signed in.`);
  }
}

async function addEntry(): Promise<void> {
  const field = (name: string) => (form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement).value;
  const amountCents = cents(field("amount"));
  if (amountCents === undefined) return showResult("form-result", "The amount must be a number such as 12.50.", false);
  try {
    const accountId = await accountIn(field("currency"));
    const entry = { accountId, description: field("description"), amountCents };
    const added = await post<Entry>(LEDGER, entry, attempt.headers);
    form.reset();
    showResult("form-result", `Entry ${added.data.id} saved in ${milliseconds(added.roundTripMs)} ms.`, true);
    await refresh();
  } catch (error) {
    showResult("form-result", `Not saved. ${reason(error)}`, false);
  }
}

/** The newest account of a currency; opened with the first entry in it. */
async function accountIn(currency: string): Promise<string> {
  const { accounts } = (await call<Accounts>(`${ACCOUNTS}?limit=100`)).data;
  const found = accounts.find((account) => account.currency === currency);
  return (found ?? (await post<Account>(ACCOUNTS, { name: `Account in ${currency}`, currency })).data).id;
}

function post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Measured<T>> {
  return call<T>(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

function showState(state: "up" | "down", message: string): void {
  document.body.dataset["state"] = state;
  text("status", message);
}

function showBuild({ environment, build }: Health): void {
  text("environment", environment);
  text("build", build);
}

function showSession({ signedIn, name, mayRegister }: Session): void {
  element("signed-out").hidden = signedIn;
  element("signed-in").hidden = !signedIn;
  element("register").hidden = !mayRegister;
  text("who", name ?? "");
  for (const id of ["ledger", "new-entry", "pictures"]) element(id).hidden = !signedIn;
  element("ledger-closed").hidden = signedIn;
  if (signedIn) return;
  element("no-entries").hidden = true;
  element("entries").replaceChildren();
  clearPictures();
  text("totals", hasFailed ? "Signing in did not work: try again." : "");
}

function showMeasurement({ roundTripMs, databaseMs }: Measured<unknown>): void {
  text("round-trip", milliseconds(roundTripMs));
  text("database", milliseconds(databaseMs));
  text("edge", milliseconds(databaseMs === undefined ? undefined : Math.max(0, roundTripMs - databaseMs)));
  const share = databaseMs === undefined ? 0 : Math.min(1, databaseMs / roundTripMs);
  element<HTMLMeterElement>("share").value = share;
}

function showLedger({ entries, count, totals }: Ledger): void {
  const sums = totals.map((total) => money(total.amountCents, total.currency)).join(" · ");
  text("totals", count === 0 ? "No entries yet" : `${count} ${count === 1 ? "entry" : "entries"} · ${sums}`);
  const rows = entries.map((entry) =>
    row([date(entry.createdAt), entry.description, money(entry.amountCents, entry.currency)]),
  );
  element("entries").replaceChildren(...rows);
  element("no-entries").hidden = rows.length > 0;
}

function showRates({ rates }: Rates): void {
  const rows = rates.map(({ base, quote, rate, asOf }) => row([`${base} → ${quote}`, asOf, Number(rate).toFixed(4)]));
  element("rates").replaceChildren(...rows);
}

function showProblem(problem: string): void {
  text("problem-text", problem);
  element("problem").hidden = problem === "";
}

function row(cells: string[]): HTMLTableRowElement {
  const line = document.createElement("tr");
  line.append(
    ...cells.map((cell) => {
      const field = document.createElement("td");
      field.textContent = cell;
      return field;
    }),
  );
  return line;
}
