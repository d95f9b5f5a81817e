import http from "k6/http";
import { sleep } from "k6";
import { Counter, Gauge, Rate } from "k6/metrics";

/* Written by hand for `bench.record_steps`: what a script with steps sends, in as few lines as possible. */
const BASE = __ENV.BASE;
const of = (tag, more) => ({ exec: "default", env: { TAG: tag }, tags: { scenario_tag: tag, load: "1" }, ...more });
const named = (scenario, name) => ({ ...scenario, tags: { ...scenario.tags, name } });
const always = Object.fromEntries(["s01_journey", "s02_report", "s03_rows"].flatMap((tag) => [
  [`http_reqs{scenario_tag:${tag}}`, ["count>=0"]], [`http_req_failed{scenario_tag:${tag}}`, ["rate>=0"]],
  [`http_req_duration{scenario_tag:${tag}}`, ["max>=0"]], [`iterations{scenario_tag:${tag}}`, ["count>=0"]],
  [`mv_failed{scenario_tag:${tag}}`, ["count>=0"]], [`dropped_iterations{scenario:${tag}}`, ["count>=0"]],
]));

export const options = {
  systemTags: ["status", "method", "name", "scenario", "expected_response", "error_code"],
  summaryTrendStats: ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)", "count"],
  scenarios: {
    s01_journey: of("s01_journey", { executor: "constant-vus", vus: 3, duration: "6s" }),
    s02_report: named(of("s02_report", { executor: "constant-arrival-rate", rate: 10, duration: "6s", preAllocatedVUs: 2 }), "GET /reports/sales"),
    s03_rows: named(of("s03_rows", { executor: "constant-vus", vus: 1, duration: "5s" }), "GET /products/{product_id}/stock"),
  },
  thresholds: {
    ...always,
    "http_reqs{load:1}": ["count>=0"], "http_req_failed{load:1}": ["rate>=0"], "http_req_duration{load:1}": ["max>=0"],
  },
};

const started = new Gauge("mv_started"), failed = new Counter("mv_failed"), checks = new Counter("mv_checks");
const errors = new Rate("mv_errors"), noRow = new Counter("mv_no_row");
let fresh = true, row = 0;

function send(method, path, body, tags, found) {
  const answer = http.request(method, BASE + path, body, { tags, headers: { "Content-Type": "application/json" } });
  const results = Object.entries(found(answer));
  for (const [check, ok] of results) checks.add(1, { ...tags, check, ok: String(ok) });
  const bad = results.some(([, ok]) => !ok), seen = answer.status >= 200 && answer.status < 400;
  if (bad && seen) failed.add(1, tags);
  errors.add(bad || !seen);
  return answer;
}
const journeys = {
  s01_journey() {
    send("GET", "/products", null, { name: "GET /products", step: "1" }, (answer) => ({ c1: answer.body.includes("녹차") || __ITER % 4 > 0, c2: answer.timings.duration < 8 }));
    const order = JSON.stringify({ product_id: 7, quantity: 2, recipient: "홍길동" });
    send("POST", "/orders", order, { name: "POST /orders", step: "2" }, (answer) => ({ c1: answer.status < 300, x1: __ITER % 7 > 0 }));
    send("GET", "/orders/12", null, { name: "GET /orders/{order_id}", step: "3" }, () => ({}));
  },
  s02_report() {
    send("GET", "/reports/sales", null, {}, (answer) => ({ c1: answer.timings.duration < 450 }));
  },
  s03_rows() {
    row += 1;
    if (row > 40) { noRow.add(1); sleep(1); return; }
    send("GET", "/products/7/stock", null, {}, (answer) => ({ c1: answer.status !== 503, x1: row % 10 > 0 }));
  },
};

export default function () {
  if (fresh) {
    fresh = false;
    started.add(Date.now());
    http.get(`${BASE}/health`, { tags: { load: "0", scenario_tag: "", name: "" } });
  }
  journeys[__ENV.TAG]();
}

export function handleSummary(data) {
  return { stdout: "METRICVAULT-SUMMARY " + JSON.stringify(data) + "\n" };
}
