// The page of an access review in a real browser: see page.mjs. PAGE is of a review with one of each kind of row.
import { accessible, check, keyboard, look, open, page, shoot } from "./page.mjs";

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

// Walks through the matrix by its arrows.
const arrows = async (tab) => {
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

const used = async (tab, context) => {
  await filters(tab);
  await keyboard(tab);
  await arrows(tab);
  await links(context, tab);
  await tab.getByRole("button", { name: "Unfold all" }).click();
  await shoot(tab, "light-unfolded");
  await accessible(tab, "light, unfolded");
};

const spoiled = (tab) => tab.getByRole("button", { name: "Unfold all" }).click();

const bare = async (tab) => {
  check((await shown(tab)) > 3, "the changes are shown");
  await tab.locator("article summary").first().click();
  check(await tab.locator("article .region").first().isVisible(), "a change unfolds");
};

await look({ used, spoiled, bare });
