"use strict";
// Compression: the curve of an LSTM that learns as it reads, and what it paid for each letter.
gallery.exhibits.compression = (place, data) => {
  const { make, plot, short } = gallery;
  const last = data.curve.at(-1).read;
  const view = plot(place, {
    height: 240, title: "Bits a byte over the bytes read",
    x: { from: 0, to: last, label: "bytes read" }, y: { from: 0, to: 8, label: "bits a byte" },
  });
  view.line(data.curve.map(({ read, bits }) => [read, bits]), "lstm lstm0 solid");
  const rivals = Object.entries(data.others);
  rivals.forEach(([, bits], k) => view.line([[0, bits], [last, bits]], `rival rival${k}`));
  place.append(make("p", { class: "reading" },
    make("span", { class: "key lstm lstm0" }, `LSTM: ${data.mean.toFixed(2)} over all`), " ",
    ...rivals.flatMap(([name, bits], k) => [make("span", { class: `key rival${k}` }, `${name} ${bits.toFixed(2)}`), " "])));

  const told = make("p", { class: "reading", "aria-live": "polite" }, "Touch a letter to read what it cost.");
  for (const { label, text, bits } of data.passages) {
    const total = bits.reduce((sum, each) => sum + each, 0);
    const box = make("pre", { class: "letters" });
    [...text].forEach((letter, k) => {
      const span = make("span", { style: `--cost: ${Math.min(1, bits[k] / 10).toFixed(3)}` }, letter);
      span.addEventListener("pointerenter", () => {
        told.textContent = `${JSON.stringify(letter)} cost ${short(bits[k])} bits: the net gave it a probability of ${short(2 ** -bits[k])}.`;
      });
      box.append(span);
    });
    place.append(make("p", { class: "note" }, `${label}: ${(total / bits.length).toFixed(2)} bits a letter`), box);
  }
  place.append(told);
};
