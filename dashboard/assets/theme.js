/* Runs before the first paint: the page never flashes in the wrong theme. */
(function () {
  "use strict";
  var KEY = "mantine-color-scheme-value";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function choice() {
    var value = null;
    try { value = window.localStorage.getItem(KEY); } catch (e) { /* storage may be switched off */ }
    return value === "light" || value === "dark" ? value : "auto";
  }
  function scheme() {
    var value = choice();
    return value === "auto" ? (dark.matches ? "dark" : "light") : value;
  }
  function apply() {
    document.documentElement.setAttribute("data-mantine-color-scheme", scheme());
    document.documentElement.setAttribute("data-theme-choice", choice());
    window.dispatchEvent(new CustomEvent("sillage:scheme"));
  }
  function choose(value) {
    var old = null;
    try {
      old = window.localStorage.getItem(KEY);
      window.localStorage.setItem(KEY, value);
    } catch (e) { /* the choice then lasts as long as the page */ }
    /* Mantine listens for other windows; tell its provider here as well. */
    window.dispatchEvent(new StorageEvent("storage", {
      key: KEY, oldValue: old, newValue: value, storageArea: window.localStorage
    }));
    apply();
  }
  dark.addEventListener("change", apply);
  window.addEventListener("storage", function (event) { if (event.key === KEY && event.isTrusted) { apply(); } });
  window.sillage = { choice: choice, scheme: scheme, choose: choose };
  apply();
})();
