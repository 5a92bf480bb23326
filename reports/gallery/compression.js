"use strict";
// Compression: the curve of an LSTM that learns as it reads, and what it paid for each letter.
gallery.exhibits.compression = (place, data) => {
  const { make, plot, key, scale, short } = gallery;
  const last = data.curve.at(-1).read;
  const view = plot(place, {
    height: 240, title: "Bits a byte over the bytes read",
    x: { from: 0, to: last, label: "bytes read" }, y: { from: 0, to: 8, label: "bits a byte" },
  });
  view.line(data.curve.map(({ read, bits }) => [read, bits]), "lstm");
  const dashes = ["dashed", "dotted", "dashes"];
  const rivals = Object.entries(data.others).map(([name, bits], k) => ({ name, bits, kind: `${name.split(" ")[0]} ${dashes[k]}` }));
  rivals.forEach(({ bits, kind }) => view.line([[0, bits], [last, bits]], kind));
  place.append(make("p", { class: "reading" }, key("lstm", `LSTM, as it reads; ${data.mean.toFixed(2)} over all`),
    ...rivals.map(({ name, bits, kind }) => key(kind, `${name}, over all ${bits.toFixed(2)}`))));

  const told = make("p", { class: "reading", "aria-live": "polite" }, "Touch a letter to read what it cost.");
  place.append(scale(["transparent", "color-mix(in srgb, var(--mark) 70%, transparent)"], "0", `${data.dear} bits and more`, "what a letter cost"));
  for (const { label, text, bits } of data.passages) {
    const box = make("pre", { class: "letters" });
    [...text].forEach((letter, k) => {
      const span = make("span", { style: `--cost: ${Math.min(1, bits[k] / data.dear).toFixed(3)}` }, letter);
      span.addEventListener("pointerenter", () => {
        told.textContent = `${JSON.stringify(letter)} cost ${short(bits[k])} bits: the net gave it a probability of ${short(2 ** -bits[k])}.`;
      });
      box.append(span);
    });
    place.append(make("p", { class: "note" }, label), box);
  }
  place.append(told);
};
