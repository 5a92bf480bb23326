"use strict";
// The gradient through the unrolled net: every number is computed before; a slider chooses among them.
gallery.exhibits.unrolling = (place, data) => {
  const { make, slider, key, short, plot } = gallery;
  const steps = data.distances.at(-1), copies = 6, gap = 94, apart = steps / (copies - 1);

  const net = make("svg", { viewBox: "0 -8 690 130", role: "img", "aria-label":
    `The net with its weights W, and unrolled in time: ${copies} of its ${steps + 1} copies, and the error's way back through them` });
  // an arrow from one point to another on a level
  const arrow = (from, to, y, kind) => {
    const tip = to > from ? -7 : 7;
    net.append(make("path", { class: `wire ${kind}`, d: `M${from},${y} L${to + tip},${y}` }),
      make("path", { class: `arrow ${kind}`, d: `M${to},${y} L${to + tip},${y - 4} L${to + tip},${y + 4} Z` }));
  };
  const box = (x, label, kind) => {
    const frame = make("rect", { x: x - 24, y: 40, width: 48, height: 30, rx: 6, class: `unit ${kind}` });
    net.append(frame, make("text", { x, y: 60, "text-anchor": "middle" }, label));
    return frame;
  };
  box(30, "h", "");
  net.append(make("path", { class: "wire", d: "M54,48 C86,20 86,90 61,63" }), make("path", { class: "arrow", d: "M54,61 L63,58 L61,67 Z" }),
    make("text", { x: 82, y: 60 }, "W"));
  const at = (k) => 150 + k * gap;
  const fills = Array.from({ length: copies }, (_, k) => {
    if (k) {
      arrow(at(k - 1) + 24, at(k) - 24, 55, "");
      net.append(make("text", { x: at(k) - gap / 2, y: 34, "text-anchor": "middle" }, `W ×${apart}`));
      arrow(at(k) - 24, at(k - 1) + 24, 84, "back");
    }
    return box(at(k), k === copies - 1 ? "h_T" : `−${(copies - 1 - k) * apart}`, "copy");
  });
  const end = at(copies - 1);
  net.append(make("text", { x: end, y: 8, "text-anchor": "middle" }, "error"),
    make("path", { class: "wire back", d: `M${end + 16},14 C${end + 50},30 ${end + 50},84 ${end + 26},84` }),
    make("text", { x: (at(0) + end) / 2, y: 112, "text-anchor": "middle", class: "title" }, "the error's way back: the more is left, the fuller"));
  place.append(make("div", { class: "plot drawing" }, net));

  const view = plot(place, {
    title: "Gradient of the last error with respect to earlier states",
    x: { from: 0, to: steps, label: "steps back" },
    y: { from: 1e-12, to: 1e18, log: true, label: "gradient, of the last state's" },
  });
  const dashes = ["dashed", "solid", "dotted"], series = (norms) => data.distances.map((d, i) => [d, norms[i]]);
  data.lstm.forEach(({ norms }, k) => view.line(series(norms), `lstm ${dashes[k]}`));
  const linear = view.line([], "linear"), tanh = view.line([], "vanilla");
  const reading = make("p", { class: "reading", "aria-live": "polite" });
  const choose = (value) => {
    const now = data.ways.reduce((best, each) => (Math.abs(each.radius - value) < Math.abs(best.radius - value) ? each : best));
    tanh.set(series(now.tanh));
    linear.set(series(now.linear));
    fills.forEach((fill, k) => {
      const share = now.tanh[(copies - 1 - k) * apart];
      fill.style.fillOpacity = Math.min(1, Math.max(0, 1 + Math.log10(Math.max(share, 1e-12)) / 12)).toFixed(2);
    });
    reading.replaceChildren(`Spectral radius ${now.radius.toFixed(2)}; of the gradient is left, ${steps} steps back: `,
      key("vanilla", `tanh net ${short(now.tanh.at(-1))}, its mean slope ${now.slope.toFixed(2)}`, { "data-far": now.tanh.at(-1) }),
      key("linear", `linear net of the same weights ${short(now.linear.at(-1))}`, { "data-far": now.linear.at(-1) }),
      ...data.lstm.map(({ label, norms }, k) => key(`lstm ${dashes[k]}`, `${label} ${short(norms.at(-1))}`)));
  };
  const radius = slider("unrolling", "radius", {
    label: "spectral radius", from: data.ways[0].radius, to: data.ways.at(-1).radius, step: 0.05, start: 0.9, format: (v) => v.toFixed(2),
  }, choose);
  place.append(make("div", { class: "controls" }, radius.node), reading, make("p", { class: "note" }, data.check));
  choose(radius.value());
};
