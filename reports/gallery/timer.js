"use strict";
// The timer: what two trained nets answered, one of ten sequences at a time.
gallery.exhibits.timer = (place, data) => {
  const { make, slider, key, plot, recall, remember } = gallery;
  const length = data.sequences[0].lstm.length;
  const view = plot(place, {
    title: "The wanted output and the nets' over the steps",
    x: { from: 0, to: length - 1, label: "step" }, y: { from: -0.05, to: 0.6, label: "output" },
  });
  const wanted = view.line([], "wanted"), vanilla = view.line([], "vanilla thin");
  const zeros = view.line([], "net dashed"), lstm = view.line([], "net");
  const pulse = make("line", { class: "cursor", y1: 0, y2: view.inner.height });
  const says = make("text", { y: 12 }, "");
  view.marks.append(pulse, says);
  const reading = make("p", { class: "reading", "aria-live": "polite" });
  const series = (values) => values.map((value, t) => [t, value]);
  let beside = recall("timer", "zeros", 0) > 0;

  const show = (tenths) => {
    const now = data.sequences[Math.round(tenths) - 1], end = now.start + now.wanted;
    wanted.set([[0, 0], [now.start, 0], [now.start, data.on], [end, data.on], [end, 0], [length - 1, 0]]);
    lstm.set(series(now.lstm));
    vanilla.set(series(now.vanilla));
    zeros.set(beside ? series(now.zeros) : []);
    for (const end_ of ["x1", "x2"]) pulse.setAttribute(end_, view.sx(now.start));
    says.setAttribute("x", view.sx(now.start) + 6);
    says.textContent = `u1 = 1, u2 = ${now.dial}`;
    const off = now.lstm.findLastIndex((value) => value > data.on / 2) + 1;
    reading.replaceChildren(
      key("wanted", `wanted: on (${data.on}) from step ${now.start} to ${end - 1}, else off (0)`),
      key("net", `${data.lstm}; here its last step on is ${off - 1}`, { "data-off": off }),
      key("vanilla thin", data.vanilla),
      beside ? key("net dashed", "the LSTM from zero states") : "");
  };
  const dial = slider("timer", "tenths", {
    label: "duration u2", from: 1, to: data.sequences.length, step: 1, start: 6, format: (v) => (v / 10).toFixed(1),
  }, show);
  const toggle = make("button", {
    type: "button", "aria-pressed": String(beside),
    onclick: () => {
      beside = !beside;
      toggle.setAttribute("aria-pressed", String(beside));
      remember("timer", "zeros", Number(beside));
      show(dial.value());
    },
  }, "start it from zeros, too");
  place.append(make("div", { class: "controls" }, dial.node, toggle), reading);
  show(dial.value());
};
