"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const config = { displayModeBar: false, responsive: true };

  const themed = (layout) => {
    const style = getComputedStyle(root);
    const ink = style.getPropertyValue("--ink").trim();
    const line = style.getPropertyValue("--line").trim();
    const result = structuredClone(layout);
    Object.assign(result, { paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" });
    result.font = { ...result.font, color: ink };
    result.legend = { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, ...result.legend };
    for (const axis of ["xaxis", "yaxis"]) {
      result[axis] = { automargin: true, ...result[axis], gridcolor: line, zerolinecolor: line, linecolor: line };
    }
    return result;
  };

  const draw = (name) => {
    const choice = document.getElementById(`choose-${name}`);
    const figure = figures[name][choice ? choice.selectedIndex : 0];
    if (choice) {
      const plot = document.getElementById(`plot-${name}`);
      plot.dataset.caption ??= plot.getAttribute("aria-label");
      plot.setAttribute("aria-label", `${choice.selectedOptions[0].text}. ${plot.dataset.caption}`);
    }
    return Plotly.react(`plot-${name}`, figure.data, themed(figure.layout), config);
  };

  const drawAll = () => Promise.all(Object.keys(figures).map(draw));

  for (const name of Object.keys(figures)) {
    const choice = document.getElementById(`choose-${name}`);
    if (choice) {
      choice.addEventListener("change", () => draw(name));
    }
  }
  const button = document.getElementById("theme");
  const isDark = () => getComputedStyle(root).colorScheme.includes("dark");
  const recolour = () => {
    button.setAttribute("aria-pressed", String(isDark()));
    return drawAll();
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    recolour();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  recolour().then(() => { root.dataset.drawn = "yes"; });
})();
