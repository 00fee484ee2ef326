"use strict";
// The table of tenants: sorted by a click on a head, filtered as one types. All of its rows stand in the page.
(() => {
  const table = document.getElementById("of-tenants");
  if (!table) return;
  const body = table.tBodies[0], lines = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const filter = document.getElementById("tenant"), count = document.getElementById("tenant-count");
  const texts = lines.map((line) => line.cells[0].textContent.toLowerCase());

  function choose() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    lines.forEach((line, place) => {
      line.hidden = !words.every((word) => texts[place].includes(word));
      shown += !line.hidden;
    });
    const total = lines.length.toLocaleString("en");
    count.textContent = shown === lines.length ? `${total} tenants` : `${shown.toLocaleString("en")} of ${total} tenants`;
  }

  function sortBy(head) {
    const column = head.cellIndex, up = head.getAttribute("aria-sort") !== "ascending", sign = up ? 1 : -1;
    const key = (line) => {
      const cell = line.cells[column];
      return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.toLowerCase();
    };
    const keyed = lines.map((line) => [key(line), line]);
    keyed.sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0));
    body.append(...keyed.map(([, line]) => line));
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
  }

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sortBy(head));
    head.replaceChildren(button);
  }
  filter.addEventListener("input", choose);
  filter.form.addEventListener("submit", (event) => event.preventDefault());
  filter.form.hidden = false;
  table.classList.add("sorts");
  choose();
})();
