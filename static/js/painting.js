/* What is painted on the charts beside their lines: stage bands, target lines, lowest to highest of a stretch, the
   heatmap, and a chart as a picture. Colours are the tokens of static/css. Times and values are the scales'. */
window.MV = window.MV || {};
MV.paint = (() => {
  const page = document.querySelector("[data-run]");
  if (!page) return null;
  const probe = page.appendChild(Object.assign(document.createElement("i"), { hidden: true })), shades = new Map(), { number } = MV, family = getComputedStyle(page).fontFamily;
  const shade = (colour) => { // a canvas cannot resolve var() and light-dark(); an element can
    if (!shades.has(colour)) { probe.style.color = colour; shades.set(colour, getComputedStyle(probe).color); }
    return shades.get(colour);
  };
  const ink = (name) => shade(`var(${name})`), soft = (name, share) => shade(`color-mix(in srgb, var(${name}) ${share}%, transparent)`);
  function pen(u, paint) { // paints in CSS pixels; px() turns a time or a value into one
    const { ctx, bbox } = u, dots = uPlot.pxRatio, left = bbox.left / dots, top = bbox.top / dots;
    ctx.save(); ctx.scale(dots, dots);
    Object.assign(ctx, { font: `11px ${family}`, lineWidth: 1, textAlign: "left", textBaseline: "alphabetic" });
    const box = { left, top, right: left + bbox.width / dots, bottom: top + bbox.height / dots };
    paint(ctx, box, (value, scale) => u.valToPos(value, scale, true) / dots); ctx.restore();
  }
  const rule = (ctx, dash, x0, y0, x1, y1) => { ctx.setLineDash(dash); ctx.beginPath(); ctx.moveTo(x0, y0); ctx.lineTo(x1, y1); ctx.stroke(); };
  const bands = (u, stages) => pen(u, (ctx, { left, top, right, bottom }, px) => stages.forEach((band, i) => {
    const start = px(band.start, "x"), a = Math.max(start, left), b = Math.min(px(band.end, "x"), right);
    if (b <= a) return;
    ctx.fillStyle = ink("--c-band"); ctx.strokeStyle = ink("--line-strong");
    if (i % 2 === 0) ctx.fillRect(a, top, b - a, bottom - top);
    if (start > left + .5) rule(ctx, [1, 3], a, top - 16, a, bottom);
    ctx.fillStyle = ink("--ink-3");
    if (ctx.measureText(band.name).width + 8 < b - a) ctx.fillText(band.name, a + 5, top - 6);
  }));
  const targets = (u, unit, lines) => pen(u, (ctx, { left, top, right }, px) => {
    ctx.fillStyle = ink("--ink-3"); ctx.textAlign = "right";
    if (unit) ctx.fillText(unit, left - 8, top - 12);
    lines.forEach(({ value, name }, i) => { // two targets are often close: the lowest is named below, and sides change
      const above = value > u.scales.y.max, y = above ? top + 14 : px(value, "y"), x = i % 2 ? right - 6 : left + 6;
      const under = !above && ((i === 0 && lines.length > 1) || y < top + 18);
      const words = [above ? `${name} ↑` : name, x, under ? y + 13 : y - 5];
      ctx.strokeStyle = ctx.fillStyle = ink("--c-target"); ctx.textAlign = i % 2 ? "right" : "left";
      if (!above) rule(ctx, [2, 3], left, y, right, y);
      ctx.setLineDash([]); ctx.strokeStyle = ink("--surface"); ctx.lineWidth = 4; ctx.lineJoin = "round";
      ctx.strokeText(...words); ctx.fillText(...words); ctx.lineWidth = 1;
    });
  });
  const clip = (ctx, { left, top, right, bottom }) => { ctx.beginPath(); ctx.rect(left, top, right - left, bottom - top); ctx.clip(); };
  const spread = (u, { t, step, ...columns }, name, colour) => pen(u, (ctx, box, px) => { // of the seconds in each stretch
    const low = columns[`${name}_min`], high = columns[`${name}_max`]; clip(ctx, box); ctx.fillStyle = soft(colour, 22);
    t.forEach((at, i) => {
      if (step[i] === 1 || (high[i] ?? null) === null) return;
      ctx.fillRect(px(at, "x"), px(high[i], "y"), px(at + step[i], "x") - px(at, "x"), Math.max(1, px(low[i], "y") - px(high[i], "y")));
    });
  });
  const heat = (u, { start, end, step, rows, counts }) => pen(u, (ctx, box, px) => { // one hue, logarithmic as the axis
    const most = Math.log(1 + Math.max(1, ...counts.flat()));
    clip(ctx, box);
    counts.forEach((column, i) => column.forEach((count, row) => {
      const a = px(start + i * step, "x"), b = px(Math.min(end, start + (i + 1) * step), "x"), y = px(row + 1, "y");
      ctx.fillStyle = ink(`--heat-${Math.min(5, 1 + Math.floor(5 * Math.log(count || 1) / most))}`);
      if (count) ctx.fillRect(a, y, b - a + .3, px(row, "y") - y - (rows.length < 30 ? 1 : 0));
    }));
  });
  function ticks({ rows }) { // round times between the rows, at most seven: [row, text]
    const row = (ms) => rows.findIndex(([low, high]) => low > 0 && low <= ms && ms < high), rest = (ms, [low, high]) => Math.log(ms / low) / Math.log(high / low);
    const every = [-2, -1, 0, 1, 2, 3, 4, 5].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power)).filter((ms) => row(ms) >= 0);
    const decades = every.filter((ms) => Number.isInteger(Math.log10(ms))), shown = every.length > 7 && decades.length > 1 ? decades : every;
    return shown.map((ms) => [row(ms) + rest(ms, rows[row(ms)]), ms < 1000 ? `${number.plain(ms)} ms` : `${number.plain(ms / 1000)} s`]);
  }

  function picture(figure, u) { // the chart with its title and legend, as a PNG file
    const dots = uPlot.pxRatio, head = 46, { width, height } = u.ctx.canvas, [canvas, link] = ["canvas", "a"].map((name) => document.createElement(name)), ctx = canvas.getContext("2d");
    Object.assign(canvas, { width: width + 32 * dots, height: height + (head + 12) * dots });
    ctx.fillStyle = ink("--surface"); ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.drawImage(u.ctx.canvas, 16 * dots, head * dots); ctx.scale(dots, dots);
    ctx.fillStyle = ink("--ink"); ctx.font = `600 14px ${family}`;
    ctx.fillText([figure.querySelector("h2"), document.querySelector("h1")].map((head) => head.innerText).join(" · "), 16, 22);
    ctx.font = `12px ${family}`;
    [...figure.querySelectorAll(".legend > span")].reduce((x, entry) => {
      const words = entry.innerText.trim(), key = entry.querySelector(".key");
      ctx.fillStyle = key ? shade(getComputedStyle(key).getPropertyValue("--k")) : ink("--ink-3"); ctx.fillRect(x, 36, 12, 2);
      ctx.fillStyle = ink("--ink-2"); ctx.fillText(words, x + 17, 41);
      return x + ctx.measureText(words).width + 35;
    }, 16);
    canvas.toBlob((blob) => {
      Object.assign(link, { href: URL.createObjectURL(blob), download: `run-${page.dataset.run}-${figure.dataset.chart}.png` }).click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }
  return { ink, soft, family, bands, targets, spread, heat, ticks, picture, forget: () => shades.clear() };
})();
