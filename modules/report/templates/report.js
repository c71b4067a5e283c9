"use strict";
// Draws the plots in the colours that the reader prefers, and again when that changes.
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const figures = read("figures");
  const themes = read("themes");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const config = { responsive: true, displayModeBar: false, displaylogo: false };

  const draw = async () => {
    const template = themes[dark.matches ? "dark" : "light"];
    for (const place of document.querySelectorAll("[data-plot]")) {
      const { data, layout } = figures[place.dataset.plot];
      try {
        await Plotly.react(place, data, { ...layout, template }, config);
      } catch (error) {
        place.classList.add("broken");
        place.textContent = `This plot could not be drawn: ${error.message}`;
      }
    }
    document.documentElement.dataset.drawn = dark.matches ? "dark" : "light";
  };

  dark.addEventListener("change", draw);
  draw();
})();
