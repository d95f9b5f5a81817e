/* The charts of a run: uPlot, one cursor and one zoom for all. MV.charts.load() reads the time series, in stretches
   where there are more seconds than pixels; put(message) adds a live second, none is there twice. The tables of a chosen
   span come from the server. Hooks: [data-run][data-series][data-span], #run-plan (JSON), figure[data-chart] with
   .plot and [data-out], [data-readout], [data-reset], a[data-from], [data-spark]. */
(() => {
  const page = document.querySelector("[data-run]"), readout = document.querySelector("[data-readout]");
  if (!page || !readout || !window.uPlot) return;
  const plan = JSON.parse(document.getElementById("run-plan").textContent), live = "live" in page.dataset, POINTS = 600;
  const { number, paint } = MV, all = (sel, from = document) => [...from.querySelectorAll(sel)], known = (v) => (v ?? null) !== null;
  const short = (v) => (+v.toFixed(2)).toLocaleString(), time = (v) => (v < 1000 ? `${short(v)} ms` : `${short(v / 1000)} s`);
  const FEW = { format: number.rate, tick: short, least: 4 }, KINDS = { // line: [column, colour, width, dash]; band: the column whose lowest and highest seconds are shown
    tps: { format: number.tps, tick: short, unit: "req/s", least: 4, band: "tps", lines: [["tps", "--c-tps", 2]] },
    latency: { format: number.ms, tick: time, least: 10, band: "p95",
      lines: [["p50", "--c-p50", 1.25], ["p90", "--c-p95", 1.25, [4, 3]], ["p99", "--c-p99", 1.5, [1.5, 3]], ["p95", "--c-p95", 2]] },
    errors: { format: number.percent, tick: (v) => `${short(v)} %`, least: 1, area: true, band: "error_rate", lines: [["error_rate", "--c-err", 1.75]] },
    vus: { ...FEW, unit: "VUs", lines: [["vus", "--c-vus", 1.75]] },
    dropped: { ...FEW, area: true, lines: [["dropped", "--c-err", 1.75]] },
    checks: { ...FEW, lines: [["checks_passed", "--c-tps", 1.5], ["checks_failed", "--c-err", 1.75]] },
    bytes: { format: number.size, tick: number.size, least: 1000, lines: [["received", "--c-tps", 1.75], ["sent", "--c-asked", 1.5, [5, 4]]] },
    heat: { format: (v) => v ?? "–", least: 1, lines: [] },
  };
  KINDS[plan.asked_in].lines.unshift(["asked", "--c-asked", 1.5, [5, 4]]); // users, or requests per second
  const COUNTS = ["dropped", "checks_passed", "checks_failed", "sent", "received"]; // drawn per second
  const MEASURED = ["tps", "p50", "p90", "p95", "p99", "error_rate", "vus", ...COUNTS], SPREAD = ["tps", "p95", "error_rate"].flatMap((name) => [`${name}_min`, `${name}_max`]);
  const empty = () => Object.fromEntries(["t", "step", ...MEASURED, ...SPREAD].map((name) => [name, []]));
  const charts = [], scenarios = {}, state = { whole: empty(), shown: null, heat: null, xs: [], end: plan.duration || 1, from: +page.dataset.from || 0, to: +page.dataset.to || null, at: null, mark: null };
  const until = () => state.to ?? state.end, last = (series = state.shown) => series.t.length - 1;
  const over = (series) => (series.t.at(-1) ?? 0) + (series.step.at(-1) ?? 0); // the second after the last one

  const NICE = { 1: 4, 1.5: 3, 2: 4, 2.5: 5, 3: 3, 4: 4, 5: 5, 6: 3, 8: 4, 10: 4 }, STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const nice = (max, unit = 10 ** Math.floor(Math.log10(max))) => {
    const lead = Object.keys(NICE).map(Number).sort((a, b) => a - b).find((m) => m * unit >= max);
    return { top: lead * unit, parts: NICE[lead] };
  };
  const steps = (from, to, every, first = Math.ceil(from / every)) => // the multiples of `every` between two times
    Array.from({ length: Math.floor(to / every) - first + 1 }, (_, i) => (first + i) * every);
  const askedAt = (t) => {
    const i = plan.asked.findLastIndex((corner) => corner[0] <= t), [a, b] = plan.asked.slice(i < 0 ? Infinity : i);
    return a && b ? a[1] + (b[1] - a[1]) * (t - a[0]) / (b[0] - a[0]) : null;
  };
  const newest = () => (state.to === null ? last() : state.shown.t.findLastIndex((t) => t < state.to)); // of those that are shown
  const seen = (i) => state.shown.t[i] < until() && state.shown.t[i] + state.shown.step[i] > state.from;

  function make(figure) {
    const kind = KINDS[figure.dataset.chart], plot = figure.querySelector(".plot"), goals = plan.targets[figure.dataset.chart] ?? [], heat = kind === KINDS.heat;
    const size = () => ({ width: plot.clientWidth, height: plot.clientHeight }), chart = { figure, plot, kind };
    const axis = { stroke: () => paint.ink("--ink-3"), font: `11px ${paint.family}`, ticks: { show: false } };
    const range = (_u, _min, found) => { // a target far above the data would flatten it: an arrow tells it instead
      if (heat) return [0, state.heat?.rows.length ?? 1];
      const highest = kind.band ? state.shown[`${kind.band}_max`].filter((v, i) => known(v) && seen(i)) : [], max = highest.reduce((a, b) => Math.max(a, b), found ?? 0);
      const near = goals.map((goal) => goal.value * 1.08).filter((v) => !max || v < 4 * Math.max(max, kind.least));
      return [0, nice(Math.max(max * 1.04, kind.least, ...near)).top];
    };
    const dots = (name) => (u, i) => u.data[i].flatMap((v, k, d) => // a second alone between gaps, and the newest one
      (known(v) && ((!known(d[k - 1]) && !known(d[k + 1])) || (live && k === last() && name !== "asked")) ? [k] : []));
    const series = kind.lines.map(([name, colour, width, dash]) => ({
      stroke: () => paint.ink(colour), width, dash: dash?.map((v) => v * uPlot.pxRatio), fill: kind.area && (() => paint.soft(colour, 12)),
      points: { show: false, size: 6, width: 1.75, fill: () => paint.ink("--surface"), filter: dots(name) },
    }));
    const rows = () => (state.heat ? paint.ticks(state.heat) : []);
    const u = chart.u = new uPlot({
      ...size(), padding: [22, 14, 0, 0], legend: { show: false }, series: [{}, ...(heat ? [{ stroke: "transparent" }] : series)],
      cursor: { y: false, points: { size: heat ? 0 : 7 }, drag: { x: true, setScale: false }, sync: { key: "run", filters: { pub: (type) => /move|leave/.test(type) } } },
      scales: { x: { time: false, range: () => [state.from, until()] }, y: { range } },
      axes: [
        { ...axis, size: 22, gap: 5, grid: { show: false }, values: (_, at) => at.map(number.clock),
          splits: (self) => steps(state.from, until(), STEPS.find((s) => (until() - state.from) / s * 58 < self.width - 66) ?? 14400) },
        { ...axis, size: 56, gap: 8, grid: { stroke: () => paint.ink("--c-grid"), width: heat ? 0 : 1 }, values: (_, at) => (heat ? rows().map(([, text]) => text) : at.map(kind.tick)),
          splits: (_u, _i, _min, max) => (heat ? rows().map(([row]) => row) : Array.from({ length: nice(max).parts + 1 }, (_, i) => max * i / nice(max).parts)) },
      ],
      hooks: {
        drawClear: [(self) => paint.bands(self, plan.bands)], draw: [(self) => paint.targets(self, kind.unit, goals)],
        drawAxes: [(self) => (heat ? state.heat && paint.heat(self, state.heat) : kind.band && paint.spread(self, state.shown, kind.band, kind.lines.at(-1)[1]))],
        setCursor: [(self) => { state.at = self.cursor.idx ?? null; show(chart); }],
        setSelect: [(self) => {
          const { left, width } = self.select;
          if (state.mark === null) self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (width > 8 && state.mark === null) zoom(self.posToVal(left, "x"), self.posToVal(left + width, "x"));
        }],
      },
    }, [[0], ...(heat ? [[null]] : kind.lines.map(() => [null]))], plot);
    Object.entries({ tabindex: 0, role: "slider", "aria-valuemin": 0 }).forEach(([name, value]) => plot.setAttribute(name, value));
    plot.addEventListener("keydown", keys); u.over.addEventListener("dblclick", () => zoom(0, null));
    figure.querySelector("[data-save]").addEventListener("click", () => paint.picture(figure, u));
    new ResizeObserver(() => plot.clientWidth && u.setSize(size())).observe(plot); charts.push(chart);
  }

  const column = (name, i, value = state.shown[name]?.[i]) => (name === "asked" ? askedAt(state.xs[i]) : COUNTS.includes(name) && known(value) ? value / state.shown.step[i] : value ?? null);
  function usual(t) { // what most requests took at that time
    const counts = state.heat?.counts[Math.floor((t - state.heat.start) / state.heat.step)] ?? [], most = Math.max(...counts), row = state.heat?.rows[counts.indexOf(most)];
    return row && most ? `${number.ms(row[0])}–${number.ms(row[1])}` : null;
  }
  function show({ figure, plot, kind }) { // what the cursor points at, or the newest stretch
    const i = state.at ?? newest(), x = state.xs[i] ?? 0, step = state.shown.step[i] ?? 1, t = Math.max(0, Math.floor(x - step / 2 + 1e-6));
    const words = all("[data-out]", figure).map((out) => `${out.dataset.name} ${out.textContent = kind.format(kind === KINDS.heat ? usual(x) : column(out.dataset.out, i))}`);
    const moment = step > 1 ? `${number.clock(t)}–${number.clock(t + step)}` : number.clock(t), aria = { valuemax: Math.ceil(state.end), valuenow: t, valuetext: [moment, ...words].join(", ") };
    Object.entries(aria).forEach(([name, text]) => plot.setAttribute(`aria-${name}`, text));
    readout.querySelector("[data-at]").textContent = state.at === null ? readout.dataset.latest : state.mark === null ? moment : `${number.clock(state.mark)} – ${moment}`;
    readout.querySelector("[data-stage]").textContent = i < 0 ? "" : plan.bands.find((band) => x < band.end)?.name ?? "";
  }
  const query = () => new URLSearchParams(state.to === null ? {} : { from: state.from, to: state.to });
  function zoom(from, to) { // whole seconds; `to` null: all of them
    const first = Math.max(0, Math.floor(from)), end = to && Math.min(Math.ceil(to), Math.ceil(state.end));
    if (end !== null && end - first < 2) return;
    Object.assign(state, { from: first, to: end, shown: state.whole, at: null, mark: null }); zoomed();
    htmx.ajax("GET", `${page.dataset.span}?${query()}`, { target: "#measured", swap: "outerHTML" });
  }
  function zoomed() {
    readout.querySelector("[data-reset]").hidden = state.to === null;
    draw(); spreadOut();
    if (state.to !== null && state.whole.step.some((step) => step > 1)) finer();
  }
  function keys(e) {
    const move = { ArrowLeft: -5, ArrowRight: 5, PageDown: -60, PageUp: 60, Home: -Infinity, End: Infinity }[e.key], here = state.xs[state.at ?? newest()];
    if (e.key === "Escape") { state.mark = null; return aim(null); }
    if (e.key === "Enter" && here !== undefined) { // the first one marks where a span begins, the second chooses it
      if (state.mark !== null) return zoom(Math.min(state.mark, here - .5), Math.max(state.mark, here - .5) + 1);
      state.mark = Math.floor(here); charts.forEach(show);
    }
    if (!move || last() < 0) return;
    e.preventDefault();
    aim(Math.max(state.from, Math.min(until() - 1, over(state.shown) - 1, here - .5 + move)));
  }
  const aim = (t) => charts.forEach(({ u }) => u.setCursor({ left: t === null ? -10 : u.valToPos(t + .5, "x"), top: t === null ? -10 : 10 }, true, false));
  function draw() {
    const series = state.shown, next = over(series);
    state.end = Math.max(live || !next ? plan.duration : 0, over(state.whole), 1); // what is over shows what it was
    const ahead = Math.max(1, Math.ceil((state.end - next) / POINTS)), future = Array.from({ length: Math.max(0, Math.ceil((state.end - next) / ahead)) }, (_, i) => next + (i + .5) * ahead);
    state.xs = [...series.t.map((t, i) => t + series.step[i] / 2), ...future]; // a value stands in the middle of its stretch
    for (const chart of charts) {
      const names = chart.kind === KINDS.heat ? [null] : chart.kind.lines.map(([name]) => name);
      chart.u.setData([state.xs, ...names.map((name) => state.xs.map((_, i) => (name ? column(name, i) : null)))], false);
      chart.u.setScale("x", { min: state.from, max: until() }); show(chart);
    }
    all("[data-spark]", page).forEach((el) => el.closest("tr")?.far || spark(el));
  }
  function spark(el) { // the highest p95 of each pixel
    const { t = [], p95 = [] } = scenarios[el.dataset.spark] ?? {}, goal = +el.dataset.target || 0, found = [];
    t.forEach((at, i) => { const x = Math.floor((at + .5) / state.end * 96); if (known(p95[i])) found[x] = Math.max(found[x] ?? 0, p95[i]); });
    const max = found.reduce((a, b) => Math.max(a, b ?? 0), goal) * 1.1 || 1, y = (v) => (20 - v / max * 18).toFixed(1), gap = Math.ceil(96 / Math.max(1, state.end)) + 1;
    let path = "", before = -Infinity;
    found.forEach((v, x) => { path += `${x - before > gap ? "M" : "L"}${x} ${y(v)}`; before = x; });
    el.querySelector(".line").setAttribute("d", path);
    if (goal) el.querySelector(".goal").setAttribute("d", `M0 ${y(goal)}H96`);
  }

  const read = async (address) => { const answer = await fetch(address, { headers: { Accept: "application/json" } }); return answer.ok ? answer.json() : null; };
  function taken(found) { // the answer of the time series as columns; a last second cut short has no rate
    const length = !live && found.resolution === 1 ? found.t.filter((t) => t < Math.max(1, found.whole_seconds)).length : found.t.length, { end } = found;
    const series = Object.fromEntries(["t", ...MEASURED, ...SPREAD].map((name) => [name, (found[name] ?? []).slice(0, length)]));
    return Object.assign(series, { step: series.t.map((t) => Math.min(found.resolution, Math.max(1, end - t))) });
  }
  function add(series, message) {
    const at = message.t === series.t.at(-1) && series.step.at(-1) === 1 ? last(series) : series.t.length;
    if (message.t < over(series) && at === series.t.length) return;
    [series.t[at], series.step[at]] = [message.t, 1];
    for (const name of [...MEASURED, ...SPREAD]) series[name][at] = message[name] ?? null;
  }
  async function finer() { // the seconds of the chosen span
    const asked = state.to, found = await read(`${page.dataset.series}?${query()}`);
    if (found && state.to === asked) { state.shown = taken(found); draw(); }
  }
  async function spreadOut() {
    const figure = document.querySelector("[data-heatmap]"), began = performance.now(), found = await read(`${figure.dataset.heatmap}?${query()}`);
    state.heat = found?.rows?.some(([, high]) => high > 0) ? found : null; figure.hidden = !state.heat; draw(); clearTimeout(state.timer);
    if (live) state.timer = setTimeout(spreadOut, Math.max(15000, 30 * (performance.now() - began))); // the longer the run, the more it costs
  }
  MV.charts = {
    seconds: () => state.whole.t.filter((_, i) => known(state.whole.tps[i])), // those that are drawn
    draw, asked: (t) => askedAt(t + .5),
    async load() {
      const found = await read(page.dataset.series), before = state.whole, series = found && taken(found);
      if (!found) return;
      before.t.forEach((t, i) => t >= over(series) && add(series, { t, ...Object.fromEntries(MEASURED.map((name) => [name, before[name][i]])) }));
      Object.assign(state, { whole: series, shown: state.shown === before ? series : state.shown });
      for (const { tag, t, p95 } of found.scenarios) scenarios[tag] = { t, p95 };
      draw();
    },
    put(message) {
      for (const series of new Set([state.whole, state.shown])) if (series === state.whole || message.t < until()) add(series, message);
      for (const { tag, p95 } of message.scenarios) {
        const to = (scenarios[tag] ??= { t: [], p95: [] }), at = message.t > (to.t.at(-1) ?? -1) ? to.t.length : to.t.length - 1;
        [to.t[at], to.p95[at]] = [message.t, p95];
      }
    },
  };
  const repaint = () => { paint.forget(); charts.forEach(({ u }) => u.redraw()); };
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  document.addEventListener("click", (e) => {
    const link = e.target.closest("a[data-from], [data-reset]");
    if (link) { e.preventDefault(); zoom(+link.dataset.from || 0, +link.dataset.to || null); }
  });
  document.addEventListener("htmx:afterSwap", (e) => e.target.id === "measured" && all("[data-spark]", page).forEach(spark));
  state.shown = state.whole; all("[data-chart]").forEach(make); draw(); MV.charts.load().then(zoomed);
})();
