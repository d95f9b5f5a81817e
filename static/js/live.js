/* Live numbers: one event stream a page. Each message fills [data-live="totals.p95"][data-as="ms"] inside
   [data-live-run="ID"], scenario rows ([data-scenario="tag"]) from their part; verdict marks and missed targets too.
   A changed status asks the part [data-refresh] to load itself again. */
(() => {
  const page = document.querySelector("[data-sse]"), { number } = MV;
  if (!page) return;
  const at = (from, path) => path.split(".").reduce((inside, key) => inside?.[key], from), last = {}, waiting = {};

  function write(el, value) {
    const [, text, unit] = /^(.*?)(?:\u00a0(\D+))?$/.exec(number[el.dataset.as || "count"](value));
    const apart = el.nextElementSibling?.className === "unit";
    el.textContent = unit && !apart ? `${text}\u00a0${unit}` : text;
    if (apart) el.nextElementSibling.textContent = unit ?? "";
  }
  function fill(scope, message) {
    const parts = Object.fromEntries(message.scenarios.map((part) => [part.tag, part]));
    for (const el of scope.querySelectorAll("[data-live]")) {
      const row = el.closest("[data-scenario]"), from = row ? parts[row.dataset.scenario] : message;
      if (from) write(el, at(from, el.dataset.live));
    }
    for (const row of scope.querySelectorAll("[data-scenario]")) {
      if (parts[row.dataset.scenario]) judge(scope, row, parts[row.dataset.scenario].totals, message.t + 1);
    }
  }
  function whole(scope, message) { // what the run as a whole has to keep
    const row = scope.querySelector("[data-whole]");
    if (row) judge(scope, row, message.totals, message.t + 1);
  }
  function progress(scope, passed) {
    const whole = +scope.dataset.planned, share = whole ? Math.min(1, passed / whole) : 0, percent = Math.floor(share * 100);
    const words = { passed: number.clock(passed), percent: `${percent}\u00a0%`, left: number.clock(Math.max(0, whole - passed)) };
    scope.style.setProperty("--share", share);
    for (const el of scope.querySelectorAll("[data-progress]")) {
      if (el.dataset.progress in words) el.textContent = words[el.dataset.progress];
      else { el.value = share; el.setAttribute("aria-valuenow", percent); }
    }
  }
  function judge(scope, row, totals, time) {
    const { timeTarget, percentile, errorsTarget } = row.dataset, mark = row.querySelector("[data-verdict]");
    const missed = [
      tell(scope, row, percentile, timeTarget && totals[percentile] > +timeTarget, number.ms(totals[percentile]), number.ms(+timeTarget), time),
      tell(scope, row, "errors", errorsTarget && totals.error_rate > +errorsTarget, number.percent(totals.error_rate), number.limit(+errorsTarget), time),
    ].filter(Boolean);
    if (!mark) return;
    const kind = missed.length ? "missed" : "passed", say = JSON.parse(mark.closest("table").dataset.words);
    mark.className = `mark ${kind}`; mark.querySelector("use").setAttribute("href", `#i-mark-${kind}`);
    mark.querySelector("span").textContent = missed.length ? `${say.missed} ${missed.map((which) => say[which] ?? which).join(", ")}` : say.met;
  }
  function tell(scope, row, which, missed, value, target, time) { // a miss is said once, with the numbers of that moment
    const notes = document.getElementById("missed"), key = `${row.dataset.scenario}-${which}`, note = notes.querySelector(`[data-key="${key}"]`);
    row.querySelector(`[data-judged="${which}"]`)?.classList.toggle("over", Boolean(missed)); // there is no column of p90
    if (note && !missed) note.remove();
    if (!note && missed) {
      const words = { name: row.dataset.name, percentile: which, value, target, time: number.clock(time) }, line = document.createElement("li");
      line.textContent = (notes.dataset[which] ?? notes.dataset.time).replace(/\{(\w+)\}/g, (_, word) => words[word]);
      line.dataset.key = key; notes.querySelector("ul").append(line);
      document.getElementById("announce").textContent = line.textContent;
      if (!scope.style.getPropertyValue("--flag")) scope.style.setProperty("--flag", time / scope.dataset.planned);
      document.querySelector(".flag").removeAttribute("hidden");
    }
    notes.hidden = !notes.querySelector("li");
    return missed && which;
  }
  function receive(event) {
    const message = JSON.parse(event.data), scope = document.querySelector(`[data-live-run="${message.test_history_id}"]`);
    const shown = (scope?.querySelector("[data-status]") ?? scope)?.dataset.status, before = last[message.test_history_id] ?? -1;
    if (message.status !== shown) { clearTimeout(waiting.id); waiting.id = setTimeout(() => htmx.trigger("[data-refresh]", "refresh"), 300); }
    if (!scope || message.t === null || message.t < before) return;
    last[message.test_history_id] = message.t;
    fill(scope, message); whole(scope, message); progress(scope, message.t + 1);
    if (!scope.dataset.run) return;
    MV.charts?.put(message);
    if (message.t > before + 1) MV.charts?.load(); // a second went by unseen: the page opened late, or a tick was lost
  }
  (function open() {
    const source = new EventSource(page.dataset.sse);
    source.onopen = () => MV.charts?.load(); source.onmessage = receive;
    source.addEventListener("stream-reset", () => MV.charts?.load()); // messages were lost, as when Redis was away
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(open, 3000); };
  })();
})();
