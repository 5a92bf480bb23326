"use strict";
// Every trial: a table of which a page of rows is drawn at a time, so that 100,000 rows are no burden.
(() => {
  const place = document.querySelector("#trials .table");
  if (!place) return;
  const { make } = longlag;
  const PAGE = 25;
  let table, order, shown = [], page = 0, sorted = { column: null, down: false };
  const chosen = new Map(); // column -> the value that is kept
  let words = "";

  const value = (column, row) => column.numbers ? column.numbers[row] : column.values[column.codes[row]];
  const replay = (row) => `${table.replay[table.replays[row] ?? 0]} ${table.runs[row]}`;
  const before = () => table.columns.findIndex((each) => each.name === table.aside);
  const column = (name) => table.columns.find((each) => each.name === name);

  /** Numbers by which a column sorts; what is missing comes last either way. */
  const ranks = (of) => {
    if (of.numbers) return Float64Array.from(of.numbers, (each) => each ?? NaN);
    const alphabetical = of.values.map((_, code) => code)
      .sort((a, b) => of.values[a] < of.values[b] ? -1 : of.values[a] > of.values[b] ? 1 : 0);
    const rank = new Float64Array(of.values.length);
    alphabetical.forEach((code, place) => { rank[code] = of.values[code] === "" ? NaN : place; });
    return Float64Array.from(of.codes, (code) => rank[code]);
  };

  const sort = () => {
    order = Uint32Array.from(table.runs, (_, row) => row);
    if (sorted.column === null) return;
    const rank = ranks(column(sorted.column)), sign = sorted.down ? -1 : 1;
    order.sort((a, b) => {
      const x = rank[a], y = rank[b];
      if (x !== x || y !== y) return (x !== x) - (y !== y) || a - b;
      return sign * (x - y) || a - b;
    });
  };

  const filter = () => {
    const tests = [...chosen].map(([name, kept]) => {
      const of = column(name);
      if (of.numbers) return (row) => of.numbers[row] === kept;
      const code = of.values.indexOf(kept);
      return (row) => of.codes[row] === code;
    });
    if (words) {
      const wanted = words.toLowerCase();
      // Of text, each distinct value is searched once.
      const found = table.columns.filter((each) => each.codes).map((each) => {
        const has = each.values.map((text) => text.toLowerCase().includes(wanted));
        return (row) => has[each.codes[row]];
      });
      found.push((row) => table.runs[row].includes(wanted));
      tests.push((row) => found.some((test) => test(row)));
    }
    shown = [...order.filter((row) => tests.every((test) => test(row)))];
  };

  const heads = new Map();
  const body = make("tbody"), said = make("p", "", { class: "note", "aria-live": "polite" });
  const back = make("button", "previous", { type: "button" }), on = make("button", "next", { type: "button" });

  const draw = () => {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.min(page, pages - 1);
    const rows = shown.slice(page * PAGE, (page + 1) * PAGE);
    body.replaceChildren(...rows.map((row) => {
      const line = make("tr"), command = make("td");
      command.append(make("code", replay(row)));
      line.append(...table.columns.map((of) => make(
        "td", longlag.number(value(of, row)) || "–", of.numbers ? { class: "right" } : {},
      )));
      line.insertBefore(command, line.children[before()]);
      return line;
    }));
    for (const [name, head] of heads) {
      head.setAttribute("aria-sort", sorted.column !== name ? "none" : sorted.down ? "descending" : "ascending");
    }
    back.disabled = page === 0;
    on.disabled = page === pages - 1;
    const first = rows.length ? page * PAGE + 1 : 0;
    said.textContent = `${first} to ${page * PAGE + rows.length} of ${shown.length} trials`
      + (shown.length < table.runs.length ? `, of ${table.runs.length} in all` : "");
  };

  const again = (anew) => { if (anew) sort(); filter(); page = 0; draw(); };

  const choice = (name) => {
    const of = column(name);
    const values = of.numbers ? [...new Set(of.numbers)].sort((a, b) => a - b) : [...of.values].sort();
    const label = make("label", `${of.title} `), select = make("select");
    select.append(make("option", "all", { value: "" }));
    values.forEach((each, index) => select.append(make("option", String(each), { value: String(index) })));
    select.addEventListener("change", () => {
      if (select.value === "") chosen.delete(name); else chosen.set(name, values[Number(select.value)]);
      again(false);
    });
    label.append(select);
    return label;
  };

  const build = async () => {
    table = await longlag.unpack(place.querySelector("script"));
    sort();
    filter();
    const head = make("tr");
    for (const of of table.columns) {
      const cell = make("th", "", { class: of.numbers ? "right" : "", scope: "col" });
      const button = make("button", of.title, { type: "button" });
      button.addEventListener("click", () => {
        sorted = { column: of.name, down: sorted.column === of.name && !sorted.down };
        again(true);
      });
      cell.append(button);
      heads.set(of.name, cell);
      head.append(cell);
    }
    head.insertBefore(make("th", "run it again", { scope: "col" }), head.children[before()]);
    const search = make("label", "containing "), typed = make("input", "", { type: "search" });
    typed.addEventListener("input", () => { words = typed.value.trim(); again(false); });
    search.append(typed);
    const filters = make("div", "", { class: "filters" });
    filters.append(...table.filters.map(choice), search);
    const save = make("button", "these rows as CSV", { type: "button" });
    save.addEventListener("click", () => longlag.save("trials.csv", longlag.csv([
      [...table.columns.map((of) => of.name), "replay"],
      ...shown.map((row) => [...table.columns.map((of) => value(of, row)), replay(row)]),
    ])));
    const turn = make("div", "", { class: "turn" });
    back.addEventListener("click", () => { page -= 1; draw(); });
    on.addEventListener("click", () => { page += 1; draw(); });
    turn.append(back, on, said, save);
    const all = make("table", "", { class: "full rows" }), top = make("thead");
    const scroll = make("div", "", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Every trial" });
    top.append(head);
    all.append(top, body);
    scroll.append(all);
    place.append(filters, turn, scroll);
    draw();
  };

  // Unpacked when it comes near: a reader of the headlines alone never waits for it.
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watcher.disconnect();
    build().catch((error) => console.error(error));
  }, { rootMargin: "600px" });
  watcher.observe(place);
})();
