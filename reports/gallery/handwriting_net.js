"use strict";
// The reader of pen strokes in the page: what reader.py, pen.py and autograd compute, from the same weights.
const handwritingNet = (() => {
  const logistic = (x) => 1 / (1 + Math.exp(-x));

  // weights in the order of data.shapes, as little-endian float32 in base64
  const decode = (text, shapes) => {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let k = 0; k < raw.length; k += 1) bytes[k] = raw.charCodeAt(k);
    const all = new Float32Array(bytes.buffer), net = {};
    let at = 0;
    for (const [name, shape] of shapes) {
      const size = shape.reduce((product, n) => product * n, 1);
      // as the states are, so that no product has to convert one
      net[name] = Float64Array.from(all.subarray(at, at + size));
      at += size;
    }
    net.units = net["forwards.initial"].length;
    net.outputs = net["readout.bias"].length;
    return net;
  };

  // one layer over the steps in the given order: gates write, keep, new, read [T][4H], cells and states [T+1][H]
  const layer = (net, name, steps, order) => {
    const H = net.units, into = net[`${name}.input_weight`], within = net[`${name}.recurrent_weight`];
    const bias = net[`${name}.bias`];
    const states = [Float64Array.from(net[`${name}.initial`])], cells = [Float64Array.from(net[`${name}.initial_cell`])];
    const gates = [];
    for (const t of order) {
      const before = states.at(-1), held = cells.at(-1), [dx, dy, up] = steps[t];
      const gate = new Float64Array(4 * H), state = new Float64Array(H), cell = new Float64Array(H);
      for (let i = 0; i < 4 * H; i += 1) {
        let sum = bias[i] + into[3 * i] * dx + into[3 * i + 1] * dy + into[3 * i + 2] * up;
        for (let j = 0, w = i * H; j < H; j += 1, w += 1) sum += within[w] * before[j];
        gate[i] = i >= 2 * H && i < 3 * H ? Math.tanh(sum) : logistic(sum);
      }
      for (let i = 0; i < H; i += 1) {
        cell[i] = gate[H + i] * held[i] + gate[i] * gate[2 * H + i];
        state[i] = gate[3 * H + i] * Math.tanh(cell[i]);
      }
      gates.push(gate);
      states.push(state);
      cells.push(cell);
    }
    return { name, order, gates, states, cells };
  };

  // logits and probabilities [T][27], and both layers
  const run = (net, steps) => {
    const H = net.units, T = steps.length, order = steps.map((_, t) => t);
    const ahead = layer(net, "forwards", steps, order), back = layer(net, "backwards", steps, order.slice().reverse());
    const weight = net["readout.weight"], logits = [], probabilities = [];
    for (let t = 0; t < T; t += 1) {
      const one = ahead.states[t + 1], other = back.states[T - t], row = new Float64Array(net.outputs);
      for (let k = 0; k < net.outputs; k += 1) {
        let sum = net["readout.bias"][k];
        for (let i = 0; i < H; i += 1) sum += weight[2 * H * k + i] * one[i] + weight[2 * H * k + H + i] * other[i];
        row[k] = sum;
      }
      const most = Math.max(...row), powers = row.map((x) => Math.exp(x - most));
      const total = powers.reduce((sum, x) => sum + x, 0);
      logits.push(row);
      probabilities.push(powers.map((x) => x / total));
    }
    return { logits, probabilities, ahead, back };
  };

  // of what a layer's state at its n-th step is worth, dE/d state, the way back to its inputs, added to `found`
  const wayBack = (net, { name, order, gates, cells }, n, worth, found) => {
    const H = net.units, into = net[`${name}.input_weight`], within = net[`${name}.recurrent_weight`];
    let state = Float64Array.from(worth), cell = new Float64Array(H);
    for (let s = n; s >= 0; s -= 1) {
      const gate = gates[s], delta = new Float64Array(4 * H), onCell = new Float64Array(H);
      for (let i = 0; i < H; i += 1) {
        const [write, keep, fresh, read] = [gate[i], gate[H + i], gate[2 * H + i], gate[3 * H + i]];
        const curve = Math.tanh(cells[s + 1][i]), passed = cell[i] + state[i] * read * (1 - curve * curve);
        delta[i] = passed * fresh * write * (1 - write);
        delta[H + i] = passed * cells[s][i] * keep * (1 - keep);
        delta[2 * H + i] = passed * write * (1 - fresh * fresh);
        delta[3 * H + i] = state[i] * curve * read * (1 - read);
        onCell[i] = passed * keep;
      }
      const before = new Float64Array(H), input = found[order[s]];
      for (let i = 0; i < 4 * H; i += 1) {
        for (let j = 0, w = i * H; j < H; j += 1, w += 1) before[j] += within[w] * delta[i];
        for (let d = 0; d < 3; d += 1) input[d] += into[3 * i + d] * delta[i];
      }
      state = before;
      cell = onCell;
    }
  };

  // d logit of output k at step t by the inputs, [T][3]
  const gradient = (net, ran, t, k) => {
    const H = net.units, T = ran.logits.length, row = net["readout.weight"].subarray(2 * H * k, 2 * H * (k + 1));
    const found = ran.logits.map(() => [0, 0, 0]);
    wayBack(net, ran.ahead, t, row.subarray(0, H), found);
    wayBack(net, ran.back, T - 1 - t, row.subarray(H), found);
    return found;
  };

  const largest = (values) => values.reduce((best, value, k) => (value > values[best] ? k : best), 0);

  // the best path: each letter, and the step at which it is surest of those that it holds on for
  const bestPath = (probabilities, alphabet) => {
    const found = [], blank = alphabet.length;
    let last = blank;
    probabilities.forEach((row, t) => {
      const best = largest(row);
      if (best !== blank && best !== last) found.push({ letter: alphabet[best], k: best, t });
      else if (best !== blank && row[best] > probabilities[found.at(-1).t][best]) found.at(-1).t = t;
      last = best;
    });
    return found;
  };

  // strokes of points [x, y] in x-heights as steps [dx, dy, up], evenly spread
  const followed = (strokes, step) => {
    const points = [];
    for (const stroke of strokes) {
      const far = [0];
      for (let k = 1; k < stroke.length; k += 1) {
        far.push(far[k - 1] + Math.hypot(stroke[k][0] - stroke[k - 1][0], stroke[k][1] - stroke[k - 1][1]));
      }
      const whole = far.at(-1), count = Math.max(1, Math.round(whole / step));
      for (let n = 0, k = 0; n <= count; n += 1) {
        const place = (whole * n) / count;
        while (k < far.length - 2 && far[k + 1] < place) k += 1;
        const from = stroke[k], to = stroke[Math.min(k + 1, stroke.length - 1)];
        const length = far[Math.min(k + 1, far.length - 1)] - far[k], share = length > 0 ? Math.min(1, (place - far[k]) / length) : 0;
        points.push([from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1]), n === 0 ? 1 : 0]);
      }
    }
    return points.slice(1).map(([x, y, up], k) => [(x - points[k][0]) / step, (y - points[k][1]) / step, up]);
  };

  // a word as the font has it, its letters joined, dots and bars as they come
  const written = (word, glyphs) => {
    const strokes = [];
    let at = 0, down = false;
    for (const letter of word) {
      const { body, marks, width } = glyphs[letter];
      const moved = ([...body, ...marks]).map((stroke) => stroke.map(([x, y]) => [x + at, y]));
      if (down) strokes.at(-1).push(...moved.shift());
      strokes.push(...moved);
      down = marks.length === 0;
      at += width;
    }
    return strokes;
  };

  return { decode, run, gradient, bestPath, followed, written };
})();
if (typeof module !== "undefined") module.exports = handwritingNet;
