"use strict";
// Handwriting: words that came with the page, typed or written on it, read step by step by the shipped net.
gallery.exhibits.handwriting = (place, data) => {
  const { make, slider, remember, recall, recallText, key, blend, scale, paint, plot } = gallery;
  const net = handwritingNet.decode(data.weights, data.shapes), blank = data.alphabet.length;
  const shade = blend(data.shades);
  const say = (...parts) => make("p", { class: "reading", "aria-live": "polite" }, ...parts);

  // what is written here is rounded to a tenth of a step, so that a link can hold it: two digits a number, to base 36
  const rounded = (steps) => {
    let [x, y] = [0, 0];
    const tenths = (value) => Math.round(10 * value);
    return steps.map(([dx, dy, up]) => {
      const [a, b] = [tenths(x), tenths(y)];
      [x, y] = [x + dx, y + dy];
      return [tenths(x) - a, tenths(y) - b].map((n) => Math.min(647, Math.max(-648, n)) / 10).concat(up);
    });
  };
  const two = (n) => (Math.round(10 * n) + 648).toString(36).padStart(2, "0");
  const toText = (steps) => steps.map(([dx, dy, up]) => (up ? "." : "") + two(dx) + two(dy)).join("");
  const fromText = (text) => [...text.matchAll(/(\.?)([0-9a-z]{2})([0-9a-z]{2})/g)]
    .map(([, up, dx, dy]) => [(parseInt(dx, 36) - 648) / 10, (parseInt(dy, 36) - 648) / 10, up ? 1 : 0]);

  const reading = say();
  const choices = make("div", { class: "controls" });
  const rows = make("div", {});
  let playing = null, steps = [];

  const stop = () => { clearInterval(playing); playing = null; play.textContent = "play"; };
  const play = make("button", {
    type: "button",
    onclick: () => {
      if (playing) { stop(); return; }
      if (at.value() >= steps.length - 1) at.set(0);
      play.textContent = "pause";
      playing = setInterval(() => (at.value() >= steps.length - 1 ? stop() : at.set(at.value() + 1)), 90);
    },
  }, "play");
  let show = () => {};
  const at = slider("handwriting", "step", { label: "step", from: 0, to: 1000, step: 1, start: 0, format: String }, (t) => show(t));
  const input = at.node.querySelector("input");
  // what the reader of the page has not set is not for the address
  const stand = (t) => { input.value = t; at.node.querySelector("output").textContent = t; show(t); };

  // everything of one way of the pen; `step`: where to stand, by default in the middle of the word
  const open = (way, says, step) => {
    stop();
    steps = way;
    rows.replaceChildren();
    if (!steps.length) { reading.textContent = "Nothing is written."; show = () => {}; return; }
    const began = performance.now();
    const ran = handwritingNet.run(net, steps), took = performance.now() - began;
    const letters = handwritingNet.bestPath(ran.probabilities, data.alphabet), word = letters.map((each) => each.letter).join("");
    const last = steps.length - 1;
    input.max = last;
    const x = { from: 0, to: steps.length, label: "step" };
    rows.append(make("h3", {}, "Letters, as they are recognised"));
    const seen = plot(rows, { height: 150, title: "How probable each letter is over the steps", x: { ...x, label: "" }, y: { from: 0, to: 1.15, label: "probability" } });
    const hues = new Map([...new Set(letters.map((each) => each.k))].map((k, n) => [k, `--own: ${data.hues[n % data.hues.length]}`]));
    hues.forEach((style, k) => seen.line(ran.probabilities.map((row, t) => [t + 0.5, row[k]]), "letter", { style }));
    seen.line(ran.probabilities.map((row, t) => [t + 0.5, row[blank]]), "blank");
    for (const { letter, k, t } of letters) {
      seen.marks.append(make("text", { x: seen.sx(t + 0.5), y: seen.sy(1.03), "text-anchor": "middle", class: "told", style: hues.get(k) }, letter));
    }
    rows.append(make("p", { class: "note" }, "Each letter's line has the colour of its name above it; ", key("blank", "no letter")));
    const first = seen.line([], "now");

    rows.append(make("h3", {}, "Memory cells: those that read ahead, below them those that read back"));
    rows.append(scale(data.shades, "−1", "1", "a cell's state, of its largest"), make("div", { class: "stripe" }, strip(ran, letters)));

    const either = [["reading ahead", "lstm", (t) => ran.ahead.cells[t + 1]], ["reading back", "lstm dashed", (t) => ran.back.cells[steps.length - t]]];
    const sizes = either.map(([, , held]) => steps.map((_, t) => held(t).reduce((sum, value) => sum + Math.abs(value), 0) / net.units));
    const top = Math.max(...sizes.flat());
    const size = plot(rows, { height: 120, title: "The cells' mean size over the steps", x: { ...x, label: "" }, y: { from: 0, to: top, label: "mean size" } });
    for (const { t } of letters) size.line([[t + 0.5, 0], [t + 0.5, top]], "mark");
    either.forEach(([, kind], n) => size.line(sizes[n].map((value, t) => [t + 0.5, value]), kind));
    rows.append(make("p", { class: "note" }, ...either.map(([label, kind]) => key(kind, label))));

    rows.append(make("h3", {}, "The writing so far, and what the letter is seen by"));
    const drawing = writing(rows, steps);
    rows.append(scale(["transparent", "var(--mark)"], "0", "the largest", "gradient along the writing"));
    const under = make("h3", {}, "");
    rows.append(under);
    const row = plot(rows, { height: 130, title: "The gradient of the most active letter with respect to the inputs", x, y: { from: 0, to: 1, label: "of the largest" } });
    const slope = row.line([], "lstm"), second = row.line([], "now");
    show = (step_) => {
      const t = Math.min(last, Math.round(step_)), likely = ran.probabilities[t].slice(0, blank);
      const k = likely.reduce((best, value, n) => (value > likely[best] ? n : best), 0);
      const found = handwritingNet.gradient(net, ran, t, k).map((each) => Math.hypot(...each));
      const most = Math.max(...found, 1e-30);
      first.set([[t + 0.5, 0], [t + 0.5, 1.15]]);
      second.set([[t + 0.5, 0], [t + 0.5, 1]]);
      slope.set(found.map((value, s) => [s + 0.5, value / most]));
      drawing(t, found.map((value) => value / most));
      under.textContent = `Gradient of the most active letter, ${data.alphabet[k]}, with respect to the inputs`;
      const so = letters.filter((each) => each.t <= t).map((each) => each.letter).join("");
      reading.replaceChildren(
        make("b", { "data-read": word, "data-took": took.toFixed(1) }, `${says} read as “${word}”`), ` in ${took.toFixed(0)} ms. `,
        make("span", { "data-gradient": found[t], "data-letter": data.alphabet[k], "data-probability": likely[k] },
          `Step ${t}: “${so}” so far; ${data.alphabet[k]} has ${(100 * likely[k]).toFixed(1)}%, no letter ${(100 * ran.probabilities[t][blank]).toFixed(1)}%.`));
    };
    stand(Math.min(last, step ?? letters[Math.floor(letters.length / 2)]?.t ?? 0));
  };

  // every cell's state over the steps, of its largest; marks where letters are told
  const strip = (ran, letters) => {
    const H = net.units, T = steps.length;
    const held = Array.from({ length: 2 * H }, (_, i) => {
      const values = steps.map((_, t) => (i < H ? ran.ahead.cells[t + 1][i] : ran.back.cells[T - t][i - H]));
      const most = Math.max(...values.map(Math.abs), 1e-9);
      return values.map((value) => value / most);
    });
    const canvas = paint("strip cells", T, 2 * H, "The memory cells' states over the steps", (t, i) => shade((held[i][t] + 1) / 2));
    const marks = letters.map(({ letter, t }) => make("span", { style: `left: ${(100 * (t + 0.5)) / T}%` }, letter));
    return make("div", { class: "told-under" }, canvas, make("div", { class: "names", "aria-hidden": "true" }, ...marks));
  };

  // the pen's way as a drawing; what it returns shows it up to a step, with shares of a gradient along it
  const writing = (parent, way) => {
    let [x, y] = [0, 0];
    const lines = way.map(([dx, dy, up]) => {
      const from = [x, y];
      [x, y] = [x + dx, y + dy];
      return { from, to: [x, y], up };
    });
    const all = [[0, 0], ...lines.map((each) => each.to)], side = (k, of) => of(...all.map((each) => each[k]));
    const [left, top] = [side(0, Math.min) - 3, side(1, Math.min) - 3];
    const [wide, high] = [side(0, Math.max) + 3 - left, side(1, Math.max) + 3 - top];
    const svg = make("svg", { viewBox: `${left} ${top} ${Math.max(wide, 2.6 * high)} ${high}`, role: "img", "aria-label": "The writing", class: "writing" });
    const drawn = lines.map(({ from, to }) => {
      const ends = { x1: from[0], y1: from[1], x2: to[0], y2: to[1] };
      return [make("line", { ...ends, class: "seen" }), make("line", { ...ends, class: "ink" })];
    });
    svg.append(...drawn.map((each) => each[0]), ...drawn.map((each) => each[1]));
    parent.append(make("div", { class: "plot" }, svg));
    return (t, shares) => drawn.forEach(([seen, ink], s) => {
      seen.style.strokeOpacity = lines[s].up ? 0 : (0.85 * shares[s]).toFixed(3);
      ink.style.strokeOpacity = lines[s].up ? 0 : 1;
      ink.classList.toggle("later", s > t);
    });
  };

  const example = (index, step) => {
    [...choices.children].forEach((button, k) => button.setAttribute("aria-pressed", String(k === index)));
    open(data.words[index].steps, `“${data.words[index].word}” is`, step);
  };
  data.words.forEach(({ word }, index) => choices.append(make("button", { type: "button", onclick: () => { example(index); keep(index, ""); } }, word)));
  const own = (way, says, step) => {
    for (const button of choices.children) button.setAttribute("aria-pressed", "false");
    open(way, says, step);
  };
  const keep = (word, ink) => {
    remember("handwriting", "word", word);
    remember("handwriting", "ink", ink);
    remember("handwriting", "step", at.value());
  };
  const written = (way, says) => { own(way, says); keep(0, toText(way)); };

  const typed = make("input", { type: "text", maxlength: 12, "aria-label": "a word for the page to write", placeholder: "a to z, 12 at most", autocapitalize: "none", spellcheck: "false" });
  const changed = say();
  const write = () => {
    const letters = [...typed.value.toLowerCase()], word = letters.filter((letter) => letter in data.glyphs).join("");
    const left = [...new Set(letters.filter((letter) => !(letter in data.glyphs)))].join(" ");
    changed.textContent = [
      word === typed.value ? "" : word ? `Written is “${word}”: the net knows the small letters a to z.` : "",
      left ? `Left out: ${left.trim() ? left : "the space"}.` : "", word || !typed.value ? "" : "There is nothing to write.",
    ].filter(Boolean).join(" ");
    if (word) written(rounded(handwritingNet.followed(handwritingNet.written(word, data.glyphs), data.step)), `“${word}”, in the font's hand, is`);
  };
  typed.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); write(); } });

  place.append(make("p", { class: "note" }, "Words that the net was never shown, by three kinds of hand:"), choices);
  handwritingPad(place, data.step, (way) => written(rounded(way), "What you wrote is"));
  place.append(
    make("div", { class: "controls" }, typed, make("button", { type: "button", onclick: write }, "write it for me")),
    changed, reading, make("div", { class: "controls" }, play, at.node), rows);
  const ink = fromText(recallText("handwriting", "ink")), step = recall("handwriting", "step", undefined);
  if (ink.length) own(ink, "What was written is", step);
  else example(Math.min(data.words.length - 1, Math.max(0, Math.round(recall("handwriting", "word", 0)))), step);
};
