"use strict";
// The adding task for a person, with the nets' answers beside.
gallery.exhibits.play = (place, data) => {
  const { make, slider, remember, recall } = gallery;
  const count = data.wanted.length, names = Object.keys(data.answers);
  let sequence = Math.min(count - 1, Math.max(0, Math.round(recall("play", "sequence", 0))));
  const score = { you: 0, asked: 0, ...Object.fromEntries(names.map((name) => [name, 0])) };
  let running = null;

  const stage = make("div", { class: "stage", "aria-live": "off" });
  const value = make("div", { class: "value" }, "ready?"), mark = make("div", { class: "marked" }, "");
  stage.append(mark, value);
  const told = make("p", { class: "reading", "aria-live": "polite" });
  const pace = slider("play", "pace", { label: "steps a second", from: 0.5, to: 4, step: 0.5, start: 1.5 }, () => {});
  const answer = make("input", { type: "number", min: 0, max: 1, step: 0.01, "aria-label": "your answer", disabled: "" });
  const give = make("button", { type: "button", disabled: "" }, "answer");
  const start = make("button", { type: "button" }, "start");
  const table = make("table", { class: "scores" });

  const close = (given) => Math.abs(given - data.wanted[sequence]) <= data.tolerance;
  const draw = (last) => {
    table.replaceChildren(make("tr", {}, make("th", {}, ""), make("th", {}, "answer"), make("th", {}, "right so far")));
    for (const name of ["you", ...names]) {
      table.append(make("tr", {}, make("th", {}, name, make("div", { class: "note" }, data.says[name] ?? "")),
        make("td", {}, last ? Number(last[name]).toFixed(3) : "–"), make("td", {}, `${score[name]} of ${score.asked}`)));
    }
  };
  const step = (t) => {
    const values = data.values[sequence];
    if (t === values.length) {
      value.textContent = "?";
      mark.textContent = "";
      stage.classList.remove("key");
      answer.disabled = give.disabled = false;
      answer.focus();
      return;
    }
    value.textContent = values[t].toFixed(2);
    stage.classList.toggle("key", data.marks[sequence][t] === 1);
    mark.textContent = data.marks[sequence][t] ? "marked" : "";
    running = setTimeout(step, 1000 / pace.value(), t + 1);
  };
  start.addEventListener("click", () => {
    clearTimeout(running);
    told.textContent = `Sequence ${sequence + 1} of ${count}.`;
    answer.value = "";
    answer.disabled = give.disabled = true;
    step(0);
  });
  const judge = () => {
    const given = Number(answer.value);
    if (give.disabled || answer.value === "") return;
    answer.disabled = give.disabled = true;
    const all = { you: given, ...Object.fromEntries(names.map((name) => [name, data.answers[name][sequence]])) };
    score.asked += 1;
    for (const [name, said] of Object.entries(all)) score[name] += Number(close(said));
    const keys = data.values[sequence].filter((_, t) => data.marks[sequence][t]);
    told.textContent = `${keys.map((k) => k.toFixed(2)).join(" and ")} have the mean ${data.wanted[sequence].toFixed(3)}: ${close(given) ? "right" : "wrong"}.`;
    draw(all);
    value.textContent = data.wanted[sequence].toFixed(3);
    sequence = (sequence + 1) % count;
    remember("play", "sequence", sequence);
    start.textContent = "next";
    start.focus();
  };
  give.addEventListener("click", judge);
  answer.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    // or it would press the button that has the focus next
    event.preventDefault();
    judge();
  });
  place.append(stage, make("div", { class: "controls" }, start, answer, give, pace.node), told, table);
  draw(null);
};
