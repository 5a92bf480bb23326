"use strict";
// What the exhibits share: a state that the address keeps, sliders, and plots.
const gallery = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const DRAWN = new Set(["svg", "g", "path", "line", "circle", "rect", "text", "polyline"]);

  // an element with attributes and children; a function given for "onx" listens to the event x
  const make = (tag, given = {}, ...inside) => {
    const node = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value);
    }
    node.append(...inside);
    return node;
  };

  // "#cliff.w=4.5&cliff.b=-2": what a reader has set, for a link to show it again
  const address = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  const remember = (exhibit, name, value) => {
    address.set(`${exhibit}.${name}`, String(value));
    history.replaceState(null, "", `#${address}`);
  };
  const recall = (exhibit, name, otherwise) => {
    const found = Number.parseFloat(address.get(`${exhibit}.${name}`));
    return Number.isFinite(found) ? found : otherwise;
  };
  const recallText = (exhibit, name) => address.get(`${exhibit}.${name}`) ?? "";

  // a slider with its value beside it; `told` is called at every change
  const slider = (exhibit, name, { label, from, to, step, start, format = short }, told) => {
    const first = Math.min(to, Math.max(from, recall(exhibit, name, start)));
    const value = make("output", {}, format(first));
    const input = make("input", {
      type: "range", min: from, max: to, step, value: first, "aria-label": label, name: `${exhibit}.${name}`,
      oninput: () => {
        value.textContent = format(Number(input.value));
        remember(exhibit, name, input.value);
        told(Number(input.value));
      },
    });
    const set = (to_) => { input.value = to_; input.dispatchEvent(new Event("input")); };
    return { node: make("label", { class: "slider" }, `${label} `, input, value), value: () => Number(input.value), set };
  };

  // what a line of a plot stands for: the line as it is drawn, and words
  const key = (kind, text, given = {}) => make("span", { class: `key ${kind}`, ...given },
    make("svg", { class: "swatch", viewBox: "0 0 30 10", "aria-hidden": "true" },
      make("line", { class: `line ${kind}`, x1: 0, x2: 30, y1: 5, y2: 5 })), text);

  // [r, g, b] of a share in [0, 1] of the way along colours "#rrggbb", as colours.py blends them
  const blend = (colours) => {
    const stops = colours.map((colour) => [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16)));
    return (share) => {
      const along = Math.min(1, Math.max(0, share)) * (stops.length - 1), k = Math.min(stops.length - 2, Math.floor(along));
      return stops[k].map((c, n) => Math.round(c + (along - k) * (stops[k + 1][n] - c)));
    };
  };
  // what those colours stand for, from one end to the other
  const scale = (colours, low, high, label) => make("p", { class: "note scale" }, `${label}: ${low} `,
    make("span", { class: "ramp", style: `background: linear-gradient(to right, ${colours.join(", ")})` }), ` ${high}`);
  // a picture, pixel by pixel; `colour` gives [r, g, b] at column i and row j
  const paint = (kind, width, height, label, colour) => {
    const canvas = make("canvas", { class: kind, width, height, role: "img", "aria-label": label });
    const context = canvas.getContext("2d"), image = context.createImageData(width, height);
    for (let j = 0; j < height; j += 1) for (let i = 0; i < width; i += 1) {
      const at = 4 * (j * width + i);
      colour(i, j).forEach((c, k) => { image.data[at + k] = c; });
      image.data[at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return canvas;
  };

  const short = (value) => {
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e6 || size < 1e-3) {
      const [digits, power] = value.toExponential(1).split("e");
      return `${Number(digits)}e${Number(power)}`;
    }
    return String(Number(value.toPrecision(3)));
  };

  const ticks = (from, to, log) => {
    if (log) {
      const [low, high] = [Math.ceil(Math.log10(from) - 1e-9), Math.floor(Math.log10(to) + 1e-9)];
      const step = Math.max(1, Math.ceil((high - low) / 6));
      const found = [];
      for (let power = low; power <= high; power += step) found.push(10 ** power);
      return found;
    }
    const rough = (to - from) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999);
    const found = [];
    for (let k = Math.ceil(from / step - 1e-9); k * step <= to + 1e-9 * step; k += 1) found.push(k * step);
    return found;
  };

  // axes x and y, each {from, to, log, label}; beneath lies a surface {label, colour: (x, y) => [r, g, b]}, if given
  const plot = (parent, { height = 300, x, y, title, surface = null, role = "img" }) => {
    // as wide as its place, so that its text is as large on a phone
    const width = Math.round(Math.max(320, Math.min(640, parent.clientWidth || 640)));
    const edge = { left: 64, right: 12, top: 10, bottom: 40 };
    const inner = { width: width - edge.left - edge.right, height: height - edge.top - edge.bottom };
    const along = (axis, length, turned) => (value) => {
      const of = axis.log ? (v) => Math.log10(Math.max(v, 1e-300)) : (v) => v;
      const share = (of(value) - of(axis.from)) / (of(axis.to) - of(axis.from));
      return (turned ? 1 - share : share) * length;
    };
    const sx = along(x, inner.width, false), sy = along(y, inner.height, true);
    const place = make("div", { class: "plot" });
    if (surface) {
      const [dx, dy] = [(x.to - x.from) / inner.width, (y.to - y.from) / inner.height];
      const under = paint("surface", inner.width, inner.height, surface.label,
        (i, j) => surface.colour(x.from + (i + 0.5) * dx, y.to - (j + 0.5) * dy));
      under.style.cssText = `left:${(100 * edge.left) / width}%;top:${(100 * edge.top) / height}%;` +
        `width:${(100 * inner.width) / width}%;height:${(100 * inner.height) / height}%`;
      place.append(under);
    }
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role, "aria-label": title });
    const axes = make("g", { class: "axes", transform: `translate(${edge.left},${edge.top})` });
    for (const at of ticks(x.from, x.to, x.log)) {
      axes.append(make("line", { x1: sx(at), x2: sx(at), y1: 0, y2: inner.height }),
        make("text", { x: sx(at), y: inner.height + 16, "text-anchor": "middle" }, short(at)));
    }
    for (const at of ticks(y.from, y.to, y.log)) {
      axes.append(make("line", { x1: 0, x2: inner.width, y1: sy(at), y2: sy(at) }),
        make("text", { x: -6, y: sy(at) + 4, "text-anchor": "end" }, short(at)));
    }
    axes.append(
      make("text", { class: "title", x: inner.width / 2, y: inner.height + 34, "text-anchor": "middle" }, x.label),
      make("text", { class: "title", transform: `translate(-50,${inner.height / 2}) rotate(-90)`, "text-anchor": "middle" }, y.label),
    );
    const marks = make("g", { transform: `translate(${edge.left},${edge.top})` });
    // lines end at the frame; what else is drawn may lie on it
    const lines = make("svg", { x: edge.left, y: edge.top, ...inner, overflow: "hidden" });
    svg.append(axes, lines, marks);
    place.append(svg);
    parent.append(place);
    const inside = (value, length) => Math.min(length + 400, Math.max(-400, value));
    const path = (points) => points
      .filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b))
      .map(([a, b], i) => `${i ? "L" : "M"}${inside(sx(a), inner.width).toFixed(1)},${inside(sy(b), inner.height).toFixed(1)}`)
      .join("");
    return {
      svg, marks, inner, sx, sy, path,
      line: (points, kind, given = {}) => {
        const drawn = make("path", { class: `line ${kind}`, d: path(points), ...given });
        lines.append(drawn);
        return { set: (other) => drawn.setAttribute("d", path(other)) };
      },
      // where a pointer is, in the units of the axes
      at: (event) => {
        const box = svg.getBoundingClientRect(), ratio = width / box.width;
        const share = (value, length) => Math.min(1, Math.max(0, value / length));
        const across = share((event.clientX - box.left) * ratio - edge.left, inner.width);
        const up = 1 - share((event.clientY - box.top) * ratio - edge.top, inner.height);
        return [x.from + across * (x.to - x.from), y.from + up * (y.to - y.from)];
      },
    };
  };

  const exhibits = {};
  const begin = () => {
    for (const section of document.querySelectorAll("section[data-exhibit]")) {
      const name = section.dataset.exhibit, place = section.querySelector(".live");
      const data = JSON.parse(section.querySelector("script[type='application/json']").textContent);
      // on paper it stands for what can be played with here
      section.querySelector(".still")?.classList.add("played");
      exhibits[name](place, data);
    }
    const at = document.getElementById([...address.keys()][0]?.split(".")[0] ?? "");
    at?.scrollIntoView();
  };
  return { make, remember, recall, recallText, slider, key, blend, scale, paint, short, plot, exhibits, begin };
})();
