/** A member's pictures: shown, added and removed. What was done is said, whatever becomes of another request. */
import { call, type Media, type MediaList } from "./api";
import { Attempt, element, reason, showResult, text, whileBusy } from "./elements";
import { date, milliseconds } from "./format";

const MEDIA = "/api/v1/media";
const SHOWN = 12;
// What the API takes (apps/worker/src/routes/media.ts).
const LARGEST_MB = 10;
const TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];
// At a slow line's half megabit a second.
const UPLOAD_TIMEOUT_MS = 180_000;

const list = element("pictures-list");
const form = element<HTMLFormElement>("picture-form");
const attempt = new Attempt(form);
const field = element<HTMLInputElement>("picture");
const uploadButton = element<HTMLButtonElement>("upload");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void whileBusy(uploadButton, upload);
});

/** Asks for the newest ones. */
export async function refreshPictures(): Promise<void> {
  const { media, nextCursor } = (await call<MediaList>(`${MEDIA}?limit=${SHOWN}`)).data;
  list.replaceChildren(...media.map(shown));
  text("pictures-count", nextCursor ? `The newest ${SHOWN}` : "");
  showWhetherAny();
}

/** Nothing of them is left in the page. */
export function clearPictures(): void {
  list.replaceChildren();
  form.reset();
  showResult("picture-result", "", true);
}

async function upload(): Promise<void> {
  const file = field.files?.[0];
  const fault = file ? faultOf(file) : "Choose a file.";
  if (!file || fault) return showResult("picture-result", fault, false);
  showResult("picture-result", "Uploading…", true);
  try {
    const headers = { "Content-Type": file.type, ...attempt.headers };
    const added = await call<Media>(MEDIA, { method: "POST", headers, body: file }, UPLOAD_TIMEOUT_MS);
    list.prepend(shown(added.data));
    showWhetherAny();
    form.reset();
    showResult("picture-result", `Uploaded in ${milliseconds(added.roundTripMs)} ms.`, true);
  } catch (error) {
    showResult("picture-result", `Not uploaded. ${reason(error)}`, false);
  }
}

async function remove(key: string, line: HTMLLIElement): Promise<void> {
  try {
    await call(`${MEDIA}/${key}`, { method: "DELETE" });
    line.remove();
    showWhetherAny();
    showResult("picture-result", "Removed.", true);
  } catch (error) {
    showResult("picture-result", `Not removed. ${reason(error)}`, false);
  }
}

function showWhetherAny(): void {
  element("no-pictures").hidden = list.childElementCount > 0;
}

function faultOf({ size, type }: File): string {
  if (!TYPES.includes(type)) return "The picture must be a PNG, JPEG, GIF, WebP or AVIF file.";
  return size > LARGEST_MB * 1024 * 1024 ? `The picture must not exceed ${LARGEST_MB} MB.` : "";
}

function shown({ key, contentType, createdAt }: Media): HTMLLIElement {
  const [line, link, button] = [
    document.createElement("li"),
    document.createElement("a"),
    document.createElement("button"),
  ];
  link.href = `${MEDIA}/${key}`;
  link.append(contentType.startsWith("image/") ? image(link.href, createdAt) : `${contentType}, ${date(createdAt)}`);
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Remove";
  button.setAttribute("aria-label", `Remove the one of ${date(createdAt)}`);
  button.addEventListener("click", () => void whileBusy(button, () => remove(key, line)));
  line.append(link, button);
  return line;
}

function image(address: string, createdAt: string): HTMLImageElement {
  const made = document.createElement("img");
  made.src = address;
  made.alt = `Uploaded ${date(createdAt)}`;
  return made;
}
