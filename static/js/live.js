/* Live numbers: one event stream a page. Each message fills [data-live="totals.p95"][data-as="ms"] inside
   [data-live-run="ID"], scenario rows ([data-scenario="tag"]) from their part; verdict marks and missed targets too.
   A changed status asks the part [data-refresh] to load itself again. */
(() => {
  const page = document.querySelector("[data-sse]"), { number } = MV, at = (from, path) => path.split(".").reduce((o, key) => o?.[key], from);
  if (!page) return;
  const last = {};
  let waiting;

  function write(el, value) {
    const [, text, unit] = /^(.*?)(?:\u00a0(\D+))?$/.exec(number[el.dataset.as || "count"](value)), next = el.nextElementSibling;
    if (next?.className === "unit") { el.textContent = text; next.textContent = unit ?? ""; }
    else el.textContent = unit ? `${text}\u00a0${unit}` : text;
  }
  function fill(scope, message) {
    const parts = Object.fromEntries(message.scenarios.map((part) => [part.tag, part]));
    for (const el of scope.querySelectorAll("[data-live]")) {
      const row = el.closest("[data-scenario]"), from = row ? parts[row.dataset.scenario] : message;
      if (from) write(el, at(from, el.dataset.live));
    }
    scope.querySelectorAll("[data-scenario]").forEach((row) => parts[row.dataset.scenario] && judge(row, parts[row.dataset.scenario], message.t));
    const passed = message.t + 1, whole = +scope.dataset.planned;
    for (const el of scope.querySelectorAll("[data-progress]")) {
      const share = whole ? Math.min(1, passed / whole) : 0, shown = { passed: number.clock(passed), percent: `${Math.floor(share * 100)}\u00a0%`, left: number.clock(Math.max(0, whole - passed)) };
      if (el.dataset.progress in shown) el.textContent = shown[el.dataset.progress];
      else if (el.tagName === "PROGRESS") el.value = share;
      else { el.setAttribute("aria-valuenow", Math.round(share * 100)); el.querySelector(".clip").setAttribute("width", share * 1000); el.querySelector(".now").setAttribute("transform", `translate(${share * 1000})`); }
    }
  }
  function judge(row, { totals }, t) {
    const notes = document.getElementById("missed"), seen = (kind, value, limit, as, asLimit) => {
      const missed = limit !== undefined && value !== null && value > +limit, key = `${row.dataset.scenario}-${kind}`, note = notes.querySelector(`[data-key="${key}"]`);
      row.querySelector(`[data-judged="${kind}"]`)?.classList.toggle("over", missed);
      if (!missed) note?.remove();
      else if (!note) { // said once, with the numbers of that moment: a region that changed each second would never be silent
        const words = { name: row.dataset.name, value: number[as](value), target: number[asLimit](+limit), time: number.clock(t + 1) };
        const line = Object.assign(document.createElement("li"), { textContent: notes.dataset[kind].replace(/\{(\w+)\}/g, (_, word) => words[word]) });
        line.dataset.key = key; notes.querySelector("ul").append(line);
        document.getElementById("announce").textContent = line.textContent;
        const flag = document.querySelector(".flag"), curve = flag?.closest("[data-progress]");
        if (flag?.hasAttribute("hidden")) { flag.setAttribute("transform", `translate(${(t + 1) / curve.dataset.whole * 1000})`); flag.removeAttribute("hidden"); }
      }
      return missed ? [kind] : [];
    };
    const missed = [...seen("p95", totals.p95, row.dataset.p95Target, "ms", "ms"), ...seen("errors", totals.error_rate, row.dataset.errorsTarget, "percent", "limit")];
    notes.hidden = !notes.querySelector("li");
    const mark = row.querySelector("[data-verdict]"), { verdict } = mark?.dataset ?? {};
    if (!verdict) return;
    const kind = missed.length ? "missed" : "passed", { words } = mark.closest("table").dataset, say = JSON.parse(words);
    mark.className = `mark ${kind}`; mark.querySelector("use").setAttribute("href", `#i-mark-${kind}`);
    mark.querySelector("span").textContent = missed.length ? `${say.missed} ${missed.map((m) => say[m]).join(", ")}` : say.met;
  }
  function receive(event) {
    const message = JSON.parse(event.data), scope = document.querySelector(`[data-live-run="${message.test_history_id}"]`);
    const shown = scope && (scope.querySelector("[data-status]") ?? scope).dataset.status, before = last[message.test_history_id] ?? -1;
    if (message.status !== shown) { clearTimeout(waiting); waiting = setTimeout(() => htmx.trigger("[data-refresh]", "refresh"), 300); }
    if (!scope || message.t === null || message.t < before) return;
    last[message.test_history_id] = message.t;
    fill(scope, message);
    if (!scope.dataset.run) return;
    MV.charts?.put(message);
    if (message.t > before + 1) MV.charts?.load(); // a second went by unseen: the page opened late, or a tick was lost
  }
  (function open() {
    const source = new EventSource(page.dataset.sse);
    source.onopen = () => MV.charts?.load();
    source.onmessage = receive;
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(open, 3000); };
  })();
})();
