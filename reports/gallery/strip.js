"use strict";
// Memory strips: what three nets carried on one sequence, and how well a line reads the first key from it.
gallery.exhibits.strip = (place, data) => {
  const { make, slider, plot } = gallery;
  const steps = data.nets[0].right.length;
  const cursors = [];
  const readings = [];
  const hue = (value) => {
    const share = Math.min(1, Math.abs(value));
    const full = value > 0 ? [178, 24, 43] : [33, 102, 172];
    return full.map((c) => Math.round(247 + share * (c - 247)));
  };
  for (const net of data.nets) {
    place.append(make("h3", {}, net.label), make("p", { class: "note" }, net.says));
    const canvas = make("canvas", { class: "strip", width: steps, height: net.strip.length, role: "img", "aria-label": `${net.label}: what it holds over the steps` });
    const context = canvas.getContext("2d"), image = context.createImageData(steps, net.strip.length);
    net.strip.forEach((row, unit) => row.forEach((value, t) => {
      const at = 4 * (unit * steps + t);
      hue(value).forEach((c, k) => { image.data[at + k] = c; });
      image.data[at + 3] = 255;
    }));
    context.putImageData(image, 0, 0);
    place.append(make("div", { class: "stripe" }, canvas));
    const view = plot(place, {
      height: 130, title: `${net.label}: how often the first key is read right`,
      x: { from: 0, to: steps, label: "step" }, y: { from: 0.4, to: 1, label: "read right" },
    });
    for (const key of data.keys) view.line([[key + 0.5, 0.4], [key + 0.5, 1]], "mark");
    view.line(net.right.map((share, t) => [t + 0.5, share]), "lstm lstm0 solid");
    const cursor = view.line([], "now");
    cursors.push((t) => cursor.set([[t + 0.5, 0.4], [t + 0.5, 1]]));
    readings.push((t) => `${net.label}: read right in ${(100 * net.right[t]).toFixed(0)}%, here ${net.reading[t].toFixed(2)} for Y`);
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
