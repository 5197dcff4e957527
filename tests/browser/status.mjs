// The page of all cells in a real browser: see page.mjs. PAGE is of a fleet in which everything is the case, with costs.
import { check, keyboard, look } from "./page.mjs";

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

const used = async (tab) => {
  await filters(tab);
  await sorts(tab);
  await keyboard(tab);
};

const bare = async (tab) => check((await shown(tab)) > 5, "the cells are shown");

await look({ used, bare, paper: { landscape: true } });
