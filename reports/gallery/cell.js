"use strict";
// The memory cell, step by step: what the project's own cell computed; a stepper walks through it.
gallery.exhibits.cell = (place, data) => {
  const { make, slider, key, short, plot } = gallery;
  const last = data.steps.length - 1;

  const drawing = make("svg", { viewBox: "-40 -16 720 210", role: "img", "aria-label": "A memory cell with its three gates" });
  const gates = {};
  const gate = (name, x, y, [tx, ty, anchor] = [x, y + 62, "middle"]) => {
    const bar = make("rect", { x: x - 9, y: y, width: 18, height: 0, class: "bar lstm" });
    const told = make("text", { x: tx, y: ty, "text-anchor": anchor }, "");
    drawing.append(make("rect", { x: x - 9, y, width: 18, height: 44, class: "frame" }), bar,
      make("text", { x, y: y - 8, "text-anchor": "middle", class: "title" }, name), told);
    gates[name] = (value) => {
      bar.setAttribute("y", y + 44 * (1 - value));
      bar.setAttribute("height", 44 * value);
      told.textContent = value.toFixed(3);
    };
  };
  drawing.append(
    make("path", { class: "wire", d: "M70,110 L250,110 M390,110 L570,110" }),
    make("path", { class: "wire", d: "M280,95 C250,20 390,20 360,95" }));
  gate("write", 160, 88);
  gate("keep", 320, 8, [336, 34, "start"]);
  gate("read", 480, 88);
  const incoming = make("text", { x: 60, y: 114, "text-anchor": "end", class: "big" }, "");
  const cell = make("text", { x: 320, y: 122, "text-anchor": "middle", class: "huge" }, "");
  const outgoing = make("text", { x: 580, y: 114, class: "big" }, "");
  drawing.append(make("circle", { cx: 320, cy: 114, r: 44, class: "core" }), incoming, cell, outgoing,
    make("text", { x: 60, y: 140, "text-anchor": "end", class: "title" }, "new"),
    make("text", { x: 320, y: 178, "text-anchor": "middle", class: "title" }, "cell"),
    make("text", { x: 580, y: 140, class: "title" }, "out"));
  place.append(make("div", { class: "plot drawing" }, drawing));

  const view = plot(place, {
    height: 220, title: "The cell's value and the tanh unit's over the steps",
    x: { from: 0, to: last, label: "step" }, y: { from: 0, to: 5, label: "value" },
  });
  view.line(data.steps.map((each, t) => [t, each.cell]), "lstm");
  view.line(data.steps.map((each, t) => [t, each.unit]), "vanilla");
  const cursor = make("line", { class: "cursor", y1: 0, y2: view.inner.height });
  view.marks.append(cursor);
  const reading = make("p", { class: "reading", "aria-live": "polite" });
  const show = (step) => {
    const t = Math.round(step), now = data.steps[t];
    for (const name of ["write", "keep", "read"]) gates[name](now[name]);
    incoming.textContent = short(now.new);
    cell.textContent = now.cell.toFixed(2);
    outgoing.textContent = short(now.out);
    cursor.setAttribute("x1", view.sx(t));
    cursor.setAttribute("x2", view.sx(t));
    reading.replaceChildren(
      make("b", {}, `Step ${t}: ${now.says}. `),
      "Of a change of what was written is left: ",
      key("lstm", `in the memory cell ${short(now.cell_derivative)}`), key("vanilla", `in the tanh unit ${short(now.unit_derivative)}`));
  };
  const at = slider("cell", "step", { label: "step", from: 0, to: last, step: 1, start: 0, format: String }, show);
  const by = (n) => make("button", { type: "button", onclick: () => at.set(Math.min(last, Math.max(0, at.value() + n))) }, n < 0 ? "back" : "next");
  place.append(make("div", { class: "controls" }, by(-1), by(1), at.node), reading);
  show(at.value());
};
