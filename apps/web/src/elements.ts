/** The page's elements, found by their id. */

export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

export function text(id: string, value: string): void {
  element(id).textContent = value;
}

/** Headers with which what a form sends again, unchanged, is done once: an answer may have been lost on its way. */
export class Attempt {
  #key = crypto.randomUUID();

  constructor(form: HTMLFormElement) {
    for (const change of ["input", "reset"]) form.addEventListener(change, () => (this.#key = crypto.randomUUID()));
  }

  get headers() {
    return { "Idempotency-Key": this.#key };
  }
}

/** What became of what somebody sent, beside its form. */
export function showResult(id: string, result: string, succeeded: boolean): void {
  const output = element(id);
  output.textContent = result;
  output.dataset["kind"] = succeeded ? "good" : "bad";
}

export async function whileBusy(button: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
  }
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
