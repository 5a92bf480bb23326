"use strict";
// A place to write on with mouse, pen or finger; `told` hears of the pen's way after every stroke.
const handwritingPad = (place, step, told) => {
  const { make } = gallery;
  const width = Math.round(Math.max(300, Math.min(680, place.clientWidth || 640)));
  // the guides say how large to write: what the net is told is in units of their distance
  const unit = Math.round(Math.max(26, Math.min(46, width / 12))), line = Math.round(3 * unit), height = Math.round(4.6 * unit);
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Write a word here with mouse, pen or finger", class: "pad" });
  svg.append(
    make("line", { x1: 0, x2: width, y1: line, y2: line, class: "guide" }),
    make("line", { x1: 0, x2: width, y1: line - unit, y2: line - unit, class: "guide half" }));
  let strokes = [], drawn = [], writing = false;
  const point = (event) => {
    const box = svg.getBoundingClientRect();
    return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
  };
  const tell = () => told(handwritingNet.followed(strokes.map((stroke) => stroke.map(([x, y]) => [x / unit, y / unit])), step));
  svg.addEventListener("pointerdown", (event) => {
    writing = true;
    svg.setPointerCapture(event.pointerId);
    strokes.push([point(event)]);
    drawn.push(make("polyline", { class: "ink" }));
    svg.append(drawn.at(-1));
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => {
    if (!writing) return;
    for (const each of event.getCoalescedEvents?.() ?? []) strokes.at(-1).push(point(each));
    strokes.at(-1).push(point(event));
    drawn.at(-1).setAttribute("points", strokes.at(-1).map((each) => each.map((c) => c.toFixed(1)).join(",")).join(" "));
  });
  const end = () => { if (writing) { writing = false; tell(); } };
  for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, end);
  const without = (count) => {
    drawn.splice(drawn.length - count).forEach((each) => each.remove());
    strokes.splice(strokes.length - count);
    tell();
  };
  place.append(
    make("p", { class: "note" }, "Write a small-lettered word, as high as the lines are apart; it is read after each stroke. Or have one written."),
    make("div", { class: "plot" }, svg),
    make("div", { class: "controls" },
      make("button", { type: "button", onclick: () => { if (strokes.length) without(1); } }, "undo a stroke"),
      make("button", { type: "button", onclick: () => without(strokes.length) }, "clear")));
};
