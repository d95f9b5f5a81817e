/* Small behaviours of every page: theme, dialogs, menus, tabs, toasts, search key, table sort. Delegated, so that
   parts which HTMX swaps in need no wiring. Loaded before the body: the theme must be there at the first paint. */
(() => {
  const root = document.documentElement, all = (sel, from = document) => [...from.querySelectorAll(sel)];
  const on = (type, sel, fn) => document.addEventListener(type, (e) => { const el = e.target.closest?.(sel); if (el) fn(el, e); });
  if (localStorage.theme) root.dataset.theme = localStorage.theme;
  on("click", "[data-theme-toggle]", () => {
    const dark = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches && "dark")) === "dark";
    localStorage.theme = root.dataset.theme = dark ? "light" : "dark";
  });
  on("click", "[data-dialog]", (el) => document.getElementById(el.dataset.dialog).showModal());
  on("click", "dialog [data-close]", (el) => el.closest("dialog").close());
  on("click", "[data-dismiss]", (el) => el.closest(el.dataset.dismiss).remove());
  document.addEventListener("click", (e) => all(".menu[open]").forEach((m) => m.contains(e.target) || m.removeAttribute("open")));
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") all(".menu[open]").forEach((m) => { m.removeAttribute("open"); m.querySelector("summary").focus(); });
    if (e.key === "/" && !e.ctrlKey && !e.metaKey && !e.target.closest("input, textarea, select")) {
      const search = document.querySelector("[data-search]");
      if (search) { e.preventDefault(); search.focus(); }
    }
  });

  function choose(tab) {
    for (const other of all("[role=tab]", tab.closest("[role=tablist]"))) {
      const panel = document.getElementById(other.getAttribute("aria-controls"));
      other.setAttribute("aria-selected", other === tab); other.tabIndex = other === tab ? 0 : -1;
      if (panel) panel.hidden = other !== tab;
    }
  }
  on("click", "[role=tab]", choose);
  on("keydown", "[role=tab]", (el, e) => {
    const tabs = all("[role=tab]", el.closest("[role=tablist]")), step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (step) { const to = tabs[(tabs.indexOf(el) + step + tabs.length) % tabs.length]; to.focus(); choose(to); }
  });

  on("click", "button.sort", (el) => {
    const th = el.closest("th"), at = th.cellIndex, down = th.getAttribute("aria-sort") !== "descending";
    all("th[aria-sort]", th.parentNode).forEach((other) => other.removeAttribute("aria-sort"));
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => {
      const text = row.cells[at].textContent.replace(/[,<\s]/g, ""), number = parseFloat(text);
      return Number.isNaN(number) ? (text === "–" ? -1 : text) : /\ds$/.test(text) ? number * 1000 : number;
    };
    const order = (a, b) => (typeof a === "string" || typeof b === "string" ? String(a).localeCompare(b) : a - b);
    const body = th.closest("table").tBodies[0];
    body.append(...[...body.rows].sort((a, b) => order(value(a), value(b)) * (down ? -1 : 1)));
  });

  on("input", "[data-filter]", (el) => all("tbody tr", document.getElementById(el.dataset.filter)).forEach((row) => { // by their first cells
    row.hidden = !row.cells[0].textContent.toLowerCase().includes(el.value.trim().toLowerCase());
  }));

  function leave(el) { // six seconds, longer while it is focused or under the pointer; errors stay
    if (!el.classList.contains("bad")) setTimeout(() => (el.matches(":hover, :focus-within") ? leave(el) : el.remove()), 6000);
  }
  function toast(text, level) {
    const region = document.getElementById("toasts"), el = region.querySelector("template").content.firstElementChild.cloneNode(true);
    el.querySelector("span").textContent = text;
    if (level === "error") { el.classList.add("bad"); el.querySelector("use").setAttribute("href", "#i-warn"); }
    region.append(el); leave(el);
  }
  document.addEventListener("htmx:configRequest", (e) => { // no empty filters in the address
    if (e.detail.verb === "get") [...e.detail.formData].forEach(([name, value]) => value === "" && e.detail.formData.delete(name));
  });
  const isToast = (xhr) => xhr.responseText.trimStart().startsWith('<div class="toast');
  const failed = () => toast(document.getElementById("toasts").dataset.failed, "error");
  document.addEventListener("DOMContentLoaded", () => all("[data-toast]").forEach(leave));
  document.addEventListener("toast", (e) => toast(e.detail.text, e.detail.level));
  for (const type of ["htmx:sendError", "htmx:responseError"]) document.addEventListener(type, (e) => isToast(e.detail.xhr) || failed());
  document.addEventListener("htmx:beforeSwap", (e) => { // an error's sentence goes to the toasts, whatever asked
    if (!isToast(e.detail.xhr)) return;
    Object.assign(e.detail, { shouldSwap: true, target: document.getElementById("toasts"), swapOverride: "beforeend", selectOverride: ".toast" });
  });
})();
