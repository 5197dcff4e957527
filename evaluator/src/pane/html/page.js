"use strict";
// The page is whole without this: it adds the filter, and sorts by a column.
(() => {
  const table = document.getElementById("cells-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, text: row.textContent.toLowerCase(), waves: row.dataset.waves.split("\n") }));
  const form = document.getElementById("filter");
  const count = document.getElementById("count");
  const field = (name) => document.getElementById(`filter-${name}`);
  const [text, kind, wave, alarms, grave] = ["text", "kind", "wave", "alarms", "grave"].map(field);
  const order = new Intl.Collator("en", { numeric: true });

  const offer = (select, values) => {
    for (const value of [...new Set(values)].filter(Boolean).sort(order.compare)) {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = value;
      select.append(option);
    }
  };
  offer(kind, rows.map(({ row }) => row.dataset.kind));
  offer(wave, rows.flatMap(({ waves }) => waves));
  offer(alarms, rows.map(({ row }) => row.dataset.alarms));

  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { row, text: own, waves } of rows) {
      const fits =
        words.every((word) => own.includes(word)) &&
        (!kind.value || row.dataset.kind === kind.value) &&
        (!wave.value || waves.includes(wave.value)) &&
        (!alarms.value || row.dataset.alarms === alarms.value) &&
        (!grave.checked || row.classList.contains("grave"));
      row.hidden = !fits;
      if (fits) shown += 1;
    }
    count.textContent = `${shown} of ${rows.length} cells shown`;
  };

  const heads = [...table.tHead.rows[0].cells];
  const sort = (head) => {
    const at = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = ({ row }) => row.cells[at].dataset.sort ?? row.cells[at].textContent.trim();
    // What is not there stands last, whichever way it is sorted.
    const compare = (a, b) => {
      const [left, right] = [key(a), key(b)];
      if (!left || !right) return Number(!left) - Number(!right);
      return down ? order.compare(right, left) : order.compare(left, right);
    };
    for (const { row } of [...rows].sort(compare)) body.append(row);
  };
  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  filter();
})();
