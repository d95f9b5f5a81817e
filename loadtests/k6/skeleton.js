import http from "k6/http";
import encoding from "k6/encoding";
import exec from "k6/execution";
import { sleep } from "k6";
import { SharedArray } from "k6/data";
import { Counter, Gauge, Rate } from "k6/metrics";

/* Written by Metric Vault. Everything that differs between load tests is data, in PLAN. */
/*PLAN*/

/* One of several load generators takes its part of every scenario. */
const at = Number(__ENV.GENERATOR), of = PLAN.generators;
const edge = (part) => (part === 0 ? "0" : part === of ? "1" : `${part}/${of}`);
const part = of > 1 ? {
  executionSegment: `${edge(at)}:${edge(at + 1)}`,
  executionSegmentSequence: Array.from({ length: of + 1 }, (_nothing, number) => edge(number)).join(","),
} : {};

/* Names whose addresses were judged are not looked up once more: what is loaded is what was allowed. */
const hosts = (PLAN.pinned || []).map(([name, found]) => [name, found[(at || 0) % found.length]]);

export const options = {
  ...part,
  ...PLAN.http,
  ...(PLAN.follow ? { maxRedirects: 0 } : {}),
  ...(hosts.length ? { hosts: Object.fromEntries(hosts) } : {}),
  discardResponseBodies: true,
  /* Where clouds tell any program on a machine their keys: no address, no name and no redirect leads there, not by way of
     a gateway from IPv6 either. */
  blacklistIPs: [
    "169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::/32", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32",
    "64:ff9b::a9fe:0/112", "64:ff9b::6464:64c8/128", "64:ff9b::c000:c0/128", "64:ff9b::a83f:8110/128",
    "2002:a9fe::/32", "2002:6464:64c8::/48", "2002:c000:c0::/48", "2002:a83f:8110::/48",
    "::a9fe:0/112", "::6464:64c8/128", "::c000:c0/128", "::a83f:8110/128",
  ],
  /* Replaces k6's list. Without `url` and `error`: addresses and port numbers there would flood every store. */
  systemTags: ["status", "method", "name", "scenario", "expected_response", "error_code"],
  summaryTrendStats: ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)", "count"],
  tags: PLAN.run ? { run: PLAN.run } : {},
  scenarios: PLAN.scenarios,
  thresholds: PLAN.thresholds,
};

const started = new Gauge("mv_started");
const failed = new Counter("mv_failed");
const checked = new Counter("mv_checks");
const errors = new Rate("mv_errors");
const noRow = new Counter("mv_no_row");

const NOTHING = new Map(), NO_ROWS = [];
const NO_LOAD = { load: "0", scenario_tag: "", name: "" };
const tables = (PLAN.tables || []).map(({ name, mode, file }) => ({
  mode, rows: new SharedArray(name, () => JSON.parse(open(`./${file}`))),
}));
const tokens = new Map((PLAN.tokens || []).map((plan) => [plan.key, { plan, text: "", until: 0 }]));

/* ---- Texts: a string, or a list of strings and of parts that are filled in. A value is a string, or, where JSON said
   what it is, { text, json }. ---- */

const HALVES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const XML = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };
const percent = (text) => encodeURIComponent(text.replace(HALVES, "?"))
  .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
const encoders = {
  raw: (text) => text,
  url: percent,
  form: (text) => percent(text).replace(/%20/g, "+"),
  json: (text) => JSON.stringify(text).slice(1, -1),
  value: (text) => (isJson(text) ? text : JSON.stringify(text)),
  xml: (text) => text.replace(/[&<>"']/g, (sign) => XML[sign]),
  header: (text) => text.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, " "),
};

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch (_none) {
    return false;
  }
}

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const hex = (sign) => Math.floor(Math.random() * 16).toString(16);
const makers = {
  uuid: () => `${"xxxxxxxx-xxxx-4xxx-".replace(/x/g, hex)}${pick("89ab")}${"xxx-xxxxxxxxxxxx".replace(/x/g, hex)}`,
  int: (low, high) => String(low + Math.floor(Math.random() * (high - low + 1))),
  float: (low, high, digits) => (low + Math.random() * (high - low)).toFixed(digits),
  timestamp: () => String(Date.now()),
  isodate: () => new Date().toISOString(),
  email: () => `user-${"xxxxxxxxxxxx".replace(/x/g, hex)}@example.com`,
  choice: (...values) => pick(values),
};

const said = new Set();
function sayOnce(text) {
  if (!said.has(text)) console.warn(text);
  said.add(text);
}

function secret(name) {
  if (__ENV[name] === undefined) sayOnce(`${name} is not in k6's environment; requests are sent without it.`);
  return __ENV[name] || "";
}

/* What a part's value is, by its kind. */
const sources = {
  take: ({ take }) => (given) => given.values.get(take) || "",
  table: ({ table, column }) => (given) => (given.rows[table] || [])[column] || "",
  make: ({ make, args }) => () => makers[make](...args),
  secret: (part) => () => secret(part.secret),
  token: (part) => () => token(part.token),
};
const kindOf = (part) => Object.keys(sources).find((kind) => part[kind] !== undefined);

/* A part as a function that makes its text, encoded. */
function filler(part) {
  if (typeof part === "string") return part;
  const source = sources[kindOf(part)](part), how = part.how || "raw", encoder = encoders[how];
  return (given) => {
    const value = source(given);
    if (typeof value === "string") return encoder(value);
    return how === "value" ? value.json : encoder(value.text);
  };
}

const isPlain = (text) => text === null || typeof text === "string";
const has = (text, kind) => !isPlain(text) && text.some((part) => part[kind] !== undefined);
const ready = (text) => (isPlain(text) ? text : text.map(filler));

function fill(text, given) {
  if (text === null || typeof text === "string") return text;
  let found = "";
  for (let at = 0; at < text.length; at += 1) found += typeof text[at] === "string" ? text[at] : text[at](given);
  return found;
}

/* ---- Access tokens: of the product, once for all users; without it each user asks for one. ---- */

const AGAIN = 10, MARGIN = 30;

function token(key) {
  const kept = tokens.get(key);
  if (Date.now() < kept.until) return kept.text;
  const found = fetchToken(kept.plan);
  kept.text = found.text;
  kept.until = Date.now() + found.seconds * 1000;
  if (!found.text) sayOnce(`There is no access token (${key}): ${found.problem}. Requests are sent without it.`);
  return kept.text;
}

function fetchToken(plan) {
  const params = { tags: NO_LOAD, responseType: "text", jar: new http.CookieJar(), headers: { Accept: "application/json" } };
  const address = __ENV.MV_TOKEN_URL;
  try {
    const answer = address ? brokered(`${address}/${percent(plan.key)}`, params) : granted(plan, params);
    const read = answer.status >= 200 && answer.status < 300 ? JSON.parse(answer.body) : {};
    if (typeof read.access_token !== "string" || !read.access_token) {
      return { text: "", seconds: AGAIN, problem: answer.error || told(address, answer) || `the answer was ${answer.status}` };
    }
    const seconds = read.expires_in === undefined || read.expires_in === null ? Infinity : Number(read.expires_in);
    /* The product has taken off its own margin. */
    const margin = address ? 0 : Math.min(MARGIN, seconds / 4);
    return { text: read.access_token, seconds: seconds === Infinity ? seconds : Math.max(0.1, seconds - margin) || 1 };
  } catch (problem) {
    return { text: "", seconds: AGAIN, problem: hide(String(problem)) };
  }
}

/* The product's own sentence, which holds no secret. */
function told(address, answer) {
  return address && typeof answer.body === "string" && isJson(answer.body) ? JSON.parse(answer.body).error : "";
}

function brokered(address, params) {
  return http.get(address, { ...params, headers: { ...params.headers, Authorization: `Bearer ${__ENV.MV_TOKEN_BEARER}` } });
}

function granted(plan, params) {
  const of_plan = (name) => fill(ready(plan[name]), { values: NOTHING, rows: NO_ROWS });
  const id = of_plan("client_id"), key = of_plan("client_secret");
  const form = { grant_type: plan.grant };
  if (plan.scope) form.scope = plan.scope;
  if (plan.grant === "password") Object.assign(form, { username: of_plan("username"), password: of_plan("password") });
  if (plan.in_body || !key) Object.assign(form, { client_id: id }, key ? { client_secret: key } : {});
  else if (id) params.headers.Authorization = `Basic ${encoding.b64encode(`${encoders.form(id)}:${encoders.form(key)}`)}`;
  return http.post(plan.url, form, params);
}

/* A text without secrets, for the log; those of less than `shortest` characters, which stand in half of all words, too
   where nothing but a sentence could suffer. */
function hide(text, shortest = 1) {
  const secrets = [...tokens.values()].map((one) => one.text);
  for (const name of Object.keys(__ENV)) if (/^MV_/.test(name) && name !== "MV_TOKEN_URL") secrets.push(__ENV[name]);
  for (const secret of secrets) {
    if (!secret || secret.length < shortest) continue;
    const { raw, url, form, json, xml } = encoders;
    for (const encode of [raw, url, form, json, xml]) text = text.split(encode(secret)).join("••••••");
  }
  return text;
}

/* ---- Answers. ---- */

/* Whole numbers of 16 digits and more, identifiers mostly, are kept to the digit: as text behind a mark. */
const LONG = /\d{16}/, TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const marked = (found) => (/^-?\d{16,}$/.test(found) ? `"\\u0000${found}"` : found);
const jsonOf = (value) => JSON.stringify(value).replace(/"\\u0000(-?\d+)"/g, "$1");
const textOf = (value) => (typeof value === "string" ? value.replace(/^\0(?=-?\d+$)/, "") : jsonOf(value));

class Seen {
  constructor(answer) {
    this.answer = answer;
    this.text = typeof answer.body === "string" ? answer.body : "";
  }

  /* All values at a path, "*" being each one of a list. */
  at(path) {
    if (this.read === undefined) {
      try {
        this.read = [JSON.parse(LONG.test(this.text) ? this.text.replace(TOKENS, marked) : this.text)];
      } catch (_none) {
        this.read = [];
      }
    }
    return path.reduce((values, step) => values.flatMap((value) => within(value, step)), this.read);
  }

  header(name) {
    const wanted = name.toLowerCase();
    const found = Object.keys(this.answer.headers).find((one) => one.toLowerCase() === wanted);
    return found === undefined ? undefined : this.answer.headers[found];
  }

  cookie(name) {
    const own = (this.answer.cookies || {})[name];
    if (own && own.length) return own[0].value;
    return this.answer.url ? (http.cookieJar().cookiesForURL(this.answer.url)[name] || [])[0] : undefined;
  }

  get size() {
    const body = this.answer.body;
    return typeof body === "string" ? percent(body).replace(/%../g, "x").length : body ? body.byteLength : 0;
  }
}

function within(value, step) {
  if (value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) {
    if (step === "*") return value;
    const at = typeof step === "number" && step < 0 ? value.length + step : step;
    return typeof at === "number" && at >= 0 && at < value.length ? [value[at]] : [];
  }
  return Object.prototype.hasOwnProperty.call(value, step) ? [value[step]] : [];
}

/* A check with its value filled in; as JSON, two texts of the same value are the same. */
function wanted(check, value) {
  return { ...check, value, same: isJson(value) ? JSON.stringify(JSON.parse(value)) : undefined };
}

/* Each answers [whether it holds, what was there]. */
const checkers = {
  contains: (check, seen) => [seen.text.includes(check.value), null],
  json: (check, seen) => {
    const found = seen.at(check.path);
    return [found.some((one) => textOf(one) === check.value || jsonOf(one) === check.same), found.length ? textOf(found[0]) : null];
  },
  header: (check, seen) => {
    const found = seen.header(check.target);
    return [found !== undefined && found.includes(check.value), found === undefined ? null : found];
  },
  size: (check, seen) => [seen.size <= Number(check.value), seen.size],
  time: (check, seen) => [seen.answer.timings.duration <= Number(check.value), seen.answer.timings.duration],
};
const extractors = {
  json: (extract, seen) => {
    const found = seen.at(extract.path).filter((one) => one !== null);
    const one = found.length ? pick(found) : undefined;
    return one === undefined ? undefined : { text: textOf(one), json: jsonOf(one) };
  },
  header: (extract, seen) => seen.header(extract.expression),
  cookie: (extract, seen) => seen.cookie(extract.expression),
  regex: (extract, seen) => {
    const found = extract.pattern && extract.pattern.exec(seen.text);
    return found ? (found[1] === undefined ? found[0] : found[1]) : undefined;
  },
};

function pattern(expression) {
  try {
    return new RegExp(expression);
  } catch (_none) {
    return null;
  }
}

/* ---- Steps. ---- */

/* No user knows what others have told of: where there are many of them, a few by chance tell for all. */
const LINES = 200, LEAST = 12, FIRST = 8;
const usersOf = ({ vus, startVUs, stages, preAllocatedVUs, maxVUs }) => Math.max(1, Math.ceil((
  maxVUs || preAllocatedVUs || Math.max(vus || 0, startVUs || 0, ...(stages || []).map((stage) => stage.target))
) / (of || 1)));
const PLACES = PLAN.journeys.reduce((sum, one) => sum + usersOf(PLAN.scenarios[one.tag]) * one.steps.length, 0);

/* k6 asks of every answer on the way whether its status was expected: a redirect that it follows is none to fail for. */
const FOLLOW = PLAN.follow;
const HOPS = !FOLLOW && PLAN.http && PLAN.http.maxRedirects === 0 ? [] : [301, 302, 303, 307, 308];

function prepared(step, number, journey) {
  const checks = (step.checks || []).map((check, place) => ({
    ...(isPlain(check.value) ? wanted(check, check.value) : { ...check, value: ready(check.value) }),
    still: isPlain(check.value),
    key: `c${place + 1}`,
  }));
  const extracts = (step.extracts || []).map((extract, place) => ({
    ...extract,
    key: `x${place + 1}`,
    pattern: extract.kind === "regex" ? pattern(extract.expression) : null,
  }));
  const looked = [...checks, ...extracts].map((one) => one.kind);
  const users = usersOf(PLAN.scenarios[journey.tag]);
  const params = { headers: Object.fromEntries(step.headers) };
  if (step.tags) params.tags = step.tags;
  if (PLAN.timeout) params.timeout = PLAN.timeout;
  if (step.statuses) params.responseCallback = http.expectedStatuses(...step.statuses.map(([min, max]) => ({ min, max })), ...HOPS);
  if (PLAN.trying || looked.some((kind) => ["contains", "json", "regex"].includes(kind))) params.responseType = "text";
  else if (looked.includes("size")) params.responseType = "binary";
  /* k6 would log the whole address. */
  if (has(step.url, "secret") || has(step.url, "token")) params.throw = true;
  const still = PLAN.cookies !== false && step.headers.every(([, text]) => isPlain(text));
  const statuses = step.statuses || [[200, 399]];
  const tags = step.tags || {};
  const results = Object.fromEntries([...checks, ...extracts].map(({ key }) => [key, ["false", "true"].map((ok) => (
    { ...(step.tags ? { step: step.tags.step } : {}), check: key, ok }
  ))]));
  return {
    ...step,
    url: ready(step.url),
    body: ready(step.body),
    headers: step.headers.map(([name, text]) => ({
      name, text: ready(text), tokens: has(text, "token") ? text.filter((part) => part.token !== undefined) : [],
    })),
    looked: Boolean(checks.length || extracts.length || journey.errors || PLAN.trying),
    /* Whether k6's error code is 0 for all answers that are expected, and for no others. */
    usual: !step.statuses,
    failures: new Map(),
    chance: Math.min(1, Math.max(LEAST / users, LINES / PLACES)),
    reading: 0,
    number, params, still, checks, extracts, statuses, tags, results,
  };
}

const journeys = Object.fromEntries(PLAN.journeys.map((journey) => {
  const steps = journey.steps.map((step, at) => prepared(step, at + 1, journey));
  const [first] = steps;
  /* One request that is the same each time and at which nobody looks costs no more than it would by itself. */
  const plain = steps.length === 1 && first.still && isPlain(first.url) && isPlain(first.body)
    && !first.once && !first.looked;
  return [journey.tag, {
    ...journey,
    steps,
    plain,
    bare: plain,
    method: first.method,
    url: first.url,
    body: first.body,
    params: first.params,
    usual: first.usual,
    fresh: true,
    takes: steps.some((step) => step.extracts.length > 0),
    due: steps,
    later: steps.filter((step) => !step.once),
    kept: new Map(),
  }];
}));

function paramsOf(step, given) {
  if (step.still) return step.params;
  const pairs = [];
  for (const { name, text, tokens: needed } of step.headers) {
    if (needed.every((part) => token(part.token))) pairs.push([name, fill(text, given)]);
  }
  const params = { ...step.params, headers: Object.fromEntries(pairs) };
  if (PLAN.cookies === false) params.jar = new http.CookieJar();
  return params;
}

/* k6's numbers of errors (its documentation, "Error codes"): what it throws does not tell them. */
const CODES = [
  [/connection refused/, 1212], [/no such host/, 1101], [/blacklisted range/, 1110], [/dial.*timeout/, 1211],
  [/request timeout/, 1050], [/reset by peer/, 1220], [/unknown authority/, 1310], [/x509/, 1311],
];

function nothing(problem) {
  const error = hide(String(problem));
  if (!error.includes("context canceled")) console.warn(`Request failed: ${error}`);
  const [, code] = CODES.find(([sign]) => sign.test(error)) || ["", 1000];
  return { status: 0, error, error_code: code, headers: {}, cookies: {}, body: null, timings: { duration: 0 } };
}

/* Whether the answer is one that the step expects. */
function isExpected(step, { status, error_code: code }) {
  if (code && (code < 1400 || code >= 1600)) return false;
  for (const [low, high] of step.statuses) if (low <= status && status <= high) return true;
  return false;
}

function judge(journey, step, given, answer, sent) {
  const seen = new Seen(answer), results = [], bad = [];
  let good = true;
  const note = (one, ok, more) => {
    checked.add(1, step.results[one.key][ok ? 1 : 0]);
    good = good && ok;
    if (!ok) bad.push(one.key);
    if (PLAN.trying) results.push({ key: one.key, ok, ...more });
  };
  for (const check of step.checks) {
    const [ok, found] = checkers[check.kind](check.still ? check : wanted(check, fill(check.value, given)), seen);
    note(check, ok, { found: typeof found === "string" ? found.slice(0, 200) : found });
  }
  for (const extract of step.extracts) {
    const value = extractors[extract.kind](extract, seen), ok = value !== undefined;
    given.values.set(extract.name, ok ? value : "");
    if (step.once) journey.kept.set(extract.name, ok ? value : "");
    note(extract, ok, { name: extract.name, value: ok ? (typeof value === "string" ? value : value.text) : null });
  }
  const expected = isExpected(step, answer);
  if (journey.errors) errors.add(!(expected && good));
  const counted = !expected && !(HOPS.includes(answer.status) && !answer.error_code); /* by k6 */
  if (!counted && !(expected && good)) failed.add(1, step.tags);
  if (TELLS && !(expected && good)) notice(journey, step, { answer, sent, expected, bad });
  if (PLAN.trying) tell(journey, step, { answer, seen, results, expected, sent });
}

/* The same of an answer at which nobody has to look, unless it failed. */
function glance(journey, step, answer, sent) {
  if (!isExpected(step, answer)) notice(journey, step, { answer, sent, expected: false, bad: [] });
}

/* ---- Trying: a line for each request. ---- */

const STEP = "METRICVAULT-STEP ";
/* Characters of a body: of many steps less each, for all of them together are read as one output. */
const MOST_SHOWN = Math.max(1024, Math.min(65536, Math.floor(2e6 / PLAN.journeys.reduce((sum, one) => sum + one.steps.length, 1))));

const withoutSecrets = (shown) => JSON.parse(JSON.stringify(shown, (_key, value) => (
  typeof value === "string" ? hide(value, 6) : value
)));

function tell(journey, step, { answer, seen, results, expected, sent }) {
  const { request, body } = answer, cookies = Object.entries(answer.cookies || {});
  const shown = withoutSecrets({
    request: { method: step.method, url: sent.url, headers: request ? request.headers : sent.params.headers, body: sent.body },
    response: answer.status ? {
      status: answer.status,
      status_text: answer.status_text,
      proto: answer.proto,
      headers: answer.headers,
      cookies: Object.fromEntries(cookies.map(([name, values]) => [name, values.length ? values[0].value : ""])),
      body: typeof body === "string" ? body.slice(0, MOST_SHOWN) : null,
      size: seen.size,
      timings: answer.timings,
    } : null,
    error: answer.error || "",
    found: results.map((one) => (one.name === undefined ? one.found : one.value)),
  });
  const told = results.map(({ key, ok, name }, at) => ({ key, ok, name, seen: shown.found[at] }));
  console.log(STEP + JSON.stringify({
    scenario: journey.tag,
    step: step.number,
    request: shown.request,
    response: shown.response,
    error: shown.error,
    error_code: answer.error_code || 0,
    expected,
    checks: told.filter((one) => one.name === undefined).map(({ key, ok, seen: found }) => ({ key, ok, found })),
    extracts: told.filter((one) => one.name !== undefined).map(({ key, name, seen: value }) => ({ key, name, value })),
  }));
}

/* ---- Failed requests: some of the first of each step and kind, as they were sent and answered. ---- */

const FAILED = "METRICVAULT-FAILED ", TELLS = Boolean(PLAN.run) && !PLAN.trying;
const SHARE = Math.min(1, 20 / PLAN.journeys.reduce((sum, one) => sum + one.steps.length, 0));
const MOST_SENT = Math.max(512, Math.floor(2048 * SHARE)), MOST_GOT = Math.max(512, Math.floor(4096 * SHARE));
const MOST_HEADERS = 40, MOST_VALUE = 500, LONGEST_SECRET = 4096;
const READS = 200; /* requests of which the body is read, while one that fails with it is waited for */
const CREDENTIAL = /^(proxy-)?authorization$|^(set-)?cookie2?$|(^|-)(api-?key|token|secret)$/i;
const SCHEME = /^((?:basic|bearer|digest|token|apikey) +)?[^]*$/i;

/* What may end with half a secret, which would not be known for one, is cut off after the rest is hidden. */
function cut(value, most) {
  const text = String(value), enough = most + 2 * LONGEST_SECRET;
  if (text.length <= enough) return hide(text, 6).slice(0, most);
  return hide(text.slice(0, enough), 6).slice(0, -LONGEST_SECRET).slice(0, most);
}

const isPower = (count) => count === 1 || count === 10 || count === 100 || count === 1000;

/* The first of its kind that a user sees is told at once; without a body that was not read, of which the next is. */
function notice(journey, step, { answer, sent, expected, bad }) {
  const { status, body } = answer;
  const kind = expected ? "check" : status ? String(status) : `0:${answer.error_code || 1000}`;
  let seen = step.failures.get(kind);
  if (seen === undefined) step.failures.set(kind, seen = { count: 0, told: false, waits: false });
  seen.count += 1;
  const whole = !status || (body !== null && body !== undefined);
  if (seen.told ? !(seen.waits && whole) : !(isPower(seen.count) && isChosen(step))) return;
  seen.told = true;
  seen.waits = !whole;
  if (seen.waits) read(journey, step);
  describe(journey, step, { answer, sent, kind, bad });
}

const isChosen = (step) => exec.vu.idInInstance <= FIRST || Math.random() < step.chance;

/* From now on the bodies of a step's answers are read, for some requests; those of a plain journey on the longer way. */
function read(journey, step) {
  if (step.params.responseType !== undefined && !step.reading) return;
  step.reading = READS;
  step.params.responseType = "text";
  journey.plain = false;
}

function readLess(journey, step) {
  step.reading -= 1;
  if (step.reading && [...step.failures.values()].some((seen) => seen.waits)) return;
  step.reading = 0;
  delete step.params.responseType;
  journey.plain = journey.bare;
}

function describe(journey, step, { answer, sent, kind, bad }) {
  const { request, body } = answer;
  const text = JSON.stringify({
    scenario: journey.tag,
    step: step.number,
    kind,
    t: Math.max(0, Date.now() - journey.began + (journey.start || 0)) / 1000,
    request: {
      method: step.method,
      url: cut(sent.url, MOST_SENT),
      headers: headersOf(request && request.headers ? request.headers : sent.params.headers),
      body: sent.body === null || sent.body === undefined ? null : cut(sent.body, MOST_SENT),
    },
    response: answer.status ? {
      status: answer.status,
      status_text: cut(answer.status_text || "", 200),
      headers: headersOf(answer.headers),
      body: typeof body === "string" ? cut(body, MOST_GOT) : null,
      duration: answer.timings.duration,
    } : null,
    error: cut(answer.error || "", MOST_VALUE),
    checks: bad,
  });
  /* k6 quotes it once more for its log: in ASCII there is only one way to. No mark stands in it, whatever was answered. */
  console.log(FAILED + text.replace(/METRICVAULT-/g, "METRICVAULT\\u002d")
    .replace(/[\x7f-\uffff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`));
}

function headersOf(headers) {
  return Object.entries(headers || {}).slice(0, MOST_HEADERS).map(([name, values]) => {
    const value = cut([].concat(values).join(", "), MOST_VALUE);
    return [cut(name, 100), CREDENTIAL.test(name) && value ? value.replace(SCHEME, "$1••••••") : value];
  });
}

/* ---- Iterations. ---- */

/* The row of each table for this iteration; null where rows that may come only once are used up. */
function rowsOf(journey) {
  if (!journey.rows) return NO_ROWS;
  const rows = [];
  for (const use of journey.rows) {
    const table = tables[use.table], count = table.rows.length;
    let at;
    if (table.mode === "random") at = Math.floor(Math.random() * count);
    else if (table.mode === "user") at = (exec.vu.idInTest - 1) % count;
    else if (table.mode === "unique") at = exec.scenario.iterationInTest * use.of + use.at;
    else at = exec.scenario.iterationInTest % count;
    if (table.mode === "unique" && at >= count) return null;
    rows[use.table] = table.rows[at];
  }
  return rows;
}

/* ---- Redirects. Where not every host may be loaded, k6 follows none, and the script those that lead to hosts that may:
   as k6 does, with the same parameters, without the login of another host. ---- */

const AUTHORITY = /^(https?:)\/\/(?:[^@\/?#\\\s]*@)?([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(?![^\/?#])/i;
const LOGIN = /^(authorization|www-authenticate|cookie2?)$/i;

/* Scheme, host and port of an address; null where one could read another host out of it. */
function placeOf(url) {
  const found = AUTHORITY.exec(url);
  if (!found) return null;
  const scheme = found[1].toLowerCase(), host = found[2].toLowerCase();
  return { scheme, host, port: found[3] || (scheme === "https:" ? "443" : "80") };
}

const mayFollow = ({ host, port }) => FOLLOW.hosts.some((rule) => {
  const [, name, only] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(rule);
  return (only === undefined || only === port) && (name === "*" || (name[0] === "." ? host.endsWith(name) : host === name));
});

/* Where a Location leads, read at `url`. */
function joined(url, location) {
  const origin = /^https?:\/\/[^\/?#]*/i.exec(url)[0], path = url.slice(origin.length).split(/[?#]/)[0] || "/";
  if (/^[a-z][a-z0-9+.-]*:/i.test(location)) return location;
  if (location.startsWith("//")) return url.slice(0, url.indexOf(":") + 1) + location;
  if (/^[?#]|^$/.test(location)) return origin + path + location;
  const [to, rest] = /^([^?#]*)([^]*)$/.exec(location[0] === "/" ? location : path.replace(/[^\/]*$/, "") + location).slice(1);
  const parts = [];
  for (const part of to.split("/").slice(1)) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return `${origin}/${parts.join("/")}${/\/\.\.?$/.test(to) ? "/" : ""}${rest}`;
}

function followed(answer, method, url, body, params) {
  for (let left = FOLLOW.most; left > 0 && HOPS.includes(answer.status) && answer.headers.Location; left -= 1) {
    const to = joined(url, answer.headers.Location), place = placeOf(to);
    if (!place || !mayFollow(place)) {
      if (exec.vu.idInInstance <= FIRST) sayOnce(`A redirect to ${place ? place.host : "another address"} is not followed: that host is not allowed in this project.`);
      break;
    }
    const before = placeOf(url);
    if (!before || (place.host !== before.host && !place.host.endsWith(`.${before.host}`))) {
      const kept = Object.entries(params.headers || {}).filter(([name]) => !LOGIN.test(name));
      params = { ...params, headers: Object.fromEntries(kept) };
    }
    if (answer.status < 307) {
      if (method !== "HEAD") method = "GET";
      body = null;
    }
    url = to;
    answer = request(method, url, body, params);
  }
  return answer;
}

function request(method, url, body, params) {
  try {
    return http.request(method, url, body, params);
  } catch (problem) {
    return nothing(problem);
  }
}

function send(journey, step, given) {
  const url = fill(step.url, given), body = fill(step.body, given), params = paramsOf(step, given);
  if (journey.ends) mark(journey);
  let answer = request(step.method, url, body, params);
  if (FOLLOW && answer.status >= 300) answer = followed(answer, step.method, url, body, params);
  came(journey, step, given, answer, { url, body, params });
}

function came(journey, step, given, answer, sent) {
  if (step.looked) judge(journey, step, given, answer, sent);
  else if (TELLS && (answer.error_code || !step.usual)) glance(journey, step, answer, sent);
  if (step.reading) readLess(journey, step);
}

/* Those whose address nobody may see come after the others, each by itself: one that fails would end them all. */
function sendAll(journey, due, given) {
  const steps = due.filter((step) => !step.params.throw);
  const all = steps.map((step) => ({
    method: step.method, url: fill(step.url, given), body: fill(step.body, given), params: paramsOf(step, given),
  }));
  if (journey.ends) mark(journey);
  const answers = http.batch(all);
  steps.forEach((step, at) => {
    const { method, url, body, params } = all[at];
    came(journey, step, given, FOLLOW ? followed(answers[at], method, url, body, params) : answers[at], all[at]);
  });
  for (const step of due) if (step.params.throw) send(journey, step, given);
}

function walk(journey) {
  const rows = rowsOf(journey);
  if (rows === null) {
    noRow.add(1);
    if (PLAN.trying) console.log(STEP + JSON.stringify({ scenario: journey.tag, step: 1, error: "no_row" }));
    sleep(1);
    return;
  }
  const given = { values: journey.takes ? new Map(journey.kept) : NOTHING, rows }, steps = journey.due;
  journey.due = journey.later;
  if (journey.batch) sendAll(journey, steps, given);
  else for (const step of steps) send(journey, step, given);
  if (!steps.length) sleep(1);
}

/* The stage of this moment becomes a tag of all that the user sends from now on; after the last one that stays. */
function mark(journey) {
  const now = Date.now();
  if (now < journey.until) return;
  const ends = journey.ends, last = ends.length - 1;
  let at = 0;
  while (at < last && now >= journey.began + ends[at]) at += 1;
  journey.until = at < last ? journey.began + ends[at] : Infinity;
  exec.vu.metrics.tags.stage = String(at + 1);
}

let environment, current;

/* k6 makes a new environment, and forgets the user's tags, each time that it puts a virtual user to work: with ramps
   more than once in a scenario. */
function enter() {
  environment = __ENV;
  current = journeys[environment.SCENARIO];
  current.until = 0;
  if (!current.fresh) return;
  /* Once per virtual user: the moment the load began is the run's time origin. */
  current.fresh = false;
  current.began = exec.scenario.startTime;
  started.add(current.began - (current.start || 0));
}

export default function () {
  if (__ENV !== environment) enter();
  const journey = current;
  if (journey.plain) {
    if (journey.ends) mark(journey);
    let answer = http.request(journey.method, journey.url, journey.body, journey.params);
    if (FOLLOW && answer.status >= 300) answer = followed(answer, journey.method, journey.url, journey.body, journey.params);
    if (TELLS && (answer.error_code || !journey.usual)) glance(journey, journey.steps[0], answer, journey);
  } else walk(journey);
  if (journey.think > 0) sleep(journey.think);
}

export function handleSummary(data) {
  return { stdout: "METRICVAULT-SUMMARY " + JSON.stringify(data) + "\n" };
}
