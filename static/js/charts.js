/* The charts of a run: uPlot, one cursor and one zoom for all. MV.charts.load() reads the time series,
   MV.charts.put(message) adds a live second; both write by second, so a second is never there twice.
   Hooks: [data-run] with data-timeseries, #run-plan (JSON), figure[data-chart] with .plot and [data-out]. */
(() => {
  const page = document.querySelector("[data-run]"), all = (sel, from = document) => [...from.querySelectorAll(sel)];
  if (!page || !window.uPlot) return;
  const plan = JSON.parse(document.getElementById("run-plan").textContent), { number } = MV, live = "live" in page.dataset;
  const readout = document.querySelector("[data-readout]"), whole = (v) => +v.toFixed(1), time = (v) => (v >= 1000 ? `${+(v / 1000).toFixed(2)} s` : `${whole(v)} ms`);
  const KINDS = { // line: [column, width, dash]
    tps: { format: number.tps, tick: (v) => whole(v).toLocaleString(), unit: "req/s", least: 4, lines: [["tps", 2]] },
    latency: { format: number.ms, tick: time, least: 10, lines: [["p50", 1.25], ["p99", 1.5, [1.5, 3]], ["p95", 2]] },
    errors: { format: number.percent, tick: (v) => `${+v.toFixed(2)} %`, least: 1, area: true, lines: [["error_rate", 1.75]] },
    vus: { format: number.count, tick: (v) => whole(v).toLocaleString(), unit: "VUs", least: 4, lines: [["asked", 1.5, [5, 4]], ["vus", 1.75]] },
  };
  const COLOURS = { tps: "--c-tps", p50: "--c-p50", p95: "--c-p95", p99: "--c-p99", error_rate: "--c-err", vus: "--c-vus", asked: "--c-asked" };
  const state = { columns: { asked: [] }, scenarios: {}, length: 0, last: -1, end: plan.duration || 1, from: 0, to: null, at: null, charts: [] };

  const probe = page.appendChild(Object.assign(document.createElement("i"), { hidden: true }));
  let shades = {};
  const shade = (expression) => shades[expression] ??= (probe.style.color = expression, getComputedStyle(probe).color); // light-dark() resolved
  const ink = (name) => shade(`var(${name})`);
  const font = `11px ${getComputedStyle(page).fontFamily}`;

  const nice = (max) => { const p = 10 ** Math.floor(Math.log10(max)); return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((m) => m * p >= max) * p; };
  const parts = (top) => ({ 1: 4, 1.5: 3, 2: 4, 2.5: 5, 3: 3, 4: 4, 5: 5, 6: 3, 8: 4 })[+(top / 10 ** Math.floor(Math.log10(top) + 1e-9)).toFixed(1)] || 4;
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];
  const askedAt = (t) => {
    const i = plan.asked.findLastIndex((corner) => corner[0] <= t), [a, b] = [plan.asked[i], plan.asked[i + 1]];
    return !a || !b ? null : a[1] + (b[1] - a[1]) * (t - a[0]) / (b[0] - a[0]);
  };

  function grow(length) {
    state.end = Math.max(plan.duration, length); state.length = Math.ceil(state.end);
    const { t, asked } = state.columns;
    state.columns.t = Array.from({ length: state.length }, (_, i) => t?.[i] ?? i + .5); // a second's value stands in its middle
    state.columns.asked = Array.from({ length: state.length }, (_, i) => asked[i] ?? askedAt(i + .5));
    for (const { plot } of state.charts) plot.setAttribute("aria-valuemax", state.length);
  }
  function write(t, of) { // one second of the run, from either source
    for (const name of ["tps", "p50", "p95", "p99", "error_rate", "vus"]) (state.columns[name] ??= [])[t] = of[name] ?? null;
    state.last = Math.max(state.last, t);
  }
  const filled = (name) => Array.from({ length: state.length }, (_, i) => state.columns[name]?.[i] ?? null);

  function bands(u) {
    const { ctx, bbox: { left, top, width, height } } = u, px = uPlot.pxRatio, x = (t) => u.valToPos(t, "x", true);
    ctx.save(); ctx.font = font.replace("11px", `${11 * px}px`); ctx.textAlign = "start"; ctx.lineWidth = px;
    plan.bands.forEach((band, i) => {
      const a = Math.max(x(band.start), left), b = Math.min(x(band.end), left + width);
      if (b <= a) return;
      if (i % 2 === 0) { ctx.fillStyle = ink("--c-band"); ctx.fillRect(a, top, b - a, height); }
      if (band.start > state.from) { ctx.strokeStyle = ink("--line-strong"); ctx.setLineDash([px, 3 * px]); ctx.beginPath(); ctx.moveTo(a, top - 16 * px); ctx.lineTo(a, top + height); ctx.stroke(); }
      ctx.fillStyle = ink("--ink-3");
      if (ctx.measureText(band.name).width + 8 * px < b - a) ctx.fillText(band.name, a + 5 * px, top - 6 * px);
    });
    ctx.restore();
  }
  function targets(u, kind, lines) {
    const { ctx, bbox: { left, top, width } } = u, px = uPlot.pxRatio;
    ctx.save(); ctx.font = font.replace("11px", `${11 * px}px`); ctx.lineWidth = px; ctx.textBaseline = "alphabetic";
    if (kind.unit) { ctx.fillStyle = ink("--ink-3"); ctx.textAlign = "right"; ctx.fillText(kind.unit, left - 8 * px, top - 12 * px); }
    ctx.lineJoin = "round";
    lines.forEach(({ value, name }, i) => { // names stand left and right in turn: two targets are often close
      ctx.textAlign = i % 2 ? "right" : "left";
      const x = i % 2 ? left + width - 6 * px : left + 6 * px, below = i === 0 && lines.length > 1, above = value > u.scales.y.max, y = above ? top + 14 * px : u.valToPos(value, "y", true), text = above ? `${name} ↑` : name;
      ctx.strokeStyle = ctx.fillStyle = ink("--c-target"); ctx.setLineDash([2 * px, 3 * px]);
      if (!above) { ctx.beginPath(); ctx.moveTo(left, y); ctx.lineTo(left + width, y); ctx.stroke(); }
      ctx.setLineDash([]); ctx.strokeStyle = ink("--surface"); ctx.lineWidth = 4 * px;
      const at = below && !above ? y + 13 * px : y - 5 * px;
      ctx.strokeText(text, x, at); ctx.fillText(text, x, at); ctx.lineWidth = px;
    });
    ctx.restore();
  }

  function make(figure) {
    const kind = KINDS[figure.dataset.chart], plot = figure.querySelector(".plot"), goals = plan.targets[figure.dataset.chart] || [];
    const axis = { stroke: () => ink("--ink-3"), font, ticks: { show: false }, gap: 8 };
    const known = (v) => (v ?? null) !== null;
    const dots = (name) => (u, i) => u.data[i].flatMap((v, k, d) => (known(v) && (!known(d[k - 1]) && !known(d[k + 1]) || live && k === state.last && name !== "asked") ? [k] : [])); // alone, or newest
    const u = new uPlot({
      width: plot.clientWidth, height: plot.clientHeight, padding: [22, 14, 0, 0], legend: { show: false },
      cursor: { y: false, drag: { x: true, setScale: false }, sync: { key: "run", filters: { pub: (type) => /move|leave/.test(type) } }, points: { size: 7 } },
      scales: { x: { time: false, range: () => [state.from, state.to ?? state.end] },
        y: { range: (_, min, max) => [0, nice(Math.max((max ?? 0) * 1.04, ...goals.map((g) => g.value * 1.08).filter((v) => max === null || v < 4 * Math.max(max, kind.least)), kind.least))] } },
      axes: [
        { ...axis, size: 22, gap: 5, grid: { show: false }, values: (_, at) => at.map(number.clock),
          splits: (u) => { const span = (state.to ?? state.end) - state.from, every = steps.find((s) => span / s * 58 < u.width - 66) ?? 14400, first = Math.ceil(state.from / every); return Array.from({ length: Math.floor((state.from + span) / every) - first + 1 }, (_, i) => (first + i) * every); } },
        { ...axis, size: 52, grid: { stroke: () => ink("--c-grid"), width: 1 }, values: (_, at) => at.map(kind.tick),
          splits: (u, _, min, max) => Array.from({ length: parts(max) + 1 }, (_, i) => max * i / parts(max)) },
      ],
      series: [{}, ...kind.lines.map(([name, width, dash]) => ({ stroke: () => ink(COLOURS[name]), width, dash, points: { show: false, size: 6, width: 1.75, fill: () => ink("--surface"), filter: dots(name) },
        fill: kind.area ? () => shade(`color-mix(in srgb, var(${COLOURS[name]}) 12%, transparent)`) : undefined }))],
      hooks: { drawClear: [bands], draw: [(u) => targets(u, kind, goals)], setCursor: [(u) => { state.at = u.cursor.idx ?? null; show(chart); }],
        setSelect: [(u) => { const { left, width } = u.select; u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false); if (width > 8) zoom(u.posToVal(left, "x"), u.posToVal(left + width, "x")); }] },
    }, [[0], ...kind.lines.map(() => [null])], plot);
    const chart = { figure, plot, kind, u };
    Object.entries({ tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": state.length }).forEach(([k, v]) => plot.setAttribute(k, v));
    plot.addEventListener("keydown", keys);
    u.over.addEventListener("dblclick", () => zoom(0, null));
    new ResizeObserver(() => u.setSize({ width: plot.clientWidth, height: plot.clientHeight })).observe(plot);
    state.charts.push(chart);
  }

  function show({ figure, plot, kind }) {
    const t = state.at ?? state.last, words = [];
    for (const out of all("[data-out]", figure)) {
      const text = kind.format(state.columns[out.dataset.out]?.[t]);
      out.textContent = text; words.push(`${out.dataset.name} ${text}`);
    }
    plot.setAttribute("aria-valuenow", Math.max(t, 0)); plot.setAttribute("aria-valuetext", `${number.clock(Math.max(t, 0))}, ${words.join(", ")}`);
    readout.querySelector("[data-at]").textContent = state.at === null ? readout.dataset.latest : number.clock(state.at);
    readout.querySelector("[data-stage]").textContent = t < 0 ? "" : plan.bands.find((band) => t + .5 < band.end)?.name ?? "";
  }
  function zoom(from, to) {
    if (to !== null && to - from < 2) return;
    state.from = Math.max(0, from); state.to = to === null ? null : Math.min(to, state.end);
    readout.querySelector("[data-reset]").hidden = state.to === null;
    draw();
  }
  function keys(e) {
    const move = { ArrowLeft: -5, ArrowRight: 5, PageDown: -60, PageUp: 60, Home: -Infinity, End: Infinity }[e.key], top = Math.min(state.to ?? state.last + 1, state.last + 1) - 1;
    if (e.key === "Escape") return aim(null);
    if (!move || state.last < 0) return;
    e.preventDefault();
    aim(Math.round(Math.max(state.from, Math.min(top, (state.at ?? state.last) + move))));
  }
  const aim = (t) => state.charts.forEach(({ u }) => u.setCursor(t === null ? { left: -10, top: -10 } : { left: u.valToPos(t + .5, "x"), top: 10 }, true, false));

  function draw() {
    grow(state.last + 1);
    for (const chart of state.charts) {
      const { u, kind } = chart;
      u.batch(() => { u.setData([state.columns.t, ...kind.lines.map(([name]) => filled(name))], false); u.setScale("x", { min: state.from, max: state.to ?? state.end }); });
      show(chart);
    }
    all("[data-spark]", page).forEach(spark);
  }
  function spark(el) {
    const data = state.scenarios[el.dataset.spark] ?? [], w = 96, h = 22, goal = +el.dataset.target || 0, max = Math.max(...data.map((v) => v ?? 0), goal) * 1.1 || 1;
    const y = (v) => (h - 2 - v / max * (h - 4)).toFixed(1), x = (i) => ((i + .5) / Math.max(state.length, 1) * w).toFixed(1);
    el.querySelector(".line").setAttribute("d", data.map((v, i) => ((v ?? null) === null ? "" : `${(data[i - 1] ?? null) === null ? "M" : "L"}${x(i)} ${y(v)}`)).join(""));
    if (goal) el.querySelector(".goal").setAttribute("d", `M0 ${y(goal)}H${w}`);
  }

  MV.charts = {
    async load() {
      const answer = await fetch(page.dataset.timeseries, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const series = await answer.json();
      const seconds = live ? series.t : series.t.slice(0, Math.max(1, series.whole_seconds)); // a last second that was cut short shows no rate
      seconds.forEach((t, i) => write(t, Object.fromEntries(Object.keys(COLOURS).map((name) => [name, series[name]?.[i]]))));
      for (const { tag, p95 } of series.scenarios) seconds.forEach((t, i) => { (state.scenarios[tag] ??= [])[t] = p95[i]; });
      draw();
    },
    put(message) {
      write(message.t, message);
      for (const { tag, p95 } of message.scenarios) (state.scenarios[tag] ??= [])[message.t] = p95;
      draw();
    },
  };
  const repaint = () => { shades = {}; state.charts.forEach(({ u }) => u.redraw()); };
  new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  readout.querySelector("[data-reset]").addEventListener("click", () => zoom(0, null));
  grow(0); all("[data-chart]").forEach(make); draw(); MV.charts.load();
})();
