/* The charts of a run: uPlot, one cursor and one zoom for all. MV.charts.load() reads the time series, put(message)
   adds a live second; both write by second, so no second is there twice. Hooks: [data-run][data-timeseries],
   #run-plan (JSON), figure[data-chart] with .plot and [data-out], [data-readout], [data-spark]. */
(() => {
  const page = document.querySelector("[data-run]"), readout = document.querySelector("[data-readout]");
  if (!page || !readout || !window.uPlot) return;
  const plan = JSON.parse(document.getElementById("run-plan").textContent), live = "live" in page.dataset;
  const { number } = MV, all = (sel, from = document) => [...from.querySelectorAll(sel)], known = (v) => (v ?? null) !== null;
  const short = (v) => (+v.toFixed(2)).toLocaleString(), time = (v) => (v < 1000 ? `${short(v)} ms` : `${short(v / 1000)} s`);
  const KINDS = { // line: [column, colour, width, dash]
    tps: { format: number.tps, tick: short, unit: "req/s", least: 4, lines: [["tps", "--c-tps", 2]] },
    latency: { format: number.ms, tick: time, least: 10,
      lines: [["p50", "--c-p50", 1.25], ["p99", "--c-p99", 1.5, [1.5, 3]], ["p95", "--c-p95", 2]] },
    errors: { format: number.percent, tick: (v) => `${short(v)} %`, least: 1, area: true, lines: [["error_rate", "--c-err", 1.75]] },
    vus: { format: number.count, tick: short, unit: "VUs", least: 4,
      lines: [["vus", "--c-vus", 1.75]] },
  };
  KINDS[plan.asked_in].lines.unshift(["asked", "--c-asked", 1.5, [5, 4]]); // users, or requests per second
  const MEASURED = ["tps", "p50", "p95", "p99", "error_rate", "vus"], until = () => state.to ?? state.end;
  const columns = Object.fromEntries(MEASURED.map((name) => [name, []])), scenarios = {}, charts = [];
  const state = { last: -1, length: 0, end: plan.duration || 1, from: 0, to: null, at: null }; // to: null shows all

  const probe = page.appendChild(Object.assign(document.createElement("i"), { hidden: true })), shades = new Map();
  const shade = (colour) => { // a canvas cannot resolve var() and light-dark(); an element can
    if (!shades.has(colour)) { probe.style.color = colour; shades.set(colour, getComputedStyle(probe).color); }
    return shades.get(colour);
  };
  const ink = (name) => shade(`var(${name})`), family = getComputedStyle(page).fontFamily;

  // Axes: from zero, at most five steps.
  const NICE = { 1: 4, 1.5: 3, 2: 4, 2.5: 5, 3: 3, 4: 4, 5: 5, 6: 3, 8: 4, 10: 4 }, STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
  const nice = (max) => {
    const unit = 10 ** Math.floor(Math.log10(max)), lead = Object.keys(NICE).map(Number).sort((a, b) => a - b).find((m) => m * unit >= max);
    return { top: lead * unit, parts: NICE[lead] };
  };
  const steps = (from, to, every) => { // the multiples of `every` between two times
    const first = Math.ceil(from / every);
    return Array.from({ length: Math.floor(to / every) - first + 1 }, (_, i) => (first + i) * every);
  };
  const askedAt = (t) => {
    const i = plan.asked.findLastIndex((corner) => corner[0] <= t), [a, b] = [plan.asked[i], plan.asked[i + 1]];
    return a && b ? a[1] + (b[1] - a[1]) * (t - a[0]) / (b[0] - a[0]) : null;
  };

  function write(t, second) {
    for (const name of MEASURED) columns[name][t] = second[name] ?? null;
    state.last = Math.max(state.last, t);
  }
  const pen = (u, paint) => { // paints in CSS pixels; px() turns a time or a value into one
    const { ctx, bbox } = u, px = uPlot.pxRatio, box = { left: bbox.left / px, top: bbox.top / px, right: (bbox.left + bbox.width) / px, bottom: (bbox.top + bbox.height) / px };
    ctx.save(); ctx.scale(px, px);
    Object.assign(ctx, { font: `11px ${family}`, lineWidth: 1, textAlign: "left", textBaseline: "alphabetic" });
    paint(ctx, box, (value, scale) => u.valToPos(value, scale, true) / px);
    ctx.restore();
  };
  const rule = (ctx, dash, x0, y0, x1, y1) => {
    ctx.setLineDash(dash); ctx.beginPath(); ctx.moveTo(x0, y0); ctx.lineTo(x1, y1); ctx.stroke();
  };
  const bands = (u) => pen(u, (ctx, { left, top, right, bottom }, px) => plan.bands.forEach((band, i) => {
    const a = Math.max(px(band.start, "x"), left), b = Math.min(px(band.end, "x"), right);
    if (b <= a) return;
    ctx.fillStyle = ink("--c-band"); ctx.strokeStyle = ink("--line-strong");
    if (i % 2 === 0) ctx.fillRect(a, top, b - a, bottom - top);
    if (band.start > state.from) rule(ctx, [1, 3], a, top - 16, a, bottom);
    ctx.fillStyle = ink("--ink-3");
    if (ctx.measureText(band.name).width + 8 < b - a) ctx.fillText(band.name, a + 5, top - 6);
  }));
  const targets = (u, kind, lines) => pen(u, (ctx, { left, top, right }, px) => {
    ctx.fillStyle = ink("--ink-3"); ctx.textAlign = "right";
    if (kind.unit) ctx.fillText(kind.unit, left - 8, top - 12);
    lines.forEach(({ value, name }, i) => { // two targets are often close: the lowest is named below, and sides change
      const above = value > u.scales.y.max, y = above ? top + 14 : px(value, "y"), x = i % 2 ? right - 6 : left + 6;
      const under = !above && ((i === 0 && lines.length > 1) || y < top + 18), words = [above ? `${name} ↑` : name, x, under ? y + 13 : y - 5];
      ctx.strokeStyle = ctx.fillStyle = ink("--c-target"); ctx.textAlign = i % 2 ? "right" : "left";
      if (!above) rule(ctx, [2, 3], left, y, right, y);
      ctx.setLineDash([]); ctx.strokeStyle = ink("--surface"); ctx.lineWidth = 4; ctx.lineJoin = "round";
      ctx.strokeText(...words); ctx.fillText(...words); ctx.lineWidth = 1;
    });
  });

  function make(figure) {
    const kind = KINDS[figure.dataset.chart], plot = figure.querySelector(".plot"), goals = plan.targets[figure.dataset.chart] ?? [];
    const size = () => ({ width: plot.clientWidth, height: plot.clientHeight }), chart = { figure, plot, kind };
    const axis = { stroke: () => ink("--ink-3"), font: `11px ${family}`, ticks: { show: false } };
    const range = (_u, _min, max) => { // a target far above the data would flatten it: an arrow tells it instead
      const near = goals.map((goal) => goal.value * 1.08).filter((v) => max === null || v < 4 * Math.max(max, kind.least));
      return [0, nice(Math.max((max ?? 0) * 1.04, kind.least, ...near)).top];
    };
    const dots = (name) => (u, i) => u.data[i].flatMap((v, k, d) => // a second alone between gaps, and the newest one
      (known(v) && ((!known(d[k - 1]) && !known(d[k + 1])) || (live && k === state.last && name !== "asked")) ? [k] : []));
    const series = kind.lines.map(([name, colour, width, dash]) => ({
      stroke: () => ink(colour), width, dash: dash?.map((v) => v * uPlot.pxRatio), fill: kind.area && (() => shade(`color-mix(in srgb, var(${colour}) 12%, transparent)`)),
      points: { show: false, size: 6, width: 1.75, fill: () => ink("--surface"), filter: dots(name) },
    }));
    const u = chart.u = new uPlot({
      ...size(), padding: [22, 14, 0, 0], legend: { show: false }, series: [{}, ...series],
      cursor: { y: false, points: { size: 7 }, drag: { x: true, setScale: false }, sync: { key: "run", filters: { pub: (type) => /move|leave/.test(type) } } },
      scales: { x: { time: false, range: () => [state.from, until()] }, y: { range } },
      axes: [
        { ...axis, size: 22, gap: 5, grid: { show: false }, values: (_, at) => at.map(number.clock),
          splits: (self) => steps(state.from, until(), STEPS.find((s) => (until() - state.from) / s * 58 < self.width - 66) ?? 14400) },
        { ...axis, size: 52, gap: 8, grid: { stroke: () => ink("--c-grid"), width: 1 }, values: (_, at) => at.map(kind.tick),
          splits: (_u, _i, _min, max) => Array.from({ length: nice(max).parts + 1 }, (_, i) => max * i / nice(max).parts) },
      ],
      hooks: {
        drawClear: [bands], draw: [(self) => targets(self, kind, goals)],
        setCursor: [(self) => { state.at = self.cursor.idx ?? null; show(chart); }],
        setSelect: [(self) => {
          const { left, width } = self.select;
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (width > 8) zoom(self.posToVal(left, "x"), self.posToVal(left + width, "x"));
        }],
      },
    }, [[0], ...kind.lines.map(() => [null])], plot);
    Object.entries({ tabindex: 0, role: "slider", "aria-valuemin": 0 }).forEach(([name, value]) => plot.setAttribute(name, value));
    plot.addEventListener("keydown", keys); u.over.addEventListener("dblclick", () => zoom(0, null));
    new ResizeObserver(() => u.setSize(size())).observe(plot);
    charts.push(chart);
  }

  function show({ figure, plot, kind }) { // what the cursor points at, or the newest second
    const t = state.at ?? state.last, value = (name) => (name === "asked" ? askedAt(t + .5) : columns[name][t]);
    const words = all("[data-out]", figure).map((out) => `${out.dataset.name} ${out.textContent = kind.format(value(out.dataset.out))}`);
    const aria = { valuemax: state.length, valuenow: Math.max(t, 0), valuetext: [number.clock(Math.max(t, 0)), ...words].join(", ") };
    Object.entries(aria).forEach(([name, text]) => plot.setAttribute(`aria-${name}`, text));
    readout.querySelector("[data-at]").textContent = state.at === null ? readout.dataset.latest : number.clock(state.at);
    readout.querySelector("[data-stage]").textContent = t < 0 ? "" : plan.bands.find((band) => t + .5 < band.end)?.name ?? "";
  }
  function zoom(from, to) {
    if (to !== null && to - from < 2) return;
    Object.assign(state, { from: Math.max(0, from), to: to && Math.min(to, state.end) });
    readout.querySelector("[data-reset]").hidden = to === null;
    draw();
  }
  function keys(e) {
    const move = { ArrowLeft: -5, ArrowRight: 5, PageDown: -60, PageUp: 60, Home: -Infinity, End: Infinity }[e.key];
    if (e.key === "Escape") return aim(null);
    if (!move || state.last < 0) return;
    e.preventDefault();
    const latest = Math.min(until() - 1, state.last);
    aim(Math.round(Math.max(state.from, Math.min(latest, (state.at ?? state.last) + move))));
  }
  function aim(t) {
    for (const { u } of charts) u.setCursor(t === null ? { left: -10, top: -10 } : { left: u.valToPos(t + .5, "x"), top: 10 }, true, false);
  }
  function draw() {
    state.end = Math.max(plan.duration, state.last + 1); state.length = Math.ceil(state.end);
    const xs = Array.from({ length: state.length }, (_, i) => i + .5); // a second's value stands in its middle
    const column = (name) => (name === "asked" ? xs.map(askedAt) : xs.map((_, i) => columns[name][i] ?? null));
    for (const chart of charts) {
      chart.u.batch((u) => {
        u.setData([xs, ...chart.kind.lines.map(([name]) => column(name))], false);
        u.setScale("x", { min: state.from, max: until() });
      });
      show(chart);
    }
    all("[data-spark]", page).forEach(spark);
  }
  function spark(el) {
    const data = scenarios[el.dataset.spark] ?? [], goal = +el.dataset.target || 0, max = Math.max(goal, ...data.map((v) => v ?? 0)) * 1.1 || 1;
    const y = (v) => (20 - v / max * 18).toFixed(1), x = (i) => ((i + .5) / state.length * 96).toFixed(1);
    const step = (v, i) => (known(v) ? `${known(data[i - 1]) ? "L" : "M"}${x(i)} ${y(v)}` : "");
    el.querySelector(".line").setAttribute("d", data.map(step).join(""));
    if (goal) el.querySelector(".goal").setAttribute("d", `M0 ${y(goal)}H96`);
  }

  const part = (tag, t, p95) => { (scenarios[tag] ??= [])[t] = p95; };
  MV.charts = {
    seconds: () => columns.tps.flatMap((value, t) => (known(value) ? [t] : [])), // those that are drawn
    async load() {
      const answer = await fetch(page.dataset.timeseries, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const series = await answer.json(), seconds = live ? series.t : series.t.slice(0, Math.max(1, series.whole_seconds)); // a last second cut short has no rate
      seconds.forEach((t, i) => write(t, Object.fromEntries(MEASURED.map((name) => [name, series[name][i]]))));
      for (const { tag, p95 } of series.scenarios) seconds.forEach((t, i) => part(tag, t, p95[i]));
      draw();
    },
    put(message) {
      write(message.t, message);
      message.scenarios.forEach(({ tag, p95 }) => part(tag, message.t, p95));
      draw();
    },
  };
  const repaint = () => { shades.clear(); charts.forEach(({ u }) => u.redraw()); };
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  readout.querySelector("[data-reset]").addEventListener("click", () => zoom(0, null));
  all("[data-chart]").forEach(make); draw(); MV.charts.load();
})();
