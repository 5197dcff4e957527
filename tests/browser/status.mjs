// The page of all cells in a real browser: `node status.mjs CHROMIUM PAGE HOSTILE [SHOTS]`.
// PAGE is of a fleet in which everything is the case, with costs; HOSTILE of one whose every text is hostile; SHOTS is a folder
// for pictures. Prints what it saw; ends with status 1 and what is wrong.
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

const shoot = async (tab, name) => {
  if (shots) await tab.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
};

const rows = (tab) => tab.locator("#cells-table tbody tr:visible");
const shown = (tab) => rows(tab).count();
const column = (tab, at) => rows(tab).evaluateAll((all, at) => all.map((row) => row.cells[at].textContent.trim()), at);

const reset = async (tab, all) => {
  await tab.getByRole("button", { name: "Reset" }).click();
  await tab.waitForFunction((all) => document.getElementById("count").textContent.startsWith(`${all} of`), all);
};

const filters = async (tab) => {
  const all = await shown(tab);
  check(all > 5, `${all} cells are shown`);
  const count = () => tab.locator("#count").textContent();
  check((await count()) === `${all} of ${all} cells shown`, `the count says ${await count()}`);
  await tab.getByLabel("Text").fill("NO ROOM");
  check((await shown(tab)) === 1, "the text filter leaves one cell");
  check((await count()) === `1 of ${all} cells shown`, `the count says ${await count()}`);
  await tab.getByLabel("Text").fill("no such thing");
  check((await shown(tab)) === 0, "the text filter leaves none");
  await reset(tab, all);
  await tab.getByLabel("Kind").selectOption("prod");
  const prod = await shown(tab);
  check(prod > 0 && prod < all, `kind leaves ${prod} of ${all}`);
  await tab.getByLabel("Wave").selectOption("first");
  check((await shown(tab)) === 0, "no production cell is in the first wave");
  await tab.getByLabel("Kind").selectOption("");
  check((await shown(tab)) > 0, "the first wave has cells");
  await reset(tab, all);
  await tab.getByLabel("Alarms").selectOption("alarm");
  check((await shown(tab)) === 1, "one cell has an alarm");
  await reset(tab, all);
  await tab.getByLabel("Only what somebody has to look at").check();
  const grave = await shown(tab);
  check(grave > 0 && grave < all, `what is grave leaves ${grave} of ${all}`);
  await reset(tab, all);
};

const sorts = async (tab) => {
  const before = await column(tab, 0);
  const by = async (name) => {
    await tab.locator("#cells-table thead").getByRole("button", { name: new RegExp(`^${name}`) }).click();
    return tab.locator("#cells-table th[aria-sort]").evaluateAll((all) => all.map((head) => [head.textContent, head.getAttribute("aria-sort")].join(" ")));
  };
  check((await by("Cell")).join() === "Cell ascending", "the head says how it is sorted");
  const up = await column(tab, 0);
  check(up.join() === [...before].sort().join(), `by name: ${up}`);
  check((await by("Cell")).join() === "Cell descending", "the other way at the second click");
  check((await column(tab, 0)).join() === [...up].reverse().join(), "the other way round");
  const at = await tab.locator("#cells-table thead th").evaluateAll((all) => all.findIndex((head) => head.textContent === "Last apply"));
  await by("Last apply");
  const times = await column(tab, at);
  const some = times.filter(Boolean);
  check(some.length > 1 && some.join() === [...some].sort().join(), `by time: ${times}`);
  check(times.slice(some.length).every((time) => !time), "what was never applied stands last");
  await by("Last apply");
  check((await column(tab, at)).slice(some.length).every((time) => !time), "and last the other way round");
};

// Walks through the page by the Tab key alone.
const keyboard = async (tab) => {
  await tab.evaluate(() => document.activeElement?.blur());
  const wanted = await tab.evaluate(() => {
    const all = document.querySelectorAll("a[href], button, input, select, [tabindex='0']");
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
    words: [...document.querySelectorAll(".tag")].filter((one) => !one.textContent.trim()).length,
    ids: [...document.querySelectorAll("[id]")].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at),
    links: [...document.querySelectorAll("a[href^='#']")].filter((link) => !document.getElementById(link.hash.slice(1))).length,
  }));
  check(said.landmarks.length === 0, `landmarks are missing: ${said.landmarks}`);
  check(said.bare === 0, `${said.bare} header cells have no scope`);
  check(said.live === "polite", "the count is announced");
  check(said.words === 0, `${said.words} marks are colour alone`);
  check(said.ids.length === 0, `ids stand twice: ${said.ids}`);
  check(said.links === 0, `${said.links} links lead nowhere`);
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
  check(!(await tab.locator("#filter").isVisible()), "the filter is on paper");
  await shoot(tab, "print");
  const pdf = await tab.pdf({ format: "A4", landscape: true, path: shots ? join(shots, "print.pdf") : undefined });
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
  await sorts(tab);
  await keyboard(tab);
  await tab.emulateMedia({ colorScheme: "dark" });
  await shoot(tab, "dark");
  await accessible(tab, "dark");
  await narrow(tab);
  await print(tab);
  const spoiled = await open(context, hostile);
  const foreign = await spoiled.evaluate(() => document.querySelectorAll("img, body script").length);
  check(foreign === 1, `${foreign} scripts and pictures instead of our one script`);
  await shoot(spoiled, "hostile");
  // What the policy refuses is said on the console: from here on that is what is wanted.
  const refused = await context.newPage();
  await refused.goto(page);
  const ran = await refused.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    const asked = await fetch("data:text/plain,x").then(() => true, () => false);
    return { script: window.ran === true, asked };
  });
  check(!ran.script && !ran.asked, `the policy lets in ${JSON.stringify(ran)}`);
  await context.close();
};

const withoutScript = async () => {
  const context = await start({ javaScriptEnabled: false });
  const tab = await open(context, page);
  check(!(await tab.locator("#filter").isVisible()), "a filter that does nothing is shown");
  check((await shown(tab)) > 5, "the cells are shown");
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
