import http from "k6/http";
import exec from "k6/execution";
import { sleep } from "k6";
import { Gauge } from "k6/metrics";

/* Written by Metric Vault. Everything that differs between load tests is data, in PLAN. */
const PLAN = {
  "run": "7",
  "title": "Evening peak",
  "scenarios": {
    "s01_browse": {
      "executor": "constant-vus",
      "vus": 2,
      "duration": "1s",
      "tags": {
        "scenario_tag": "s01_browse",
        "name": "GET /things/{id}"
      },
      "env": {
        "SCENARIO": "s01_browse"
      }
    },
    "s02": {
      "executor": "ramping-vus",
      "startVUs": 5,
      "stages": [
        {
          "duration": "60s",
          "target": 5
        },
        {
          "duration": "0s",
          "target": 50
        },
        {
          "duration": "1500ms",
          "target": 50
        }
      ],
      "tags": {
        "scenario_tag": "s02",
        "name": "GET /things/{id}"
      },
      "env": {
        "SCENARIO": "s02"
      }
    },
    "s03_ramp": {
      "executor": "ramping-vus",
      "startVUs": 0,
      "stages": [
        {
          "duration": "120s",
          "target": 50
        },
        {
          "duration": "600s",
          "target": 50
        },
        {
          "duration": "30s",
          "target": 0
        }
      ],
      "tags": {
        "scenario_tag": "s03_ramp",
        "name": "GET /things/{id}"
      },
      "env": {
        "SCENARIO": "s03_ramp"
      }
    }
  },
  "thresholds": {
    "http_req_duration{scenario_tag:s01_browse}": [
      "p(95)<=500"
    ],
    "http_reqs{scenario_tag:s01_browse}": [
      "count>=0"
    ],
    "http_req_failed{scenario_tag:s01_browse}": [
      "rate>=0"
    ],
    "http_req_duration{scenario_tag:s02}": [
      "max>=0"
    ],
    "http_reqs{scenario_tag:s02}": [
      "count>=0"
    ],
    "http_req_failed{scenario_tag:s02}": [
      "rate<=0.00001"
    ],
    "http_req_duration{scenario_tag:s03_ramp}": [
      "max>=0"
    ],
    "http_reqs{scenario_tag:s03_ramp}": [
      "count>=0"
    ],
    "http_req_failed{scenario_tag:s03_ramp}": [
      "rate>=0"
    ]
  },
  "steps": [
    {
      "tag": "s01_browse",
      "title": "Browse",
      "method": "GET",
      "url": "http://127.0.0.1:8001/things?q=%ED%95%9C",
      "headers": [],
      "body": null,
      "think": 1.5
    },
    {
      "tag": "s02",
      "title": "느린 구매",
      "method": "POST",
      "url": "http://127.0.0.1:9/",
      "headers": [
        [
          "Content-Type",
          "application/json"
        ]
      ],
      "body": "{\"name\": \"한국어\"}",
      "think": 0.0
    },
    {
      "tag": "s03_ramp",
      "title": "Ramp",
      "method": "GET",
      "url": "http://127.0.0.1:9/",
      "headers": [],
      "body": null,
      "think": 0.0
    }
  ]
};

/* One of several load generators takes its part of every scenario. */
const at = Number(__ENV.GENERATOR), of = PLAN.generators;
const edge = (part) => (part === 0 ? "0" : part === of ? "1" : `${part}/${of}`);
const part = of > 1 ? {
  executionSegment: `${edge(at)}:${edge(at + 1)}`,
  executionSegmentSequence: Array.from({ length: of + 1 }, (_nothing, number) => edge(number)).join(","),
} : {};

export const options = {
  ...part,
  discardResponseBodies: true,
  /* Replaces k6's list. Without `url` and `error`: addresses and port numbers there would flood every store. */
  systemTags: ["status", "method", "name", "scenario", "expected_response", "error_code"],
  summaryTrendStats: ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)", "count"],
  tags: PLAN.run ? { run: PLAN.run } : {},
  scenarios: PLAN.scenarios,
  thresholds: PLAN.thresholds,
};

const started = new Gauge("mv_started");
const steps = Object.fromEntries(
  PLAN.steps.map((step) => [step.tag, {
    method: step.method,
    url: step.url,
    body: step.body,
    params: { headers: Object.fromEntries(step.headers) },
    think: step.think,
    fresh: true,
  }]),
);

export default function () {
  const step = steps[__ENV.SCENARIO];
  if (step.fresh) {
    /* Once per virtual user: the moment its scenario began is the run's time origin. */
    step.fresh = false;
    started.add(exec.scenario.startTime);
  }
  http.request(step.method, step.url, step.body, step.params);
  if (step.think > 0) sleep(step.think);
}

export function handleSummary(data) {
  return { stdout: "METRICVAULT-SUMMARY " + JSON.stringify(data) + "\n" };
}
