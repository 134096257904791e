"use strict";
(function () {
  var figures = JSON.parse(document.getElementById("figures").textContent);
  var config = {displayModeBar: false, displaylogo: false, showLink: false, responsive: false, plotlyServerURL: "", scrollZoom: false};
  var names = Object.keys(figures);
  var places = names.map(function (name) { return document.getElementById("figure-" + name); });

  function draw(width) {
    return Promise.all(names.map(function (name, n) {
      var layout = Object.assign({}, figures[name].layout, {width: width || places[n].clientWidth, autosize: false});
      return moduleName.newPlot(places[n], figures[name].data, layout, config);
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
