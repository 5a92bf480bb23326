"use strict";
// The rows behind a chart, as a table and as CSV: made when a reader opens them.
(() => {
  const { make } = longlag;
  const LONGEST = 200;

  const fill = async (details) => {
    const spec = await longlag.unpack(details.parentElement.querySelector(".chart script"));
    const name = details.parentElement.querySelector("figcaption b").textContent;
    for (const [key, title] of Object.entries(spec.usermeta.tables)) {
      const rows = spec.datasets[key];
      if (!rows.length) continue;
      const columns = Object.keys(rows[0]).filter((column) => column !== "x");
      const cells = (row) => columns.map((column) => row[column]);
      const save = make("button", "as CSV", { type: "button" });
      save.addEventListener("click", () => longlag.save(
        `${name} ${title}.csv`.replace(/[^\w.-]+/g, "_"), longlag.csv([columns, ...rows.map(cells)]),
      ));
      const cut = rows.length > LONGEST ? `, the first ${LONGEST} shown` : "";
      const caption = make("caption", `${title}: ${rows.length} row${rows.length === 1 ? "" : "s"}${cut} `);
      caption.append(save);
      const head = make("tr"), top = make("thead"), body = make("tbody"), table = make("table");
      head.append(...columns.map((column) => make("th", column, { scope: "col" })));
      top.append(head);
      for (const row of rows.slice(0, LONGEST)) {
        const line = make("tr");
        line.append(...cells(row).map((cell) => make("td", longlag.number(cell), { class: typeof cell === "number" ? "right" : "" })));
        body.append(line);
      }
      table.append(caption, top, body);
      const scroll = make("div", "", { class: "scroll", tabindex: "0", role: "region", "aria-label": title });
      scroll.append(table);
      details.append(scroll);
    }
  };

  for (const details of document.querySelectorAll("details.behind")) {
    details.addEventListener("toggle", () => {
      fill(details).catch((error) => console.error(error));
    }, { once: true });
  }
})();
