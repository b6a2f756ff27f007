"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PARENT = 0, SERVICE = 1, NAME = 2, KIND = 3, START = 4, LENGTH = 5, SELF = 6, FLAGS = 7, LEFT = 8;
  const ERROR = 1, ON_PATH = 2;
  const KINDS = ["", "internal", "server", "client", "producer", "consumer"];
  const NOTES = [
    [4, "Its parent is not in the trace."],
    [8, "It names itself as its parent."],
    [16, "It was cut off its parent: the parents went round in a circle."],
    [32, "Another span has the same id."],
    [64, "It shares its id with the other half of the call."],
    [128, "It has no start or no end, or ends before it starts; the time shown is that of its children."],
    [256, "It starts before its parent: clocks may differ."],
    [512, "It ends after its parent: work that goes on, or clocks that differ."],
  ];
  const COLOURS = 10;
  const spans = data.spans, count = spans.length, whole = data.duration || 1;
  const app = document.getElementById("app");
  const narrow = matchMedia("(max-width: 760px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // --- Elements

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className)
      element.className = className;
    if (text !== undefined)
      element.textContent = text;
    return element;
  }
  function add(parent, ...children) {
    parent.append(...children);
    return parent;
  }
  function button(text, title, action) {
    const element = make("button", "", text);
    element.type = "button";
    if (title)
      element.title = title;
    element.addEventListener("click", action);
    return element;
  }

  // --- Quantities: three digits that matter

  function duration(ns) {
    if (ns === null)
      return "unknown";
    if (ns === 0)
      return "0 s";
    if (ns >= 59.95e9) {
      const s = Math.round(ns / 1e9);
      return s >= 3600 ? `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`
        : `${Math.floor(s / 60)} min ${s % 60} s`;
    }
    const [size, unit] = ns < 999.5 ? [1, "ns"] : ns < 999.5e3 ? [1e3, "µs"] : ns < 999.5e6 ? [1e6, "ms"] : [1e9, "s"];
    const scaled = ns / size;
    return `${scaled.toFixed(size === 1 ? 0 : scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)} ${unit}`;
  }
  function share(part) {
    const percent = 100 * part;
    return percent && percent < 0.1 ? "< 0.1 %" : `${percent.toFixed(percent < 9.95 ? 1 : 0)} %`;
  }
  const grouped = number => number.toLocaleString("en");

  // --- The tree: spans are in the order of their rows

  const depth = new Int32Array(count), last = new Int32Array(count); // last row of what is below
  const pieces = new Map(); // critical path by row
  for (let i = 0; i < count; i++)
    depth[i] = spans[i][PARENT] < 0 ? 0 : depth[spans[i][PARENT]] + 1;
  for (let i = count - 1; i >= 0; i--) {
    last[i] = Math.max(last[i], i);
    const parent = spans[i][PARENT];
    if (parent >= 0)
      last[parent] = Math.max(last[parent], last[i]);
  }
  for (const [row, from, to] of data.path) {
    if (!pieces.has(row))
      pieces.set(row, []);
    pieces.get(row).push([from, to]);
  }
  const name = i => data.names[spans[i][NAME]] || "(no name)";
  const service = i => data.services[spans[i][SERVICE]][0] || "(no service)";
  const colour = i => "c" + spans[i][SERVICE] % COLOURS;
  const has = (i, flag) => (spans[i][FLAGS] & flag) !== 0;

  // --- State

  const closed = new Set();
  const dimmed = new Set(); // services
  let rows = [];            // of them those that are shown
  let place = new Int32Array(count);
  let from = 0, to = whole; // part of the time that is shown
  let picked = -1;
  let query = [], hits = [], hit = new Uint8Array(count);
  let onlyHits = false, onlyPath = false;
  let split = 0.36;

  // --- Search: words that all must be found

  let texts = null;
  function text(i) {
    if (!texts) {
      texts = new Array(count);
    }
    if (texts[i] === undefined) {
      const d = data.details[i];
      const parts = [name(i), service(i), d.i, d.m || "", KINDS[spans[i][KIND]]];
      for (const [key, value] of d.a || [])
        parts.push(key + "=" + value);
      for (const event of d.e || []) {
        parts.push(event[1]);
        for (const [key, value] of event[2])
          parts.push(key + "=" + value);
      }
      for (const log of d.g || []) {
        parts.push(log[3]);
        for (const [key, value] of log[2])
          parts.push(key + "=" + value);
      }
      texts[i] = parts.join("\n").toLowerCase();
    }
    return texts[i];
  }
  function term(word) {
    const limit = /^([<>])=?(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m)?$/.exec(word);
    if (limit) {
      const units = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, m: 6e10 };
      const ns = Number(limit[2]) * units[limit[3] || "ms"];
      return limit[1] === "<" ? i => spans[i][LENGTH] !== null && spans[i][LENGTH] < ns : i => spans[i][LENGTH] > ns;
    }
    const word2 = word.toLowerCase();
    if (word2 === "error")
      return i => has(i, ERROR);
    if (word2 === "critical")
      return i => has(i, ON_PATH);
    const field = /^(service|name|kind):(.+)$/.exec(word2);
    if (field)
      return i => (field[1] === "service" ? service(i) : field[1] === "name" ? name(i) : KINDS[spans[i][KIND]])
        .toLowerCase().includes(field[2]);
    return i => text(i).includes(word2);
  }
  function search(value) {
    const words = value.match(/"[^"]*"|\S+/g) || [];
    query = words.map(word => term(word.replace(/^"|"$/g, "")));
    hits = [];
    hit.fill(0);
    if (query.length) {
      for (let i = 0; i < count; i++)
        if (query.every(test => test(i))) {
          hit[i] = 1;
          hits.push(i);
        }
    }
    hitCount.textContent = query.length ? `${grouped(hits.length)} match${hits.length === 1 ? "" : "es"}` : "";
    layout();
    drawMini();
    showFirstHit();
  }
  function showFirstHit() {
    const height = rowHeight(), top = view.scrollTop / height, end = top + view.clientHeight / height - 1;
    const shown = hits.filter(i => place[i] >= 0);
    if (shown.length && !shown.some(i => place[i] >= top && place[i] <= end))
      view.scrollTop = Math.max((place[shown[0]] - 3) * height, 0);
  }
  function nextHit(step, list) {
    if (!list.length)
      return;
    let at = step > 0 ? list.find(i => i > picked) : list.filter(i => i < picked).pop();
    if (at === undefined)
      at = step > 0 ? list[0] : list[list.length - 1];
    pick(at, true);
  }

  // --- Which rows are shown

  function wanted() {
    if (!onlyPath && !(onlyHits && query.length))
      return null;
    const keep = new Uint8Array(count);
    for (let i = count - 1; i >= 0; i--) {
      if ((!onlyPath || has(i, ON_PATH)) && (!onlyHits || !query.length || hit[i]))
        keep[i] = 1;
      if (keep[i] && spans[i][PARENT] >= 0)
        keep[spans[i][PARENT]] = 1;
    }
    return keep;
  }
  function layout() {
    const keep = wanted();
    rows = [];
    place.fill(-1);
    for (let i = 0; i < count; i++) {
      if (!keep || keep[i]) {
        place[i] = rows.length;
        rows.push(i);
      }
      if (closed.has(i))
        i = last[i];
    }
    room.style.height = Math.max(rows.length * rowHeight(), 1) + "px";
    grid.setAttribute("aria-rowcount", rows.length);
    empty.hidden = rows.length > 0;
    draw();
  }
  function toggle(i, recursive) {
    const close = !closed.has(i);
    for (let at = i; at <= (recursive ? last[i] : i); at++)
      if (last[at] > at) {
        if (close)
          closed.add(at);
        else
          closed.delete(at);
      }
    layout();
  }
  function reveal(i) {
    for (let at = spans[i][PARENT]; at >= 0; at = spans[at][PARENT])
      closed.delete(at);
    layout();
    if (place[i] < 0) { // filtered away
      onlyHits = onlyPath = false;
      showSwitches();
      layout();
    }
  }

  // --- Drawing rows: only those in sight

  const rowHeight = () => narrow.matches ? 42 : 26;
  const lead = () => narrow.matches ? 12 : Math.round(view.clientWidth * split); // where bars begin
  let frame = 0;
  function draw() {
    if (!frame)
      frame = requestAnimationFrame(() => {
        frame = 0;
        drawRows();
        drawRuler();
        showRange();
      });
  }
  function percent(time) {
    return 100 * (time - from) / (to - from);
  }
  function drawRow(at) {
    const i = rows[at], span = spans[i];
    const row = make("div", "row " + colour(i));
    row.style.top = at * rowHeight() + "px";
    row.id = "row" + i;
    row.dataset.row = i;
    row.setAttribute("role", "row");
    row.setAttribute("aria-level", depth[i] + 1);
    row.setAttribute("aria-rowindex", at + 1);
    row.setAttribute("aria-selected", i === picked);
    if (last[i] > i)
      row.setAttribute("aria-expanded", !closed.has(i));
    row.classList.toggle("picked", i === picked);
    row.classList.toggle("error", has(i, ERROR));
    row.classList.toggle("hit", hit[i] === 1);
    row.classList.toggle("dim", dimmed.has(span[SERVICE]) || (query.length > 0 && !hit[i]));
    add(row, drawName(i), drawTrack(i));
    return row;
  }
  function drawName(i) {
    const cell = make("div", "name");
    cell.setAttribute("role", "gridcell");
    cell.style.paddingLeft = 4 + Math.min(depth[i], 24) * (narrow.matches ? 9 : 14) + "px";
    cell.style.width = narrow.matches ? "100%" : lead() + "px";
    const twist = make("span", "twist", last[i] > i ? closed.has(i) ? "▶" : "▼" : "");
    twist.dataset.twist = i;
    twist.setAttribute("aria-hidden", "true");
    add(cell, twist, make("i", "chip"));
    if (has(i, ERROR)) {
      const alarm = make("i", "alarm", "!");
      alarm.title = "error";
      add(cell, alarm);
    }
    add(cell, make("b", "", name(i)), make("em", "", service(i)));
    cell.title = `${name(i)} (${service(i)})`;
    const logs = data.details[i].g;
    if (logs) {
      const badge = make("span", "count" + (logs.some(isBad) ? " bad" : ""), `${logs.length} log${logs.length > 1 ? "s" : ""}`);
      badge.title = "log records of this span";
      add(cell, badge);
    }
    const hidden = (closed.has(i) ? last[i] - i : 0) + spans[i][LEFT];
    if (hidden)
      add(cell, make("span", "count", "+" + grouped(hidden)));
    return cell;
  }
  function drawTrack(i) {
    const span = spans[i], track = make("div", "track");
    track.setAttribute("role", "gridcell");
    track.style.left = lead() + "px";
    track.setAttribute("aria-label", `${duration(span[LENGTH])}, starts at ${duration(span[START])}`);
    if (span[START] === null)
      return track;
    const begin = percent(span[START]), end = percent(span[START] + span[LENGTH]);
    if (end >= 0 && begin <= 100) {
      const bar = make("div", "span"), left = Math.max(begin, 0);
      bar.style.left = left + "%";
      bar.style.width = Math.min(end, 100) - left + "%";
      add(track, bar);
      for (const [a, b] of pieces.get(i) || []) {
        const x = Math.max(percent(a), 0), y = Math.min(percent(b), 100);
        if (y < 0 || x > 100)
          continue;
        const piece = make("div", "crit");
        piece.style.left = x + "%";
        piece.style.width = Math.max(y - x, 0) + "%";
        add(track, piece);
      }
    }
    for (const record of data.details[i].g || []) {
      const x = record[0] === null ? -1 : percent(record[0]);
      if (x < 0 || x > 100)
        continue;
      const mark = make("div", "log" + (isBad(record) ? " bad" : ""));
      mark.style.left = x + "%";
      add(track, mark);
    }
    const words = duration(span[LENGTH]);
    const label = make("div", "time", end < 0 ? "‹ " + words : begin > 100 ? words + " ›" : words);
    if (narrow.matches) {
      label.style.right = "0";
      label.style.top = "-15px";
    } else if (end < 86) {
      label.style.left = Math.max(end, 0) + "%";
    } else if (begin > 14) {
      label.style.right = 100 - Math.min(begin, 100) + "%";
    } else {
      label.classList.add("in");
      label.style.right = `calc(${100 - Math.min(end, 100)}% + 4px)`;
    }
    add(track, label);
    return track;
  }
  function drawRows() {
    const height = rowHeight();
    const first = Math.max(Math.floor(view.scrollTop / height) - 8, 0);
    const end = Math.min(Math.ceil((view.scrollTop + view.clientHeight) / height) + 8, rows.length);
    const list = lines.map(line => line);
    for (let at = first; at < end; at++)
      list.push(drawRow(at));
    room.replaceChildren(...list);
    if (picked >= 0 && place[picked] >= first && place[picked] < end)
      grid.setAttribute("aria-activedescendant", "row" + picked);
    else
      grid.removeAttribute("aria-activedescendant");
  }

  // --- Ruler and minimap

  let lines = [];
  function drawRuler() {
    const length = to - from, left = lead(), wide = view.clientWidth - 12 - left;
    const rough = length / Math.max(wide / 110, 2), power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= rough);
    ruler.replaceChildren(make("span", "lead", "Span"));
    lines = [];
    for (let t = Math.ceil(from / step) * step; t <= to; t += step) {
      const x = left + wide * (t - from) / length;
      const line = make("div", "gridline");
      line.style.left = x + "px";
      lines.push(line);
      if (x > view.clientWidth - 50)
        continue;
      const tick = make("span", "tick", duration(Math.round(t)));
      tick.style.left = x + "px";
      add(ruler, tick);
    }
    for (const line of room.querySelectorAll(".gridline"))
      line.remove();
    room.prepend(...lines);
  }
  function drawMini() {
    const scale = devicePixelRatio || 1, width = mini.clientWidth, height = mini.clientHeight;
    if (!width)
      return;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const paint = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const colours = [];
    for (let i = 0; i < COLOURS; i++)
      colours.push(style.getPropertyValue("--c" + i));
    const bad = style.getPropertyValue("--bad");
    paint.scale(scale, scale);
    const step = (height - 6) / Math.max(count, 1), thick = Math.max(step * 0.7, 1);
    for (let i = 0; i < count; i++) {
      if (spans[i][START] === null)
        continue;
      paint.globalAlpha = query.length && !hit[i] ? 0.15 : 1;
      paint.fillStyle = has(i, ERROR) ? bad : colours[spans[i][SERVICE] % COLOURS];
      paint.fillRect(width * spans[i][START] / whole, 3 + i * step,
        Math.max(width * spans[i][LENGTH] / whole, 1), Math.min(thick, 7));
    }
  }
  function showRange() {
    const a = 100 * from / whole, b = 100 * to / whole;
    veils[0].style.left = "0";
    veils[0].style.width = a + "%";
    veils[1].style.left = b + "%";
    veils[1].style.right = "0";
    edges[0].style.left = a + "%";
    edges[1].style.left = b + "%";
    resetZoom.hidden = from === 0 && to === whole;
  }
  function zoom(a, b) {
    const least = Math.max(whole / 1e6, 10);
    if (b - a < least) {
      const middle = (a + b) / 2;
      a = middle - least / 2;
      b = middle + least / 2;
    }
    if (b - a >= whole) {
      a = 0;
      b = whole;
    }
    if (a < 0)
      [a, b] = [0, b - a];
    if (b > whole)
      [a, b] = [a - (b - whole), whole];
    from = Math.max(a, 0);
    to = b;
    draw();
  }
  function zoomBy(factor, around) {
    const centre = around === undefined ? (from + to) / 2 : around;
    zoom(centre - (centre - from) * factor, centre + (to - centre) * factor);
  }

  // --- One span in full

  function pairs(list) {
    const table = make("table", "pairs");
    for (const [key, value, other] of [...list].sort((a, b) => a[0] < b[0] ? -1 : 1)) {
      const line = make("tr"), head = make("th", "", key);
      head.scope = "row";
      add(table, add(line, head, make("td", other ? "num" : "", value)));
    }
    return table;
  }
  function section(title, ...content) {
    add(side, make("h3", "", title), ...content);
  }
  function facts(i) {
    const span = spans[i], d = data.details[i];
    const list = [["Duration", duration(span[LENGTH])], ["Starts at", duration(span[START])],
      ["Self time", `${duration(span[SELF])} (${share(span[SELF] / whole)} of the trace)`]];
    const critical = (pieces.get(i) || []).reduce((sum, [a, b]) => sum + b - a, 0);
    if (critical)
      list.push(["On the critical path", `${duration(critical)} (${share(critical / whole)})`]);
    if (KINDS[span[KIND]])
      list.push(["Kind", KINDS[span[KIND]]]);
    list.push(["Span id", d.i]);
    if (d.p)
      list.push(["Parent id", d.p]);
    const table = make("table", "pairs");
    for (const [key, value] of list)
      add(table, add(make("tr"), make("th", "", key), make("td", /id$/.test(key) ? "mono" : "", value)));
    return table;
  }
  function event(time, title, attributes) {
    const box = make("div", "event");
    add(box, make("strong", "", title || "(no name)"));
    if (time !== null)
      add(box, make("span", "at", "at " + duration(time)));
    if (attributes.length)
      add(box, pairs(attributes));
    return box;
  }
  function isBad(log) {
    return log[1] === "error" || log[1] === "fatal";
  }
  function log(record) {
    const [time, severity, attributes, body] = record;
    const box = event(time, body, attributes);
    if (severity)
      box.prepend(make("span", "severity" + (isBad(record) ? " bad" : ""), severity));
    return box;
  }
  function showDetails(i) {
    const d = data.details[i];
    side.hidden = false;
    side.replaceChildren();
    const close = button("×", "Close (Esc)", () => hideDetails());
    close.className = "close";
    close.setAttribute("aria-label", "Close details");
    const of = make("p", "of");
    add(of, make("i", "chip " + colour(i)), service(i));
    add(side, close, make("h2", "", name(i)), of);
    if (has(i, ERROR) || d.m)
      add(side, make("div", "why", d.m || "This span has the status error."));
    for (const [flag, words] of NOTES)
      if (has(i, flag))
        add(side, make("p", "remark", words));
    if (spans[i][LEFT])
      add(side, make("p", "remark", `${grouped(spans[i][LEFT])} spans below it are left out of this page.`));
    add(side, facts(i));
    if (d.a && d.a.length)
      section("Attributes", pairs(d.a));
    if (d.e && d.e.length)
      section(`Events (${d.e.length})`, ...d.e.map(e => event(e[0], e[1], e[2])));
    if (d.g)
      section(`Log records (${d.g.length})`, ...d.g.map(log));
    if (d.l && d.l.length)
      section(`Links (${d.l.length})`, ...d.l.map(l => event(null, `${l[0] || ""} ${l[1]}`, l[2])));
    if (d.r !== undefined && data.resources[d.r].length)
      section("Resource", pairs(data.resources[d.r]));
    side.scrollTop = 0;
    placeSplitter();
    drawMini();
    draw();
  }
  function hideDetails() {
    side.hidden = true;
    grid.focus();
    placeSplitter();
    drawMini();
    draw();
  }
  function pick(i, show) {
    picked = i;
    if (place[i] < 0)
      reveal(i);
    const top = place[i] * rowHeight(), height = rowHeight();
    if (top < view.scrollTop)
      view.scrollTop = Math.max(top - 2 * height, 0);
    else if (top + height > view.scrollTop + view.clientHeight)
      view.scrollTop = top + 3 * height - view.clientHeight;
    const span = spans[i];
    if (span[START] !== null && (span[START] > to || span[START] + span[LENGTH] < from))
      zoom(0, whole);
    if (show || !side.hidden)
      showDetails(i);
    draw();
    try {
      history.replaceState(null, "", "#span=" + data.details[i].i);
    } catch (refused) {
      // a file may not have an address of its own; then there is no link to the span
    }
  }

  // --- The page's parts

  const tools = make("div", "bar-tools"), find = make("div", "find");
  const input = make("input");
  input.type = "search";
  input.placeholder = "Search: text, service:cart, key=value, error, >10ms";
  input.setAttribute("aria-label", "Search spans");
  input.autocomplete = "off";
  input.spellcheck = false;
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => search(input.value), 80);
  });
  input.addEventListener("keydown", e => {
    if (e.key === "Enter") {
      clearTimeout(waiting);
      search(input.value);
      nextHit(e.shiftKey ? -1 : 1, hits);
    } else if (e.key === "Escape") {
      input.value = "";
      search("");
      grid.focus();
    }
    e.stopPropagation();
  });
  const hitCount = make("span", "hits");
  hitCount.setAttribute("role", "status");
  const hitsOnly = button("Matches only", "Show only spans that match, and those above them", () => {
    onlyHits = !onlyHits;
    showSwitches();
    layout();
  });
  const pathOnly = button("Critical path", "Show only the spans that the trace's duration was spent on (c)", () => {
    onlyPath = !onlyPath;
    showSwitches();
    layout();
  });
  const fold = button("Collapse all", "", () => {
    if (closed.size)
      closed.clear();
    else
      for (let i = 0; i < count; i++)
        if (last[i] > i && spans[i][PARENT] >= 0)
          closed.add(i);
    fold.textContent = closed.size ? "Expand all" : "Collapse all";
    layout();
  });
  const resetZoom = button("Whole trace", "Show all of the time (0)", () => zoom(0, whole));
  const helpButton = button("?", "Keys and signs", () => help.showModal());
  helpButton.className = "keys";
  helpButton.setAttribute("aria-label", "Help: keys and signs");
  function showSwitches() {
    hitsOnly.setAttribute("aria-pressed", onlyHits);
    pathOnly.setAttribute("aria-pressed", onlyPath);
  }
  add(find, input);
  add(tools, find, hitCount, hitsOnly, pathOnly, fold, resetZoom, helpButton);

  const legend = make("div", "legend");
  data.services.forEach(([title, number], s) => {
    const selfTime = data.services[s][3];
    const own = "self: time in the service itself, and in no span below";
    const chip = button("", `${own}. Shows only this service in full colour`, () => {
      if (dimmed.size === data.services.length - 1 && !dimmed.has(s)) {
        dimmed.clear();
      } else {
        data.services.forEach((_, other) => dimmed.add(other));
        dimmed.delete(s);
      }
      [...legend.querySelectorAll("button")].forEach((element, other) =>
        element.setAttribute("aria-pressed", dimmed.size > 0 && !dimmed.has(other)));
      draw();
    });
    chip.setAttribute("aria-pressed", "false");
    add(chip, make("i", "chip c" + s % COLOURS), title || "(no service)",
      make("span", "", `${grouped(number)} span${number === 1 ? "" : "s"} · self ${duration(selfTime)}`));
    add(legend, chip);
  });
  const key = make("span", "key");
  add(key, make("i"), "critical path");
  tools.insertBefore(key, helpButton);

  const work = make("div", "work"), chart = make("div", "chart"), side = make("aside", "side");
  side.setAttribute("aria-label", "Details of the span");
  side.hidden = true;
  const mini = make("div", "mini"), canvas = make("canvas");
  mini.setAttribute("aria-hidden", "true");
  const veils = [make("div", "veil"), make("div", "veil")], edges = [make("div", "edge"), make("div", "edge")];
  add(mini, canvas, ...veils, ...edges);
  const ruler = make("div", "ruler"), view = make("div", "rows"), room = make("div", "room");
  const empty = make("div", "none", "No span matches.");
  empty.hidden = true;
  const grid = view;
  grid.tabIndex = 0;
  grid.setAttribute("role", "treegrid");
  grid.setAttribute("aria-label", "Spans of the trace");
  add(view, room, empty);
  const splitter = make("div", "split");
  splitter.setAttribute("aria-hidden", "true");
  add(chart, mini, ruler, view, splitter);
  add(work, chart, side);

  const help = make("dialog");
  const keys = [["↑ ↓  j k", "next or previous span"], ["← →", "collapse, expand, go to parent or child"],
    ["Enter", "details of the span"], ["Esc", "close details, end the search"], ["/", "search"],
    ["n  N", "next or previous match"], ["e  E", "next or previous error"], ["c", "only the critical path"],
    ["z", "zoom to the span"], ["+ −  0", "zoom in, out, whole trace"],
    ["Ctrl + wheel", "zoom where the pointer is; drag in the picture above to choose a part"]];
  const keyTable = make("table");
  for (const [stroke, words] of keys)
    add(keyTable, add(make("tr"), add(make("td"), make("kbd", "", stroke)), make("td", "", words)));
  const signs = make("p");
  signs.textContent = "The line below bars is the critical path. Behind a service are its spans and the time in the " +
    "service itself (self). Marks above bars are log records.";
  add(help, make("h2", "", "Keys"), keyTable, make("h2", "", "Signs"), signs);
  const helpClose = button("Close", "", () => help.close());
  add(help, make("p"), helpClose);

  add(app, tools, legend, work, help);

  // --- Pointer

  view.addEventListener("scroll", draw, { passive: true });
  view.addEventListener("click", e => {
    const twist = e.target.closest("[data-twist]"), row = e.target.closest(".row");
    if (!row)
      return;
    const i = Number(row.dataset.row);
    if (twist && last[i] > i)
      toggle(i, e.altKey);
    else
      pick(i, true);
  });
  view.addEventListener("dblclick", e => {
    const row = e.target.closest(".row");
    if (row)
      zoomTo(Number(row.dataset.row));
  });
  view.addEventListener("wheel", e => {
    if (!e.ctrlKey && !e.shiftKey)
      return;
    e.preventDefault();
    const box = view.getBoundingClientRect(), left = lead();
    const time = from + (to - from) * Math.min(Math.max((e.clientX - box.left - left) / (box.width - left), 0), 1);
    if (e.ctrlKey)
      zoomBy(e.deltaY > 0 ? 1.2 : 1 / 1.2, time);
    else
      zoom(from + (to - from) * Math.sign(e.deltaY || e.deltaX) * 0.1, to + (to - from) * Math.sign(e.deltaY || e.deltaX) * 0.1);
  }, { passive: false });
  function drag(element, move, end) {
    element.addEventListener("pointerdown", e => {
      const state = {};
      e.preventDefault();
      element.setPointerCapture(e.pointerId);
      move(e, state, true);
      const onMove = event => move(event, state, false);
      const onUp = event => {
        element.removeEventListener("pointermove", onMove);
        element.removeEventListener("pointerup", onUp);
        element.removeEventListener("pointercancel", onUp);
        if (end)
          end(event, state);
      };
      element.addEventListener("pointermove", onMove);
      element.addEventListener("pointerup", onUp);
      element.addEventListener("pointercancel", onUp);
    });
  }
  function miniTime(e) {
    const box = mini.getBoundingClientRect();
    return whole * Math.min(Math.max((e.clientX - box.left) / box.width, 0), 1);
  }
  drag(mini, (e, state, first) => {
    const time = miniTime(e);
    if (first) {
      const near = whole * 6 / mini.clientWidth;
      state.fixed = Math.abs(time - from) < near ? to : Math.abs(time - to) < near ? from : time;
      state.moved = state.fixed !== time;
      return;
    }
    if (!state.moved && Math.abs(time - state.fixed) < whole * 4 / mini.clientWidth)
      return;
    state.moved = true;
    zoom(Math.min(time, state.fixed), Math.max(time, state.fixed));
  });
  mini.addEventListener("dblclick", () => zoom(0, whole));
  drag(splitter, e => {
    const box = chart.getBoundingClientRect();
    split = Math.min(Math.max((e.clientX - box.left) / box.width, 0.12), 0.75);
    placeSplitter();
    draw();
  });
  function placeSplitter() {
    splitter.style.left = lead() + "px";
  }
  function zoomTo(i) {
    const span = spans[i];
    if (span[START] !== null)
      zoom(span[START] - span[LENGTH] * 0.05, span[START] + span[LENGTH] * 1.05);
  }

  // --- Keyboard

  function move(step) {
    if (!rows.length)
      return;
    const at = picked < 0 || place[picked] < 0 ? (step > 0 ? -1 : rows.length) : place[picked];
    pick(rows[Math.min(Math.max(at + step, 0), rows.length - 1)], false);
  }
  const actions = {
    ArrowDown: () => move(1), j: () => move(1), ArrowUp: () => move(-1), k: () => move(-1),
    PageDown: () => move(Math.max(Math.floor(view.clientHeight / rowHeight()) - 1, 1)),
    PageUp: () => move(-Math.max(Math.floor(view.clientHeight / rowHeight()) - 1, 1)),
    Home: () => move(-count), End: () => move(count),
    ArrowRight: () => {
      if (picked >= 0 && closed.has(picked))
        toggle(picked, false);
      else
        move(1);
    },
    ArrowLeft: () => {
      if (picked >= 0 && last[picked] > picked && !closed.has(picked))
        toggle(picked, false);
      else if (picked >= 0 && spans[picked][PARENT] >= 0)
        pick(spans[picked][PARENT], false);
    },
    Enter: () => picked >= 0 && (side.hidden ? showDetails(picked) : hideDetails()),
    Escape: () => side.hidden || hideDetails(),
    "/": () => input.focus(),
    n: () => nextHit(1, hits), N: () => nextHit(-1, hits),
    e: () => nextHit(1, errors()), E: () => nextHit(-1, errors()),
    c: () => pathOnly.click(), z: () => picked >= 0 && zoomTo(picked), "0": () => zoom(0, whole),
    "+": () => zoomBy(1 / 1.5), "=": () => zoomBy(1 / 1.5), "-": () => zoomBy(1.5), "?": () => help.showModal(),
  };
  function errors() {
    return spans.map((_, i) => i).filter(i => has(i, ERROR));
  }
  document.addEventListener("keydown", e => {
    const inside = e.target.closest("button, input, summary, dialog, a");
    if (e.ctrlKey || e.metaKey || e.altKey || help.open || !Object.hasOwn(actions, e.key))
      return;
    if (inside && (e.key === "Enter" || inside.tagName === "INPUT"))
      return;
    e.preventDefault();
    actions[e.key]();
  });

  // The chart takes what the window has left, or less if that is enough for all spans.
  function fill() {
    const top = work.getBoundingClientRect().top + scrollY;
    const left = Math.max(innerHeight - top - (narrow.matches ? 12 : 48), 420);
    work.style.height = Math.min(left, Math.max(count * rowHeight() + 100, 360)) + "px";
  }

  // --- Start

  document.documentElement.classList.add("js");
  app.hidden = false;
  showSwitches();
  fill();
  layout();
  placeSplitter();
  drawMini();
  const anew = () => {
    fill();
    placeSplitter();
    room.style.height = rows.length * rowHeight() + "px";
    drawMini();
    draw();
  };
  addEventListener("resize", anew);
  narrow.addEventListener("change", anew);
  dark.addEventListener("change", anew);
  const address = /^#span=([0-9a-f]{16})$/.exec(location.hash);
  const start = (address && address[1]) || data.select;
  if (start) {
    const i = data.details.findIndex(d => d.i === start);
    if (i >= 0)
      pick(i, true);
  }
})();
