"use strict";
(function () {
  var told = document.getElementById("figures").textContent;
  var figures = JSON.parse(told);
  var config = {displayModeBar: false, displaylogo: false, showLink: false, responsive: false, plotlyServerURL: "", scrollZoom: false};
  var names = Object.keys(figures);
  var places = names.map(function (name) { return document.getElementById("figure-" + name); });

  var NARROW = 560;  // pixels in which two rings with their names do not fit beside each other

  function draw(width) {
    figures = JSON.parse(told);  // drawing writes into what it is given
    return Promise.all(names.map(function (name, n) {
      var wide = width || places[n].clientWidth;
      var layout = Object.assign({}, figures[name].layout, {width: wide, autosize: false});
      var data = figures[name].data;
      if (/flow$/.test(name) && wide < NARROW) { layout.width = NARROW; }
      if (/bars$/.test(name) && wide < NARROW) {
        layout.height += 48;
        layout.margin = Object.assign({}, layout.margin, {b: layout.margin.b + 48});
      }
      if (/rings$/.test(name) && wide < NARROW) {
        layout.height = 2 * layout.height;
        layout.annotations = layout.annotations.map(function (mark, k) { return Object.assign({}, mark, {x: 0.5, y: k ? 0.2 : 0.8}); });
        data = data.map(function (ring, k) { return Object.assign({}, ring, {domain: {x: [0.15, 0.85], y: k ? [0, 0.4] : [0.6, 1]}}); });
      }
      return moduleName.newPlot(places[n], data, layout, config);
    }));
  }

  draw(0).then(function () { document.documentElement.dataset.drawn = String(names.length); });

  var waiting = 0;
  window.addEventListener("resize", function () {
    clearTimeout(waiting);
    waiting = setTimeout(function () { if (!printing) { draw(0); } }, 150);
  });

  var printing = false;
  window.addEventListener("beforeprint", function () { printing = true; draw(660); });
  window.addEventListener("afterprint", function () { printing = false; draw(0); });

  document.addEventListener("click", function (event) {
    var button = event.target.closest("button");
    if (!button) { return; }
    var area = document.createElement("textarea");
    area.value = button.previousElementSibling.textContent;
    area.className = "aside";
    document.body.appendChild(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    button.classList.toggle("done", done);
    setTimeout(function () { button.classList.remove("done"); }, 1200);
  });
})();
