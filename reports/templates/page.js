"use strict";
(() => {
  const state = { focus: "", axis: "flops" };
  const shown = new Map(); // chart element -> Vega view

  const theme = () => {
    const of = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const ink = of("--chart-ink"), grid = of("--chart-grid");
    return {
      axis: { labelColor: ink, titleColor: ink, gridColor: grid, domainColor: grid, tickColor: grid },
      rule: { color: ink }, text: { color: ink },
    };
  };

  const set = (view, name) => {
    try { view.signal(name, state[name]).runAsync(); } catch { /* this chart has no such switch */ }
  };

  const draw = async (chart) => {
    const spec = await longlag.unpack(chart.querySelector("script"));
    // what a specification sets itself outweighs the options of its drawing, so the theme goes inside
    for (const [part, look] of Object.entries(theme())) spec.config[part] = { ...spec.config[part], ...look };
    const place = chart.querySelector(".drawn");
    const { view } = await vegaEmbed(place, spec, {
      mode: "vega-lite", renderer: "svg",
      actions: { export: true, source: false, compiled: false, editor: false },
    });
    chart.querySelector("img")?.remove();
    shown.set(chart, view);
    for (const name of Object.keys(state)) set(view, name);
  };

  const change = (name, value) => {
    state[name] = value;
    for (const view of shown.values()) set(view, name);
  };

  const charts = document.querySelectorAll(".chart");
  // a page may hold a hundred charts: each is drawn when it comes near
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      draw(entry.target).catch((error) => console.error(error));
    }
  }, { rootMargin: "800px" });
  charts.forEach((chart) => watcher.observe(chart));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const chart of [...shown.keys()]) draw(chart);
  });

  const buttons = document.querySelectorAll(".legend button");
  buttons.forEach((button) => button.addEventListener("click", () => {
    const chosen = state.focus === button.dataset.method ? "" : button.dataset.method;
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(each.dataset.method === chosen)));
    change("focus", chosen);
  }));
  document.querySelectorAll(".switch").forEach((box) => {
    box.hidden = false;
    box.querySelector("select").addEventListener("change", (event) => change("axis", event.target.value));
  });
})();
