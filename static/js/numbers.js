/* How numbers read: the rules of history/templatetags/numbers.py (a test compares both). */
window.MV = window.MV || {};
MV.number = (() => {
  const lang = document.documentElement.lang || "en", gap = "\u00a0", none = "–", makers = {}; // to make a format costs a hundred times its use
  const fixed = (v, n) => (makers[n] ??= new Intl.NumberFormat(lang, { minimumFractionDigits: n, maximumFractionDigits: n })).format(v);
  const known = (format) => (v) => (v === null || v === undefined || Number.isNaN(v) ? none : format(v));
  const two = (v) => String(v).padStart(2, "0");
  const rate = (v) => fixed(v, v > 0 && v < .995 ? 2 : v < 999.95 ? 1 : 0);
  const whole = (v) => fixed(v, 0);
  const ms = (v) => (v >= 999.5 ? `${fixed(v / 1000, v < 9995 ? 2 : v < 99950 ? 1 : 0)}${gap}s`
    : `${fixed(v, v > 0 && v < .995 ? 2 : v > 0 && v < 9.95 ? 1 : 0)}${gap}ms`);
  const percent = (v) => (v > 0 && v < .005 ? `<${gap}${fixed(.01, 2)}${gap}%` : `${fixed(v, v === 100 ? 0 : 2)}${gap}%`);
  const clock = (v) => {
    const t = Math.trunc(v), h = Math.trunc(t / 3600), m = Math.trunc(t / 60) % 60;
    return h ? `${h}:${two(m)}:${two(t % 60)}` : `${two(m)}:${two(t % 60)}`;
  };
  const size = (v) => {
    const at = [1, 1e3, 1e6, 1e9, 1e12].findLastIndex((unit, i) => i === 0 || v / unit >= .9995), shown = v / 1000 ** at;
    return `${fixed(shown, at === 0 ? 0 : shown < 9.995 ? 2 : shown < 99.95 ? 1 : 0)}${gap}${["B", "kB", "MB", "GB", "TB"][at]}`;
  };
  const plain = (v) => v.toLocaleString(lang, { maximumFractionDigits: 2 });
  const formats = { ms, rate, tps: (v) => `${rate(v)}${gap}req/s`, percent, count: whole, clock, plain, size,
    seconds: (v) => `${plain(v)}${gap}s`, limit: (v) => `${plain(v)}${gap}%` };
  return Object.fromEntries(Object.entries(formats).map(([name, format]) => [name, known(format)]));
})();
