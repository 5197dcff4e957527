"use strict";
// The page is whole without this: it adds the filter, unfolds what a link names, and moves in the matrix by arrows.
(() => {
  const review = JSON.parse(document.getElementById("review").textContent);
  const form = document.getElementById("filter");
  const count = document.getElementById("count");
  const fields = {
    text: document.getElementById("filter-text"),
    severity: document.getElementById("filter-severity"),
    proof: document.getElementById("filter-proof"),
    cell: document.getElementById("filter-cell"),
  };
  const entries = [...document.querySelectorAll("article")].map((article) => {
    const own = review[Number(article.dataset.entry)];
    return {
      article,
      severity: article.dataset.severity,
      proof: article.dataset.proof.split(" "),
      cells: new Set(own.cells),
      text: JSON.stringify(own).toLowerCase(),
    };
  });

  const cells = new Set();
  for (const entry of entries) for (const cell of entry.cells) cells.add(cell);
  for (const cell of [...cells].sort()) {
    const option = document.createElement("option");
    option.value = cell;
    option.textContent = cell.replace(/^(.*\.)?cell\./, "$1");
    fields.cell.append(option);
  }

  const filter = () => {
    const words = fields.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const entry of entries) {
      const fits =
        words.every((word) => entry.text.includes(word)) &&
        (!fields.severity.value || entry.severity === fields.severity.value) &&
        (!fields.proof.value || entry.proof.includes(fields.proof.value)) &&
        (!fields.cell.value || entry.cells.has(fields.cell.value));
      entry.article.hidden = !fits;
      if (fits) shown += 1;
    }
    count.textContent = `${shown} of ${entries.length} changes shown`;
  };

  const unfold = document.getElementById("unfold");
  const fold = (open) => {
    for (const entry of entries) entry.article.querySelector("details").open = open;
    unfold.setAttribute("aria-pressed", String(open));
    unfold.textContent = open ? "Fold all" : "Unfold all";
  };

  const follow = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    const article = target && target.closest("article");
    if (!article) return;
    if (article.hidden) {
      form.reset();
      filter();
    }
    const details = article.querySelector("details");
    details.open = true;
    article.scrollIntoView({ block: "start" });
    details.querySelector("summary").focus({ preventScroll: true });
  };

  const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const table = document.querySelector("#matrix table");
  const move = (event) => {
    const step = arrows[event.key];
    const from = event.target.closest("td");
    if (!step || !from || event.altKey || event.ctrlKey || event.metaKey) return;
    let [row, column] = [from.parentElement.rowIndex, from.cellIndex];
    for (;;) {
      row += step[0];
      column += step[1];
      const next = table.rows[row] && table.rows[row].cells[column];
      if (!next || next.tagName !== "TD") return;
      const link = next.querySelector("a");
      if (link) {
        event.preventDefault();
        link.focus();
        return;
      }
    }
  };

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });
  addEventListener("hashchange", follow);
  addEventListener("click", (event) => {
    const link = event.target.closest("a");
    // A link to where we are is no change of the hash.
    if (link && link.hash && link.hash === location.hash) follow();
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  unfold.addEventListener("click", () => fold(unfold.getAttribute("aria-pressed") !== "true"));
  if (table) table.addEventListener("keydown", move);
  form.hidden = entries.length === 0;
  filter();
  // The browser scrolls to what a link names once all is loaded, and takes the focus: we come after it.
  addEventListener("load", () => setTimeout(follow));
})();
