// A page in a real browser: what holds of every page that is written for one. The page's own script says what is its own:
// it is called as `node SCRIPT CHROMIUM PAGE HOSTILE [SHOTS]`, where HOSTILE is PAGE with every text hostile, and SHOTS a
// folder for pictures.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, pagePath, hostilePath, shots] = process.argv.slice(2);
const axe = createRequire(import.meta.url)("axe-core").source;
export const page = pathToFileURL(resolve(pagePath)).href;
const hostile = pathToFileURL(resolve(hostilePath)).href;
const wrong = [];
export const check = (said, what) => {
  if (!said) wrong.push(what);
};

const profile = mkdtempSync(join(tmpdir(), "cellc-browser-"));
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const start = (options) =>
  chromium.launchPersistentContext(profile, { executablePath, headless: true, args, viewport: { width: 1280, height: 900 }, ...options });

// Opens a page in which everything that goes wrong, or wants to leave the file, is noted.
export const open = async (context, url) => {
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

export const shoot = async (tab, name) => {
  if (shots) await tab.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
};

// Walks through the page by the Tab key alone.
export const keyboard = async (tab) => {
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
};

export const accessible = async (tab, how) => {
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
    links: [...document.querySelectorAll("a[href^='#']")].filter((link) => !document.getElementById(decodeURIComponent(link.hash.slice(1)))).length,
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

const paper = async (tab, options) => {
  await tab.emulateMedia({ media: "print" });
  await tab.evaluate(() => dispatchEvent(new Event("beforeprint")));
  const folded = await tab.locator("details:not([open])").count();
  check(folded === 0, `${folded} folds are closed on paper`);
  check(!(await tab.locator("#filter").isVisible()), "the filter is on paper");
  await shoot(tab, "print");
  await tab.evaluate(() => dispatchEvent(new Event("afterprint")));
  const pdf = await tab.pdf({ format: "A4", path: shots ? join(shots, "print.pdf") : undefined, ...options });
  check(pdf.length > 10_000, `the paper has ${pdf.length} bytes`);
  await tab.emulateMedia({ media: "screen" });
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

// `own` is what only this page has: `used` uses it, `spoiled` looks at the hostile one, `bare` at the one without a script;
// `paper` are options of its print.
const withScript = async (own) => {
  const context = await start({ colorScheme: "light" });
  const tab = await open(context, page);
  await shoot(tab, "light");
  await structure(tab);
  await accessible(tab, "light");
  await own.used(tab, context);
  await tab.emulateMedia({ colorScheme: "dark" });
  await shoot(tab, "dark");
  await accessible(tab, "dark");
  await narrow(tab);
  await paper(tab, own.paper);
  const spoiled = await open(context, hostile);
  const foreign = await spoiled.evaluate(() => document.querySelectorAll("img, body script:not([type='application/json'])").length);
  check(foreign === 1, `${foreign} scripts and pictures instead of our one script`);
  await own.spoiled?.(spoiled);
  await shoot(spoiled, "hostile");
  // What the policy refuses is said on the console: from here on that is what is wanted.
  const refused = await context.newPage();
  await refused.goto(page);
  await policy(refused);
  await context.close();
};

const withoutScript = async (own) => {
  const context = await start({ javaScriptEnabled: false });
  const tab = await open(context, page);
  check(!(await tab.locator("#filter").isVisible()), "a filter that does nothing is shown");
  await own.bare(tab);
  await shoot(tab, "without-script");
  await context.close();
};

// Looks at the page, prints what was seen, and ends with status 1 and what is wrong, if anything is.
export const look = async (own) => {
  try {
    await withScript(own);
    await withoutScript(own);
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
  for (const one of wrong) console.error(one);
  console.log(wrong.length === 0 ? "the page is as it should be" : `${wrong.length} things are wrong`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
};
