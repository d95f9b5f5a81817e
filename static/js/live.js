/* Live numbers: one event stream a page. Each message fills [data-live="totals.p95"][data-as="ms"] inside
   [data-live-run="ID"], scenario rows ([data-scenario="tag"]) from their part, in one frame; of many those in sight.
   [data-judge] and [data-whole] hold targets. A changed status asks the part [data-refresh] to load itself again. */
(() => {
  const page = document.querySelector("[data-sse]"), { number } = MV;
  if (!page) return;
  const at = (from, path) => path.split(".").reduce((inside, key) => inside?.[key], from), last = {}, waiting = {}, fresh = new Map(), notes = new Map(), all = (sel, from) => from.querySelectorAll(sel);
  const sight = new IntersectionObserver((rows) => rows.forEach(({ target, isIntersecting }) => { target.far = !isIntersecting; if (isIntersecting) wish(); }), { rootMargin: "200px" });

  function write(el, value) {
    const said = number[el.dataset.as || "count"](value);
    if (el.said === said) return;
    const [, text, unit] = /^(.*?)(?:\u00a0(\D+))?$/.exec(el.said = said), apart = el.nextElementSibling?.className === "unit";
    el.textContent = unit && !apart ? `${text}\u00a0${unit}` : text;
    if (apart) el.nextElementSibling.textContent = unit ?? "";
  }
  function fill(scope, message, every) {
    for (const el of all("[data-live]:not([data-scenario] *)", scope)) write(el, at(message, el.dataset.live));
    const rows = all("[data-scenario]", scope);
    for (const row of rows) {
      if (row.far === undefined && rows.length > 40) { row.far = false; sight.observe(row); }
      const part = message.parts[row.dataset.scenario];
      if (part && (every || !row.far)) for (const el of all("[data-live]", row)) write(el, at(part, el.dataset.live));
    }
    for (const el of all("[data-asked]", scope)) el.textContent = number[el.dataset.asked](MV.charts?.asked(message.t));
    for (const body of all("[data-answers]", scope)) answers(body, message.answers ?? {});
  }
  function answers(body, counts) {
    const words = JSON.parse(document.getElementById("answer-words").textContent), total = Object.values(counts).reduce((a, b) => a + b, 0);
    for (const [kind, count] of Object.entries(counts)) {
      let row = [...body.rows].find((one) => one.dataset.kind === kind);
      if (!row) {
        row = document.getElementById("answer-row").content.firstElementChild.cloneNode(true);
        const [status, code] = kind.split(":"), chip = row.querySelector(".chip");
        Object.assign(chip, { textContent: code ?? (status === "0" ? "–" : status), className: status >= 200 && status < 400 ? "chip" : "chip bad" });
        row.dataset.kind = kind; row.cells[1].textContent = words[kind] ?? (code && words["0:1000"]) ?? ""; body.append(row);
      }
      row.cells[2].textContent = number.count(count); row.cells[3].textContent = number.percent(100 * count / total);
    }
  }
  function progress(scope, passed) {
    const whole = +scope.dataset.planned, share = whole ? Math.min(1, passed / whole) : 0, percent = Math.floor(share * 100), left = Math.max(0, whole - passed);
    const ends = new Date(Date.now() + left * 1000).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    const words = { passed: number.clock(passed), percent: `${percent}\u00a0%`, left: number.clock(left), ends };
    for (const el of all("[data-progress]", scope)) { // --share not higher up: all that is below would be styled anew
      if (el.dataset.progress in words) el.textContent = words[el.dataset.progress];
      else if (el.dataset.progress !== "flagged") { el.value = share; el.style.setProperty("--share", share); el.setAttribute("aria-valuenow", percent); }
    }
    for (const el of all("[data-ends]", scope)) el.hidden = !left;
  }
  function judge(scope, rule, shown, totals, time) { // `shown`: the row or the tiles that show the numbers, if anything does
    const { timeTarget, percentile, errorsTarget } = rule.dataset, mark = shown?.querySelector("[data-verdict]"), missed = [
      tell(scope, rule, shown, percentile, timeTarget && totals[percentile] > +timeTarget, () => [number.ms(totals[percentile]), number.ms(+timeTarget)], time),
      tell(scope, rule, shown, "errors", errorsTarget && totals.error_rate > +errorsTarget, () => [number.percent(totals.error_rate), number.limit(+errorsTarget)], time),
    ].filter(Boolean);
    const say = mark && (mark.say ??= JSON.parse(mark.closest("table").dataset.words));
    if (mark) set(mark, missed.length ? "missed" : "passed", missed.length ? `${say.missed} ${missed.map((which) => say[which] ?? which).join(", ")}` : say.met);
  }
  function set(mark, kind, text) {
    if (mark.said === kind + text) return;
    mark.said = kind + text; mark.className = `mark ${kind}`; mark.querySelector("use").setAttribute("href", `#i-mark-${kind}`);
    if (text) mark.querySelector("span").textContent = text;
  }
  function tell(scope, rule, shown, which, missed, texts, time) { // a miss is said once, with the numbers of that moment
    const box = document.getElementById("missed"), key = `${rule.dataset.judge}-${which}`, note = notes.get(key), goal = shown?.querySelector(`[data-goal="${which}"] .mark`);
    shown?.querySelector(`[data-judged="${which}"]`)?.classList.toggle("over", Boolean(missed)); // there may be no column of p90
    if (goal) set(goal, missed ? "missed" : "passed");
    if (note && !missed) { note.remove(); notes.delete(key); }
    if (!note && missed) {
      const [value, target] = texts(), words = { name: rule.dataset.name, percentile: which, value, target, time: number.clock(time) }, line = document.createElement("li");
      line.textContent = (box.dataset[which] ?? box.dataset.time).replace(/\{(\w+)\}/g, (_, word) => words[word]);
      notes.set(key, line); box.querySelector("ul").append(line);
      document.getElementById("announce").textContent = line.textContent;
      all(".flag[hidden], [data-flagged][hidden]", scope).forEach((el) => { // the first one
        el.removeAttribute("hidden"); scope.querySelector("[data-progress=curve]").style.setProperty("--flag", time / scope.dataset.planned);
        scope.querySelector("[data-progress=flagged]").textContent = words.time;
      });
    }
    box.hidden = !notes.size;
    return missed && which;
  }
  function verdicts(scope, message, every) {
    const rows = Object.fromEntries([...all("tr[data-scenario]", scope)].map((row) => [row.dataset.scenario, row.far && !every ? null : row]));
    for (const rule of all("[data-whole]", scope)) judge(scope, rule, scope.querySelector("[data-tiles]"), message.totals, message.t + 1);
    for (const rule of all("[data-judge]", scope)) if (message.parts[rule.dataset.judge]) judge(scope, rule, rows[rule.dataset.judge], message.parts[rule.dataset.judge].totals, message.t + 1);
  }
  const wish = () => { waiting.frame ??= requestAnimationFrame(() => { waiting.frame = null; paint(); }); };
  function paint(every = false) { // the newest message of each run, once a frame
    for (const [scope, message] of fresh) {
      fill(scope, message, every); progress(scope, message.t + 1);
      if (scope.dataset.run) verdicts(scope, message, every);
      if (scope.dataset.run && message.t !== waiting.drawn) MV.charts?.draw(waiting.drawn = message.t);
    }
  }
  function receive(event) {
    const message = JSON.parse(event.data), id = message.test_history_id, scope = document.querySelector(`[data-live-run="${id}"]`);
    const shown = (scope?.querySelector("[data-status]") ?? scope)?.dataset.status, before = last[id] ?? -1;
    if (message.status !== shown) { clearTimeout(waiting.id); waiting.id = setTimeout(() => htmx.trigger("[data-refresh]", "refresh"), 300); }
    if (!scope || message.t === null || message.t < before) return;
    last[id] = message.t; message.parts = Object.fromEntries(message.scenarios.map((part) => [part.tag, part]));
    fresh.set(scope, message); wish();
    if (scope.dataset.run) MV.charts?.put(message);
    if (scope.dataset.run && message.t > before + 1) MV.charts?.load(); // a second went by unseen: the page opened late, or a tick was lost
  }
  document.addEventListener("click", (e) => e.target.closest(".sort") && paint(true), true); // before app.js sorts by what is shown
  document.addEventListener("htmx:afterSwap", wish); // a part that was swapped in shows dashes
  (function open() {
    const source = new EventSource(page.dataset.sse);
    source.onopen = () => MV.charts?.load(); source.onmessage = receive;
    source.addEventListener("stream-reset", () => MV.charts?.load()); // messages were lost, as when Redis was away
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(open, 3000); };
  })();
})();
