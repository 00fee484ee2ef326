"use strict";
// The table of items: unpacked, filtered, sorted, and shown a window at a time, so that 100,000 rows are no more
// work for the browser than 40. Without it the first rows stand in the page as they are.
(() => {
  const packed = document.getElementById("packed");
  if (!packed || typeof DecompressionStream !== "function") return;

  const OVER = 12; // rows kept above and below those in sight, so that the next button can be reached by Tab
  const PRINTED = 500;
  const STATUS = 5, CAUSE = 6;
  const get = (id) => document.getElementById(id);
  const box = get("window"), table = get("table"), body = table.tBodies[0], count = get("count");
  const filter = get("filter"), byStatus = get("by-status"), byMends = get("by-mends"), detail = get("detail");
  const columns = table.dataset.columns.split(" ").map(Number);
  const heads = [...table.tHead.rows[0].cells];
  const { names, remedies, mends } = JSON.parse(get("facts").textContent);
  const shown = new Map(); // place in the order -> its <tr>
  let rows = [], hay = [], order = [], sorted = null, height = 36, chosen = null;

  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const space = () => {
    const line = make("tr", undefined, "space");
    line.append(make("td"));
    line.setAttribute("aria-hidden", "true");
    return line;
  };
  const above = space(), below = space();

  function line(place) {
    const cells = rows[order[place]];
    const made = make("tr");
    made.setAttribute("aria-rowindex", place + 2);
    if (order[place] === chosen) made.className = "chosen";
    for (const column of columns) {
      const cell = made.appendChild(make("td", undefined, "c" + column));
      const value = cells[column];
      if (column === 0) {
        const button = cell.appendChild(make("button", value.toLocaleString("en"), "row"));
        button.type = "button";
        button.setAttribute("aria-label", `Row ${value}, details`);
      } else if (column === STATUS) cell.append(make("span", value, "status " + value));
      else if (value !== null) cell.append(make("bdi", String(value)));
    }
    made.dataset.number = order[place];
    return made;
  }

  function draw(all) {
    const from = all ? 0 : Math.max(0, Math.floor(box.scrollTop / height) - OVER);
    const most = all ? PRINTED : Math.ceil((box.clientHeight || 500) / height) + 2 * OVER;
    const to = Math.min(order.length, from + most);
    for (const [place, made] of shown) {
      if (place < from || place >= to) {
        made.remove();
        shown.delete(place);
      }
    }
    let next = above.nextSibling;
    for (let place = from; place < to; place++) {
      const known = shown.get(place);
      if (known) {
        next = known.nextSibling;
        continue;
      }
      const made = line(place);
      body.insertBefore(made, next);
      shown.set(place, made);
    }
    above.firstChild.style.height = `${from * height}px`;
    below.firstChild.style.height = all ? "0" : `${(order.length - to) * height}px`;
  }

  function redraw() {
    shown.clear();
    body.replaceChildren(above, below);
    table.setAttribute("aria-rowcount", order.length + 1);
    draw(false);
    const first = shown.values().next().value;
    const real = first ? first.getBoundingClientRect().height : 0;
    if (real && Math.abs(real - height) > 0.1) {
      height = real;
      draw(false);
    }
    const total = rows.length.toLocaleString("en"), now = order.length.toLocaleString("en");
    count.textContent = order.length === rows.length ? `${total} items` : `${now} of ${total} items`;
  }

  function choose() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = byStatus.value, todo = byMends.value;
    order = [];
    for (let number = 0; number < rows.length; number++) {
      if (status && rows[number][STATUS] !== status) continue;
      if (todo && mends[rows[number][CAUSE]] !== todo) continue;
      const text = hay[number];
      if (words.every((word) => text.includes(word))) order.push(number);
    }
    sort();
    box.scrollTop = 0;
    redraw();
  }

  function sort() {
    if (!sorted) return;
    const { column, up } = sorted;
    const keys = rows.map((cells) => {
      const value = cells[column];
      return value === null ? -1 : typeof value === "string" ? value.toLowerCase() : value;
    });
    const sign = up ? 1 : -1;
    order.sort((a, b) => (keys[a] < keys[b] ? -sign : keys[a] > keys[b] ? sign : a - b));
  }

  function sortBy(head) {
    const column = Number(head.dataset.column);
    sorted = { column, up: !(sorted && sorted.column === column && sorted.up) };
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sorted.up ? "ascending" : "descending");
    choose();
  }

  function tell(number) {
    chosen = number;
    for (const made of shown.values()) made.className = Number(made.dataset.number) === number ? "chosen" : "";
    const cells = rows[number], list = make("dl");
    const pair = (name, value) => {
      if (value === null || value === "") return;
      list.append(make("dt", name));
      list.appendChild(make("dd")).append(make("bdi", String(value)));
    };
    names.forEach((name, column) => pair(name, cells[column]));
    pair("What to do", remedies[cells[CAUSE]] || "");
    detail.replaceChildren(list);
    detail.hidden = false;
  }

  function csv() {
    const cell = (value) => {
      let text = value === null ? "" : String(value);
      if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = "'" + text; // no formula for a spreadsheet
      return `"${text.replaceAll('"', '""')}"`;
    };
    const lines = [names.map(cell).join(",")];
    for (const number of order) lines.push(rows[number].map(cell).join(","));
    return lines.join("\r\n") + "\r\n";
  }

  async function copy(button) {
    const text = csv(), label = "Copy as CSV";
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      const area = make("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    button.textContent = done ? `Copied ${order.length.toLocaleString("en")} rows` : "The browser does not allow it";
    setTimeout(() => (button.textContent = label), 2500);
  }

  function listen() {
    for (const head of heads) {
      const button = make("button", head.textContent);
      button.type = "button";
      button.addEventListener("click", () => sortBy(head));
      head.replaceChildren(button);
    }
    let waiting = 0;
    const soon = () => {
      clearTimeout(waiting);
      waiting = setTimeout(choose, 120);
    };
    filter.addEventListener("input", soon);
    filter.form.addEventListener("submit", (event) => event.preventDefault());
    byStatus.addEventListener("change", choose);
    byMends.addEventListener("change", choose);
    get("copy").addEventListener("click", (event) => copy(event.currentTarget));
    let asked = false;
    box.addEventListener("scroll", () => {
      if (!asked) requestAnimationFrame(() => ((asked = false), draw(false)));
      asked = true;
    });
    body.addEventListener("click", (event) => {
      const made = event.target.closest("tr");
      if (made && made.dataset.number !== undefined) tell(Number(made.dataset.number));
    });
    for (const button of document.querySelectorAll("[data-show]")) {
      button.addEventListener("click", () => {
        filter.value = button.dataset.show;
        choose();
        get("items").scrollIntoView();
        box.focus({ preventScroll: true });
      });
    }
    addEventListener("resize", () => draw(false));
    addEventListener("beforeprint", () => (body.replaceChildren(above, below), shown.clear(), draw(true)));
    addEventListener("afterprint", redraw);
  }

  async function unpack() {
    const text = atob(packed.textContent.trim());
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const lines = (await new Response(stream).text()).trimEnd().split("\n");
    packed.remove();
    return lines.map((each) => JSON.parse(each));
  }

  unpack().then((found) => {
    rows = found;
    hay = rows.map((cells) => cells.join(" ").toLowerCase());
    document.documentElement.classList.add("live");
    for (const element of document.querySelectorAll(".scripted")) element.hidden = element === detail;
    for (const element of document.querySelectorAll(".unscripted")) element.remove();
    listen();
    choose();
  });
})();
