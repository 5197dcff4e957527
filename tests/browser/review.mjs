// The page of an access review in a real browser: `node review.mjs CHROMIUM PAGE HOSTILE [SHOTS]`.
// PAGE is of a review with one of each kind of row, HOSTILE of one whose every text is hostile; SHOTS is a folder for
// pictures. Prints what it saw; ends with status 1 and what is wrong.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, pagePath, hostilePath, shots] = process.argv.slice(2);
const axe = createRequire(import.meta.url)("axe-core").source;
const page = pathToFileURL(resolve(pagePath)).href;
const hostile = pathToFileURL(resolve(hostilePath)).href;
const wrong = [];
const check = (said, what) => {
  if (!said) wrong.push(what);
};

const profile = mkdtempSync(join(tmpdir(), "cellc-browser-"));
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const start = (options) =>
  chromium.launchPersistentContext(profile, { executablePath, headless: true, args, viewport: { width: 1280, height: 900 }, ...options });

// Opens a page in which everything that goes wrong, or wants to leave the file, is noted.
const open = async (context, url) => {
  const tab = await context.newPage();
  tab.on("pageerror", (error) => wrong.push(`the script fails: ${error.message}`));
  tab.on("console", (message) => {
    if (message.type() === "error") wrong.push(`the console says: ${message.text()}`);
  });
  tab.on("dialog", async (dialog) => {
    wrong.push(`a dialog opens: ${dialog.message()}`);
    await dialog.dismiss();
  });
  tab.on("request", (request) => {
    if (!request.url().startsWith("file:")) wrong.push(`the page asks for ${request.url()}`);
  });
  await tab.goto(url);
  return tab;
};

const shoot = async (tab, name, options = {}) => {
  if (shots) await tab.screenshot({ path: join(shots, `${name}.png`), fullPage: true, ...options });
};

const shown = (tab) => tab.locator("article:visible").count();

const filters = async (tab) => {
  const all = await shown(tab);
  check(all > 3, `${all} changes are shown`);
  const count = () => tab.locator("#count").textContent();
  check((await count()) === `${all} of ${all} changes shown`, `the count says ${await count()}`);
  await tab.getByLabel("Text").fill("PASSROLE");
  check((await shown(tab)) === 1, "the text filter leaves one change");
  check((await count()) === `1 of ${all} changes shown`, `the count says ${await count()}`);
  await tab.getByLabel("Text").fill("no such thing");
  check((await shown(tab)) === 0, "the text filter leaves none");
  await tab.getByRole("button", { name: "Reset" }).click();
  await tab.waitForFunction((all) => document.getElementById("count").textContent.startsWith(`${all} of`), all);
  await tab.getByLabel("Severity").selectOption("high");
  const high = await shown(tab);
  check(high > 0 && high < all, `severity leaves ${high} of ${all}`);
  await tab.getByLabel("Proof").selectOption("may");
  check((await shown(tab)) === 1, "proof leaves the change that may be");
  await tab.getByRole("button", { name: "Reset" }).click();
  await tab.getByLabel("Cell").selectOption({ label: "pay-prod" });
  const cell = await shown(tab);
  check(cell > 0 && cell < all, `the cell leaves ${cell} of ${all}`);
  await tab.getByRole("button", { name: "Reset" }).click();
  await tab.waitForTimeout(50);
  check((await shown(tab)) === all, "reset shows all");
};

const links = async (context, tab) => {
  const ids = await tab.$$eval("#matrix td a", (all) => all.map((link) => decodeURIComponent(link.hash.slice(1))));
  check(ids.length > 0, "the matrix has links");
  for (const id of new Set(ids)) {
    const other = await open(context, `${page}#${encodeURIComponent(id)}`);
    await other.waitForFunction(() => document.activeElement?.tagName === "SUMMARY", null, { timeout: 5000 }).catch(() => {});
    const state = await other.evaluate((id) => {
      const article = document.getElementById(id)?.closest("article");
      const box = article?.getBoundingClientRect();
      return {
        open: article?.querySelector("details").open,
        focus: document.activeElement === article?.querySelector("summary"),
        seen: box && box.top < innerHeight && box.bottom > 0,
      };
    }, id);
    check(state.open && state.focus && state.seen, `#${id} leads to ${JSON.stringify(state)}`);
    await other.close();
  }
};

// Walks through the page by the Tab key alone.
const keyboard = async (tab) => {
  await tab.evaluate(() => document.activeElement?.blur());
  const wanted = await tab.evaluate(() => {
    const all = document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']");
    return [...all].filter((one) => one.checkVisibility()).length;
  });
  const seen = new Set();
  for (let step = 0; step < wanted + 5; step += 1) {
    await tab.keyboard.press("Tab");
    const at = await tab.evaluate(() => {
      const one = document.activeElement;
      if (!one || one === document.body) return null;
      const all = [...document.querySelectorAll("*")];
      const style = getComputedStyle(one);
      return { place: all.indexOf(one), tag: one.outerHTML.slice(0, 80), outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
    });
    if (!at) continue;
    seen.add(at.place);
    check(at.outline, `no visible focus: ${at.tag}`);
  }
  check(seen.size === wanted, `Tab reaches ${seen.size} of ${wanted} controls`);
  const links = tab.locator("#matrix td a");
  await links.first().focus();
  const place = () =>
    tab.evaluate(() => {
      const cell = document.activeElement.closest("td");
      return cell && [cell.parentElement.rowIndex, cell.cellIndex].join();
    });
  const before = await place();
  await tab.keyboard.press("ArrowRight");
  const right = await place();
  await tab.keyboard.press("ArrowDown");
  const down = await place();
  check(right && right !== before, `ArrowRight goes from ${before} to ${right}`);
  check(down && down !== right, `ArrowDown goes from ${right} to ${down}`);
  await tab.keyboard.press("Enter");
  await tab.waitForFunction(() => document.activeElement?.tagName === "SUMMARY");
  check(await tab.evaluate(() => document.activeElement.parentElement.open), "Enter in the matrix opens the change");
};

const accessible = async (tab, how) => {
  await tab.evaluate(axe);
  const found = await tab.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  for (const violation of found.violations) {
    const where = violation.nodes.map((node) => node.target.join(" ")).slice(0, 3).join("; ");
    wrong.push(`${how}: ${violation.id}: ${violation.help} (${where})`);
  }
  console.log(`axe, ${how}: ${found.passes.length} rules hold, ${found.violations.length} do not, ${found.incomplete.length} undecided`);
};

const structure = async (tab) => {
  const said = await tab.evaluate(() => ({
    landmarks: ["header", "nav", "main", "footer", "form[role=search]"].filter((name) => !document.querySelector(name)),
    bare: [...document.querySelectorAll("th")].filter((cell) => !cell.scope).length,
    live: document.getElementById("count").getAttribute("aria-live"),
    words: [...document.querySelectorAll("#matrix td a, .tag")].filter((one) => !one.textContent.trim()).length,
    ids: [...document.querySelectorAll("[id]")].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at),
  }));
  check(said.landmarks.length === 0, `landmarks are missing: ${said.landmarks}`);
  check(said.bare === 0, `${said.bare} header cells have no scope`);
  check(said.live === "polite", "the count is announced");
  check(said.words === 0, `${said.words} marks are colour alone`);
  check(said.ids.length === 0, `ids stand twice: ${said.ids}`);
};

const policy = async (tab) => {
  const ran = await tab.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    const asked = await fetch("data:text/plain,x").then(() => true, () => false);
    return { script: window.ran === true, asked };
  });
  check(!ran.script && !ran.asked, `the policy lets in ${JSON.stringify(ran)}`);
};

const narrow = async (tab) => {
  await tab.setViewportSize({ width: 360, height: 740 });
  const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(wide <= 0, `at 360 pixels the page is ${wide} pixels too wide`);
  await shoot(tab, "narrow");
  await tab.setViewportSize({ width: 1280, height: 900 });
};

const print = async (tab) => {
  await tab.emulateMedia({ media: "print" });
  await tab.evaluate(() => dispatchEvent(new Event("beforeprint")));
  const folded = await tab.locator("details:not([open])").count();
  check(folded === 0, `${folded} folds are closed on paper`);
  check(!(await tab.locator("#filter").isVisible()), "the filter is on paper");
  await shoot(tab, "print");
  await tab.evaluate(() => dispatchEvent(new Event("afterprint")));
  const pdf = await tab.pdf({ format: "A4", path: shots ? join(shots, "print.pdf") : undefined });
  check(pdf.length > 10_000, `the paper has ${pdf.length} bytes`);
  await tab.emulateMedia({ media: "screen" });
};

const withScript = async () => {
  const context = await start({ colorScheme: "light" });
  const tab = await open(context, page);
  await shoot(tab, "light");
  await structure(tab);
  await accessible(tab, "light");
  await filters(tab);
  await keyboard(tab);
  await links(context, tab);
  await tab.getByRole("button", { name: "Unfold all" }).click();
  await shoot(tab, "light-unfolded");
  await accessible(tab, "light, unfolded");
  await tab.emulateMedia({ colorScheme: "dark" });
  await shoot(tab, "dark-unfolded");
  await accessible(tab, "dark, unfolded");
  await narrow(tab);
  await print(tab);
  const spoiled = await open(context, hostile);
  const foreign = await spoiled.evaluate(() => document.querySelectorAll("img, body script:not(#review)").length);
  check(foreign === 1, `${foreign} scripts and pictures instead of our one script`);
  await spoiled.getByRole("button", { name: "Unfold all" }).click();
  await shoot(spoiled, "hostile");
  // What the policy refuses is said on the console: from here on that is what is wanted.
  const refused = await context.newPage();
  await refused.goto(page);
  await policy(refused);
  await context.close();
};

const withoutScript = async () => {
  const context = await start({ javaScriptEnabled: false });
  const tab = await open(context, page);
  check(!(await tab.locator("#filter").isVisible()), "a filter that does nothing is shown");
  check((await shown(tab)) > 3, "the changes are shown");
  await tab.locator("article summary").first().click();
  check(await tab.locator("article .region").first().isVisible(), "a change unfolds");
  await shoot(tab, "without-script");
  await context.close();
};

try {
  await withScript();
  await withoutScript();
} finally {
  rmSync(profile, { recursive: true, force: true });
}
for (const one of wrong) console.error(one);
console.log(wrong.length === 0 ? "the page is as it should be" : `${wrong.length} things are wrong`);
process.exitCode = wrong.length === 0 ? 0 : 1;
