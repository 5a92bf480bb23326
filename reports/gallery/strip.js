"use strict";
// Memory strips: what nets carried on one sequence, and how well a line reads the first key from it.
gallery.exhibits.strip = (place, data) => {
  const { make, slider, blend, scale, paint, plot } = gallery;
  const steps = data.nets[0].right.length;
  const cursors = [], readings = [];
  const shade = blend(data.shades);
  place.append(scale(data.shades, "−1", "1", "value, of its number's largest"));
  for (const net of data.nets) {
    place.append(make("h3", {}, net.label), make("p", { class: "note" }, net.says));
    place.append(make("div", { class: "stripe" }, paint("strip", steps, net.strip.length,
      `${net.label}: what it holds over the steps`, (t, unit) => shade((net.strip[unit][t] + 1) / 2))));
    const view = plot(place, {
      height: 130, title: `${net.label}: how often the first key is read right`,
      x: { from: 0, to: steps, label: "step" }, y: { from: 0.4, to: 1, label: "read right" },
    });
    for (const [from, to] of data.windows) {
      view.marks.append(make("rect", { class: "window", x: view.sx(from), width: view.sx(to) - view.sx(from), y: 0, height: view.inner.height }));
    }
    for (const key of data.keys) view.line([[key + 0.5, 0.4], [key + 0.5, 1]], "mark");
    view.line(net.right.map((share, t) => [t + 0.5, share]), net.method);
    const cursor = view.line([], "now");
    cursors.push((t) => cursor.set([[t + 0.5, 0.4], [t + 0.5, 1]]));
    readings.push((t) => `${net.label}: read right in ${(100 * net.right[t]).toFixed(0)}%, this sequence as ${net.reading[t].toFixed(2)}, where 0 is X and 1 is Y`);
  }
  const reading = make("p", { class: "reading", "aria-live": "polite" });
  const show = (t) => {
    cursors.forEach((set) => set(t));
    const told = data.keys.map((key, k) => `${data.symbols[k]} at step ${key}`).join(", ");
    reading.textContent = `Step ${t}; keys: ${told}. ${readings.map((each) => each(t)).join("; ")}.`;
  };
  const at = slider("strip", "step", { label: "step", from: 0, to: steps - 1, step: 1, start: data.keys[0] + 5, format: String }, show);
  place.append(make("div", { class: "controls" }, at.node), reading);
  show(at.value());
};
