/* The parts of the page that live in the browser: links without reload, filters in the address, theme, copy link. */
(function () {
  "use strict";
  var OWN = ["service", "by", "table", "vehicle", "signal"]; /* what one page knows: it stays behind with the page */
  var busy = 0, news = "", shown = null;
  var words = JSON.parse(document.getElementById("words").textContent); /* the server has them in the reader's language */
  words.calendar.ordinal = function (n) { return n; };
  window["dayjs_locale_" + words.calendar.name] = words.calendar;
  function fill(sentence, value) { return sentence.replace("{}", value); }

  /* ---- the address ---------------------------------------------------------------------------- */
  function go(href) {
    var target = new URL(href, window.location.href);
    if (target.href === window.location.href) { return; }
    news = words.updated;
    window.history.pushState({}, "", target.pathname + target.search);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }
  /* What an address says, only the server knows: it tells the view that it read, and this writes the next. */
  function toAddress(view, facts) {
    var query = new URLSearchParams();
    if (view.preset === null) { query.set("from", view.first); query.set("to", view.last); }
    else if (view.preset !== facts.default) { query.set("days", view.preset); }
    if (view.compare !== "previous") { query.set("compare", view.compare); }
    facts.dimensions.forEach(function (name) {
      view.chosen[name].forEach(function (value) { query.append(name, value); });
    });
    view.own.forEach(function (pair) { query.append(pair[0], pair[1]); });
    var text = query.toString();
    return text ? "?" + text : "";
  }

  /* ---- filters -------------------------------------------------------------------------------- */
  function controlsToAddress() {
    var given = arguments, now = given[given.length - 1], facts = given[given.length - 2];
    if (!facts || !now) { return; }
    var triggered = window.dash_clientside.callback_context.triggered.map(function (t) {
      return t.prop_id.split(".")[0];
    });
    var view = { preset: now.preset, first: now.first, last: now.last, compare: given[2] || now.compare, chosen: {},
                 own: now.own };
    if (triggered.indexOf("filter-period") >= 0 && given[0]) { view.preset = parseInt(given[0], 10); }
    if (triggered.indexOf("filter-range") >= 0) {
      var range = given[1] || [];
      if (!range[0] || !range[1]) { return; }
      if (range[0] !== now.first || range[1] !== now.last) {
        view.preset = null; view.first = range[0]; view.last = range[1];
      }
    }
    facts.dimensions.forEach(function (name, i) {
      var cleared = triggered.indexOf("filter-" + name + "-all") >= 0;
      var some = cleared ? [] : (given[3 + i] || []);
      var known = facts.values[name].map(function (v) { return v.value; });
      some = known.filter(function (v) { return some.indexOf(v) >= 0; });
      view.chosen[name] = some.length === known.length ? [] : some;
    });
    /* An address that says the same in other words, or holds something unknown, is left as it is. */
    if (toAddress(view, facts) !== toAddress(now, facts)) {
      window.dash_clientside.set_props("filter-view", { data: view }); /* another click may come before the server's answer */
      go(window.location.pathname + toAddress(view, facts));
    }
  }

  /* ---- exports -------------------------------------------------------------------------------- */
  function closeExports(but) {
    document.querySelectorAll(".export[open]").forEach(function (menu) { if (menu !== but) { menu.open = false; } });
  }
  function escaped(text) { return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"); }
  /* Words in lines of at most so many characters. */
  function inLines(text, most) {
    return text.split(/\s+/).reduce(function (lines, word) {
      var last = lines[lines.length - 1];
      if (last && (last + " " + word).length <= most) { lines[lines.length - 1] += " " + word; } else { lines.push(word); }
      return lines;
    }, []);
  }
  /* The chart of a card as a file, under what the card and the foot of the page say of it. */
  function takePicture(button) {
    var card = button.closest(".card"), chart = card.querySelector(".js-plotly-plot"), foot = document.querySelector(".foot");
    var width = Math.max(chart.clientWidth, 640), kind = button.getAttribute("data-picture");
    function said(selector) { var place = card.querySelector(selector); return place ? place.textContent.trim() : ""; }
    var told = [said(".card-sub"), said(".headline"), foot.textContent].filter(Boolean);
    var small = [].concat.apply([], told.map(function (text) { return inLines(text, Math.floor(width / 6.2)); }));
    /* Lines stand 20 px apart, the first with its foot at 24. */
    var head = 36 + 20 * small.length, style = window.getComputedStyle(document.documentElement);
    var layout = structuredClone(chart.layout);
    layout.title = {
      text: "<b>" + escaped(said(".card-title")) + "</b><br><span style=\"font-size:11px\">" +
        small.map(escaped).join("<br>") + "</span>",
      x: 0, xref: "container", xanchor: "left", y: 1, yref: "container", yanchor: "top", pad: { l: 14, t: 24 },
      font: { size: 15, color: style.getPropertyValue("--text").trim() }
    };
    layout.margin = Object.assign({}, layout.margin, { t: (layout.margin.t || 0) + head, r: Math.max(14, layout.margin.r || 0) });
    layout.paper_bgcolor = style.getPropertyValue("--card").trim();
    window.Plotly.toImage({ data: chart.data, layout: layout }, {
      format: kind, width: width, height: chart.clientHeight + head, scale: kind === "png" ? 2 : 1
    }).then(function (file) {
      var link = document.createElement("a"), name = card.querySelector(".export a").getAttribute("href").split(/[/.?]/);
      link.download = ["sillage", name[2], name[3], foot.dataset.first, foot.dataset.last].join("-") + "." + kind;
      link.href = file;
      link.click();
    });
  }

  /* ---- paper ---------------------------------------------------------------------------------- */
  /* A chart has the width that it has on the screen; with a box to view it in, it is scaled to that of the paper. */
  function onPaper(isPrinted) {
    document.querySelectorAll(".figure-box .main-svg").forEach(function (svg) {
      if (isPrinted) { svg.setAttribute("viewBox", "0 0 " + svg.getAttribute("width") + " " + svg.getAttribute("height")); }
      else { svg.removeAttribute("viewBox"); }
    });
    var foot = document.querySelector(".foot");
    if (foot) { foot.dataset.printed = words.printed.replace("{}", new Date().toISOString().slice(0, 16).replace("T", " ")); }
  }
  window.addEventListener("beforeprint", function () { onPaper(true); });
  window.addEventListener("afterprint", function () { onPaper(false); });

  /* ---- shell ---------------------------------------------------------------------------------- */
  function navigation(pathname, search) {
    var keep = new URLSearchParams(search || "");
    OWN.forEach(function (name) { keep.delete(name); });
    var text = keep.toString() ? "?" + keep.toString() : "";
    document.querySelectorAll("a[data-page]").forEach(function (link) {
      var page = link.getAttribute("data-page");
      link.setAttribute("href", page + text);
      if (page === pathname) { link.setAttribute("aria-current", "page"); } else { link.removeAttribute("aria-current"); }
    });
    var active = document.querySelector('a[data-page="' + pathname + '"] .nav-text');
    var title = active ? active.textContent : words.notFound;
    document.title = fill(words.title, title);
    if (shown !== null && shown !== pathname) {
      news = title;
      document.getElementById("main").focus({ preventScroll: true });
    }
    settings(search);
    shown = pathname;
    return [window.dash_clientside.no_update, [], false];
  }
  /* Another language or other units: the same view, in a document of its own. */
  function settings(search) {
    document.querySelectorAll("a[data-setting]").forEach(function (link) {
      var query = new URLSearchParams(search || "");
      query.set(link.getAttribute("data-setting"), link.getAttribute("data-value"));
      link.setAttribute("href", window.location.pathname + "?" + query.toString());
    });
  }
  function burger(opened, navbar) {
    document.documentElement.classList.toggle("nav-open", opened);
    return Object.assign({}, navbar, { collapsed: { mobile: !opened } });
  }
  function scheme() { return window.sillage.scheme(); }
  /* A click on a bar that has an address leads there. */
  function drill(click) {
    var point = click && click.points && click.points[0], link = point && point.customdata && point.customdata[1];
    if (link) { go(link === "?" ? window.location.pathname : window.location.pathname + link); }
    return click ? null : window.dash_clientside.no_update;
  }

  function say(text) {
    var live = document.getElementById("announce");
    if (live) { live.textContent = text; }
  }
  function absoluteLink() {
    var link = new URL(window.location.href), dates = document.querySelector("[data-first][data-last]");
    if (dates) {
      link.searchParams.delete("days");
      link.searchParams.set("from", dates.getAttribute("data-first"));
      link.searchParams.set("to", dates.getAttribute("data-last"));
    }
    return link.href;
  }
  function copyLink(button) {
    var text = absoluteLink();
    function done() {
      button.setAttribute("data-done", "");
      say(words.copied);
      window.setTimeout(function () { button.removeAttribute("data-done"); }, 2000);
    }
    function byHand() { window.prompt(words.copyThis, text); }
    if (navigator.clipboard) { navigator.clipboard.writeText(text).then(done, byHand); } else { byHand(); }
  }
  function nextTheme() {
    var order = ["light", "dark", "auto"];
    var value = order[(order.indexOf(window.sillage.choice()) + 1) % 3];
    window.sillage.choose(value);
    say(fill(words.theme, words[value]));
    labelTheme();
  }
  function labelTheme() {
    document.querySelectorAll("[data-theme-toggle]").forEach(function (button) {
      button.setAttribute("aria-label", fill(words.change, words[window.sillage.choice()]));
    });
  }
  document.addEventListener("click", function (event) {
    var plain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button);
    var link = event.target.closest("a.soft");
    if (link && plain) {
      event.preventDefault();
      if (link.hasAttribute("data-page")) { window.dash_clientside.set_props("burger", { opened: false }); }
      go(link.getAttribute("href") === "?" ? window.location.pathname : link.href);
      return;
    }
    var setting = event.target.closest("a[data-setting]"); /* in a menu that is made when it opens: its address is of then */
    if (setting) { settings(window.location.search); }
    var fold = event.target.closest("[data-fold]");
    if (fold) {
      var open = fold.getAttribute("aria-expanded") !== "true";
      fold.setAttribute("aria-expanded", String(open));
      document.getElementById(fold.getAttribute("data-fold")).classList.toggle("open", open);
    }
    var picture = event.target.closest("[data-picture]");
    if (picture) { takePicture(picture); }
    closeExports(event.target.closest(".export > summary") ? event.target.closest(".export") : null);
    var copy = event.target.closest("[data-copy-link]");
    if (copy) { copyLink(copy); }
    if (event.target.closest("[data-theme-toggle]")) { nextTheme(); }
    if (event.target.closest("[data-reload]")) { window.location.reload(); }
  });
  /* One menu is open at a time, Escape closes it, and pictures are offered where there is a chart to see. */
  document.addEventListener("keydown", function (event) {
    var open = event.key === "Escape" && document.querySelector(".export[open]");
    if (open) { closeExports(null); open.querySelector("summary").focus(); }
  });
  document.addEventListener("toggle", function (event) {
    if (!event.target.matches(".export[open]")) { return; }
    var box = event.target.closest(".card").querySelector(".figure-box");
    event.target.querySelectorAll("[data-picture]").forEach(function (button) {
      button.hidden = !box || box.style.display === "none";
    });
  }, true);
  /* What is typed above the glossary leaves the entries that hold all of its words. */
  document.addEventListener("input", function (event) {
    if (event.target.id !== "glossary-search") { return; }
    var asked = event.target.value.toLowerCase().split(/\s+/), count = 0;
    document.querySelectorAll(".entry").forEach(function (entry) {
      var held = entry.getAttribute("data-words");
      entry.hidden = !asked.every(function (word) { return held.indexOf(word) >= 0; });
      count += entry.hidden ? 0 : 1;
    });
    document.querySelectorAll(".family").forEach(function (family) {
      family.hidden = !family.querySelector(".entry:not([hidden])");
    });
    document.getElementById("glossary-count").textContent =
      new Intl.PluralRules(document.documentElement.lang).select(count) === "one"
        ? words.metrics.one.replace("1", count) : words.metrics.other.replace("2", count);
  });
  /* Mantine says on the box around a menu's button that the menu is open; the button is what is focused, and a box
     that is no control may not say so. */
  new MutationObserver(function () {
    document.querySelectorAll(".menu-target[aria-expanded]").forEach(function (box) {
      var button = box.querySelector(":scope > [data-menu]");
      if (button) { button.setAttribute("aria-expanded", box.getAttribute("aria-expanded")); }
      box.removeAttribute("aria-expanded");
    });
  }).observe(document.documentElement, { subtree: true, childList: true, attributeFilter: ["aria-expanded"] });
  window.addEventListener("popstate", function () { news = words.updated; });
  window.addEventListener("sillage:scheme", function () {
    labelTheme();
    if (window.dash_clientside && window.dash_clientside.set_props && document.getElementById("shell")) {
      window.dash_clientside.set_props("scheme", { data: scheme() });
    }
  });

  /* ---- what is under way, and a server that does not answer ------------------------------------- */
  function working(step) {
    busy = Math.max(0, busy + step);
    var main = document.getElementById("page");
    if (main) { main.setAttribute("aria-busy", String(busy > 0)); }
    if (busy === 0 && news) { say(news); news = ""; }
  }
  function answered(ok) { document.documentElement.classList.toggle("offline", !ok); }
  var plainFetch = window.fetch;
  /* All that a document asks for is for who asked for the document: an address alone may say the language of it. */
  function asTheDocument(options) {
    var headers = new Headers((options || {}).headers);
    headers.set("Accept-Language", document.documentElement.lang);
    return Object.assign({}, options, { headers: headers });
  }
  window.fetch = function (resource, options) {
    var url = typeof resource === "string" ? resource : resource.url;
    if (url.indexOf("_dash-layout") >= 0) { return plainFetch.call(this, resource, asTheDocument(options)); }
    if (url.indexOf("_dash-update-component") < 0) { return plainFetch.apply(this, arguments); }
    working(1);
    return plainFetch.call(this, resource, asTheDocument(options)).then(
      function (response) { working(-1); answered(response.status < 500); return response; },
      function (error) { working(-1); answered(false); throw error; }
    );
  };

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    sillage: {
      controlsToAddress: controlsToAddress, navigation: navigation, burger: burger, scheme: scheme, drill: drill
    }
  });
})();
