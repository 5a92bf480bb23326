"use strict";
// One unit with a cliff: computed here, by the formulas of cliff.py, which the tests hold these against.
const cliff = (() => {
  const sigma = (x) => 1 / (1 + Math.exp(-x));

  // the error after all steps, and its gradient by forward sensitivities
  const error = ({ steps, target, first }, w, b) => {
    let x = first, byW = 0, byB = 0;
    for (let t = 0; t < steps; t += 1) {
      const s = sigma(x), slope = w * s * (1 - s);
      byW = s + slope * byW;
      byB = 1 + slope * byB;
      x = w * s + b;
    }
    const y = sigma(x), off = y - target, bend = y * (1 - y);
    return { error: off * off, off, gradient: [2 * off * bend * byW, 2 * off * bend * byB], slope: [bend * byW, bend * byB] };
  };

  // one path of updates from (w, b); `threshold` null: nothing is clipped
  const descent = (unit, w, b, rate, threshold, updates) => {
    const path = [[w, b]];
    for (let k = 0; k < updates; k += 1) {
      let [gw, gb] = error(unit, w, b).gradient;
      const norm = Math.hypot(gw, gb);
      if (threshold !== null && norm > threshold) { gw *= threshold / norm; gb *= threshold / norm; }
      w -= rate * gw;
      b -= rate * gb;
      path.push([w, b]);
    }
    return path;
  };

  // Gauss-Newton with Levenberg and Marquardt's damping, by Martens' rule; a step that is worse is not taken
  const secondOrder = (unit, w, b, damping, updates) => {
    const path = [[w, b]];
    for (let k = 0; k < updates; k += 1) {
      const now = error(unit, w, b), [gw, gb] = now.gradient, [sw, sb] = now.slope;
      const a = 2 * sw * sw + damping, c = 2 * sw * sb, d = 2 * sb * sb + damping, det = a * d - c * c;
      const dw = -(d * gw - c * gb) / det, db = -(a * gb - c * gw) / det;
      const bent = sw * dw + sb * db;
      const promised = gw * dw + gb * db + bent * bent;
      const after = error(unit, w + dw, b + db).error;
      const ratio = (after - now.error) / promised;
      if (ratio < 0.25) damping *= 1.5;
      else if (ratio > 0.75) damping /= 1.5;
      if (after < now.error) { w += dw; b += db; }
      path.push([w, b]);
    }
    return path;
  };
  return { error, descent, secondOrder };
})();

if (typeof gallery !== "undefined") gallery.exhibits.cliff = (place, data) => {
  const { make, remember, recall, slider, key, blend, scale, short, plot } = gallery;
  const { unit, axes, updates, names } = data;
  const depth = blend(data.depth);
  const view = plot(place, {
    height: 420, role: "group", title: "The error over weight and bias, and three ways from a start", ...axes,
    surface: {
      label: "The error over weight and bias: a valley, and a wall across it",
      colour: (w, b) => depth(Math.sqrt(cliff.error(unit, w, b).error / data.top)),
    },
  });
  place.append(scale(data.depth, "0", `${data.top} and more`, "error"));

  // what an address can hold: so a link shows the very numbers that were seen
  const kept = (value, { from, to }) => Number(Math.min(to, Math.max(from, value)).toFixed(4));
  const start = { w: kept(recall("cliff", "w", data.start[0]), axes.x), b: kept(recall("cliff", "b", data.start[1]), axes.y) };
  const kinds = Object.keys(names);
  const lines = Object.fromEntries(kinds.map((kind) => [kind, view.line([], kind)]));
  const ends = Object.fromEntries(kinds.map((kind) => {
    const dot = make("circle", { r: 4, class: `end ${kind}` });
    view.marks.append(dot);
    return [kind, dot];
  }));
  const handle = make("circle", {
    r: 9, class: "handle", tabindex: 0, role: "slider", "aria-label": "start: weight and bias, by arrow keys",
    "aria-valuemin": axes.x.from, "aria-valuemax": axes.x.to,
  });
  view.marks.append(handle);
  const reading = make("p", { class: "reading", "aria-live": "polite" });
  const hover = make("p", { class: "reading" }, "Move over the surface to read the error.");

  const update = () => {
    const { w, b } = start;
    const paths = {
      vanilla: cliff.descent(unit, w, b, rate.value(), null, updates),
      gradient_clipping: cliff.descent(unit, w, b, rate.value(), threshold.value(), updates),
      hessian_free: cliff.secondOrder(unit, w, b, data.damping, updates),
    };
    reading.replaceChildren(`Start: weight ${w}, bias ${b}, error ${short(cliff.error(unit, w, b).error)}. After ${updates} updates: `);
    for (const kind of kinds) {
      lines[kind].set(paths[kind]);
      const [endW, endB] = paths[kind].at(-1);
      const out = endW < axes.x.from || endW > axes.x.to || endB < axes.y.from || endB > axes.y.to;
      ends[kind].setAttribute("cx", view.sx(Math.min(axes.x.to, Math.max(axes.x.from, endW))));
      ends[kind].setAttribute("cy", view.sy(Math.min(axes.y.to, Math.max(axes.y.from, endB))));
      const { error } = cliff.error(unit, endW, endB);
      reading.append(key(kind, `${names[kind]} ${short(error)}${out ? ", out of the picture" : ""}`, { "data-error": error }));
    }
    handle.setAttribute("cx", view.sx(w));
    handle.setAttribute("cy", view.sy(b));
    handle.setAttribute("aria-valuenow", w);
    handle.setAttribute("aria-valuetext", `weight ${w}, bias ${b}`);
  };
  const move = (w, b) => {
    start.w = kept(w, axes.x);
    start.b = kept(b, axes.y);
    remember("cliff", "w", start.w);
    remember("cliff", "b", start.b);
    update();
  };
  const rate = slider("cliff", "rate", { label: "learning rate", from: 0.1, to: 5, step: 0.1, start: data.rate }, () => update());
  const threshold = slider("cliff", "threshold", { label: "clip at", from: 0.01, to: 1, step: 0.01, start: data.threshold }, () => update());

  let held = false;
  view.svg.addEventListener("pointerdown", (event) => {
    held = true;
    view.svg.setPointerCapture(event.pointerId);
    move(...view.at(event));
    event.preventDefault();
  });
  view.svg.addEventListener("pointermove", (event) => {
    const [w, b] = view.at(event);
    if (held) move(w, b);
    hover.textContent = `At weight ${w.toFixed(3)}, bias ${b.toFixed(3)} the error is ${short(cliff.error(unit, w, b).error)}.`;
  });
  for (const ended of ["pointerup", "pointercancel"]) view.svg.addEventListener(ended, () => { held = false; });
  handle.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by) return;
    move(start.w + 0.02 * by[0], start.b + 0.02 * by[1]);
    event.preventDefault();
  });
  place.append(make("div", { class: "controls" }, rate.node, threshold.node), reading, hover);
  update();
};

if (typeof module !== "undefined") module.exports = cliff;
