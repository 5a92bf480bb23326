"use strict";
// The gradient through the unrolled net: every number is computed before; a slider chooses among them.
gallery.exhibits.unrolling = (place, data) => {
  const { make, slider, short, plot } = gallery;
  const steps = data.distances.at(-1);

  const net = make("svg", { viewBox: "0 0 640 110", role: "img", "aria-label": "The net, and the net unrolled in time" });
  const copies = 9, gap = 58;
  const box = (x, label, kind) => net.append(
    make("rect", { x: x - 20, y: 40, width: 40, height: 30, rx: 6, class: `unit ${kind}` }),
    make("text", { x, y: 60, "text-anchor": "middle" }, label));
  box(36, "h", "");
  net.append(make("path", { class: "wire", d: "M56,50 C86,20 86,90 56,62" }), make("text", { x: 84, y: 60 }, "W"));
  const fills = [];
  for (let k = 0; k < copies; k += 1) {
    const x = 150 + k * gap;
    box(x, k === copies - 1 ? "h_T" : `−${Math.round(((copies - 1 - k) / (copies - 1)) * steps)}`, "copy");
    fills.push(net.lastChild.previousSibling);
    if (k) net.append(make("path", { class: "wire back", d: `M${x - 20},78 L${x - gap + 20},78` }));
  }
  net.append(make("text", { x: 150 + (copies - 1) * gap, y: 26, "text-anchor": "middle" }, "error"),
    make("text", { x: 380, y: 100, "text-anchor": "middle", class: "title" }, "the error's way back through the copies"));
  place.append(make("div", { class: "plot drawing" }, net));

  const view = plot(place, {
    title: "Gradient of the last error with respect to earlier states",
    x: { from: 0, to: steps, label: "steps back" },
    y: { from: 1e-12, to: 1e6, log: true, label: "gradient, of the last state's" },
  });
  data.lstm.forEach(({ norms }, index) => view.line(data.distances.map((d, i) => [d, norms[i]]), `lstm lstm${index}`));
  const tanh = view.line([], "tanh");
  const reading = make("p", { class: "reading", "aria-live": "polite" });
  const choose = (value) => {
    const at = data.radii.reduce((best, r, i) => (Math.abs(r - value) < Math.abs(data.radii[best] - value) ? i : best), 0);
    const norms = data.tanh[at];
    tanh.set(data.distances.map((d, i) => [d, norms[i]]));
    fills.forEach((fill, k) => {
      const share = norms[Math.round(((copies - 1 - k) / (copies - 1)) * (norms.length - 1))];
      const level = Math.min(1, Math.max(0, 1 + Math.log10(Math.max(share, 1e-12)) / 12));
      fill.style.fillOpacity = level.toFixed(2);
    });
    reading.replaceChildren(
      make("span", { class: "key tanh", "data-far": norms.at(-1) }, `tanh net, spectral radius ${data.radii[at].toFixed(2)}: ${short(norms.at(-1))} of the gradient is left ${steps} steps back`),
      " ", ...data.lstm.flatMap(({ label, norms: left }, i) => [make("span", { class: `key lstm lstm${i}` }, `${label}: ${short(left.at(-1))}`), " "]));
  };
  const radius = slider("unrolling", "radius", {
    label: "spectral radius", from: data.radii[0], to: data.radii.at(-1), step: 0.05, start: 0.9, format: (v) => v.toFixed(2),
  }, choose);
  place.append(make("div", { class: "controls" }, radius.node), reading, make("p", { class: "note" }, data.check));
  choose(radius.value());
};
