/** Writing a mail: a picture dropped into the text, a message passed on, one that is to leave later. All of it by keyboard
 *  but the drop itself. */
import { equal, eventually, ok } from "../lib/expect.mjs";
import { answerBox, openMail, write } from "../lib/thread.mjs";

export const name = "composing";
export const real = true;

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Drops a file on the text, as from the desktop. */
async function drop(page, name, type, base64) {
  await answerBox(page).evaluate(
    (box, [name, type, base64]) => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
      data.items.add(new File([bytes], name, { type }));
      const { left, top } = box.getBoundingClientRect();
      const at = {
        clientX: left + 20,
        clientY: top + 12,
        bubbles: true,
        cancelable: true,
      };
      box.dispatchEvent(new DragEvent("drop", { ...at, dataTransfer: data }));
    },
    [name, type, base64],
  );
}

export async function run(context) {
  const page = await context.signedIn();
  const subject = `Rain covers, ${Date.now()}`;
  await openMail(context, page, {
    from: "oliver@fell.example",
    name: "Oliver Grant",
    subject,
    text: "The seam is open.",
    id: `covers-${Date.now()}@fell.example`,
  });
  await picture(context, page);
  await forwarded(context, page);
  await later(context, page);
}

async function picture(context, page) {
  await write(page, "Like this: ");
  await page.locator(".host .comp-text").waitFor();
  await drop(page, "seam.png", "image/png", PIXEL);
  const shown = page.locator('.host .comp-text img[alt="seam.png"]');
  await eventually(
    () => shown.evaluate((image) => image.naturalWidth > 0),
    "the picture is seen in the text",
  );
  await drop(page, "broken.png", "image/png", btoa("no picture at all"));
  await page.getByText("not a PNG, JPEG, GIF or WebP picture").waitFor();
  await page.getByRole("button", { name: "Remove broken.png" }).click();
  await answerBox(page).focus();
  await page.keyboard.press("Control+Enter");
  await eventually(
    () => context.relay.to("oliver@fell.example").length > 0,
    "the mail leaves",
    30000,
  );
  const [mail] = context.relay.to("oliver@fell.example");
  ok(
    /multipart\/related/.test(mail.raw) && /Content-ID: </i.test(mail.raw),
    "with its picture inside",
  );
  ok(!mail.raw.includes("broken.png"), "and nothing else");
}

async function forwarded(context, page) {
  await page.locator(".thread .scroll").first().focus();
  await page.keyboard.press("f");
  await page.getByRole("group", { name: "Forwarded message" }).waitFor();
  await page.getByLabel("To", { exact: true }).waitFor();
  await page.keyboard.type("mill@cloth.example");
  await page.keyboard.press("Enter");
  await answerBox(page).focus();
  await page.keyboard.type("Can you look?");
  await page.keyboard.press("Control+Enter");
  await eventually(
    () => context.relay.to("mill@cloth.example").length > 0,
    "the mail leaves",
    30000,
  );
  const [mail] = context.relay.to("mill@cloth.example");
  ok(
    /^Subject: Fwd: (Re: )?Rain covers/im.test(mail.raw),
    "it says that it is passed on",
  );
  ok(!/reply\+/.test(mail.raw), "and gives nobody a way into the conversation");
  const to = page.locator(".comp-to");
  await eventually(
    async () => (await to.innerText()).includes("Oliver"),
    "the next answer goes to who wrote",
  );
}

async function later(context, page) {
  const before = context.relay.to("oliver@fell.example").length;
  await write(page, "Later then.");
  await page.getByRole("button", { name: "Other ways to send" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("t");
  await page.keyboard.press("Enter");
  await page.getByText(/^To be sent/).waitFor();
  await page.getByRole("button", { name: "Take back" }).click();
  const text = () =>
    answerBox(page).evaluate((element) => element.value ?? element.innerText);
  await eventually(
    async () => (await text()).includes("Later then."),
    "the words are back",
  );
  await page.getByRole("button", { name: "Other ways to send" }).click();
  await page.getByRole("menuitem", { name: /Tomorrow morning/ }).click();
  await page.getByRole("button", { name: "Send now" }).click();
  await eventually(
    () => context.relay.to("oliver@fell.example").length > before,
    "it leaves at once",
    30000,
  );
  equal(context.relay.to("oliver@fell.example").length, before + 1, "once");
}
