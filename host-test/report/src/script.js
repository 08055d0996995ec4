// What the page can do beyond being read: values under the pointer, zoom, filters, keys, export; and, where a process serves it, it
// follows what that process tells. Without script everything is still there to be read.
"use strict";
(() => {
  const one = (query, within = document) => within.querySelector(query);
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const main = one("main"), filter = one("#filter"), tip = one("#tip");
  const SIZE = 10000;

  // ---- Amounts and times as the page writes them.

  const digits = value => value >= 99.95 || value === 0 ? value.toFixed(0) : String(+value.toFixed(value >= 9.995 ? 1 : 2));
  const amount = (value, unit) => {
    const prefixes = unit === "bytes" ? [" B", " kB", " MB", " GB", " TB", " PB"] : ["", " k", " M", " G", " T"];
    let at = 0;
    while ((unit === "bytes" || at > 0 ? value >= 999.5 : value >= 9999.5) && at + 1 < prefixes.length) { value /= 1000; at++; }
    return digits(value) + prefixes[at].replace(" ", "\u00a0");
  };
  const iso = seconds => new Date(seconds * 1000).toISOString();

  // ---- Charts. The drawing is the data: amounts are read off its paths.

  const zooms = new Map();
  const points = path => {
    const numbers = (path.getAttribute("d").match(/-?\d+/g) || []).map(Number), found = [];
    let x = numbers[0], y = numbers[1];
    for (let i = 2; i + 1 < numbers.length; i += 2) found.push([x += numbers[i], y += numbers[i + 1]]);
    return found;
  };
  const reading = plot => {
    if (plot.reading) return plot.reading;
    const value = y => (1 - y / SIZE) * +plot.dataset.top, observed = [], expected = [];
    for (const path of all(".observed", plot))
      for (const [x, y] of points(path)) {
        const last = observed.at(-1);
        if (last && last.x === x) last.low = value(y); else observed.push({ x, high: value(y), low: value(y) });
      }
    for (const path of all(".expected", plot)) for (const [x, y] of points(path)) expected.push({ x, value: value(y) });
    let at = 0;
    for (const path of all(".band", plot)) {
      const edge = points(path), half = edge.length / 2;
      for (let i = 0; i < half && at < expected.length; i++, at++) {
        expected[at].high = value(edge[i][1]);
        expected[at].low = value(edge[edge.length - 1 - i][1]);
      }
    }
    return plot.reading = { observed, expected };
  };
  const nearest = (list, x) => list.reduce((best, item) => !best || Math.abs(item.x - x) < Math.abs(best.x - x) ? item : best, null);
  const range = plot => plot.zoom || [0, SIZE];
  const time = (plot, x) => +plot.dataset.from + x / SIZE * (plot.dataset.to - plot.dataset.from);

  const show = (plot, x) => {
    const { observed, expected } = reading(plot), point = nearest(observed, x);
    if (!point) return;
    const near = nearest(expected, point.x), unit = plot.dataset.unit, step = +plot.dataset.step;
    const whole = Math.min(60, step), begin = Math.round((time(plot, point.x) - step / 2) / whole) * whole;
    const lines = [iso(begin).slice(0, step < 60 ? 19 : 16).replace("T", " ") + " UTC" + (step > 60 ? " and " + Math.round(step / 60) + "\u00a0min" : ""),
      point.high - point.low > plot.dataset.top / 150 ? amount(point.low, unit) + " – " + amount(point.high, unit) : amount(point.high, unit)];
    if (near && Math.abs(near.x - point.x) < SIZE / 20) {
      lines.push("expected " + amount(near.value, unit));
      if (near.high !== undefined) lines.push("range " + amount(near.low, unit) + " – " + (near.high >= plot.dataset.top ? "beyond" : amount(near.high, unit)));
    }
    const box = plot.getBoundingClientRect(), [left, right] = range(plot), place = (point.x - left) / (right - left);
    if (place < 0 || place > 1) return hide(plot);
    plot.at = point.x;
    let line = one(".cursor", plot);
    if (!line) { line = document.createElement("i"); line.className = "cursor"; plot.append(line); }
    line.style.left = 100 * place + "%";
    tip.textContent = "";
    for (const text of lines) { const row = document.createElement("div"); row.textContent = text; tip.append(row); }
    tip.hidden = false;
    tip.style.left = Math.max(4, Math.min(box.left + place * box.width + 12, innerWidth - tip.offsetWidth - 8)) + "px";
    tip.style.top = Math.max(4, box.top - tip.offsetHeight - 6) + "px";
  };
  const hide = plot => { tip.hidden = true; const line = one(".cursor", plot); if (line) line.remove(); };

  const STEPS = [60, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800];
  const zoom = (plot, left, right) => {
    if (plot.classList.contains("sketch")) return;
    const width = right - left, whole = width >= SIZE * 0.999;
    const before = plot.zoom;
    plot.zoom = whole ? null : [left, right];
    if (whole && !before) return;
    const inside = reading(plot).observed.filter(point => point.x >= left && point.x <= right);
    const most = Math.max(...inside.map(point => point.high), plot.dataset.top / 1000);
    const top = whole ? 0 : Math.max(0, SIZE - most * 1.08 / plot.dataset.top * SIZE);
    one("svg", plot).setAttribute("viewBox", `${left} ${top} ${width} ${SIZE - top}`);
    plot.classList.toggle("zoomed", !whole);
    if (plot.id || plot.closest("[id]")) zooms.set(key(plot), plot.zoom && [time(plot, left), time(plot, right)]);
    if (plot.classList.contains("small")) return;
    all(".y", plot).forEach(label => label.remove());
    const highest = +plot.dataset.top * (SIZE - top) / SIZE, rough = highest / 4, unit = 10 ** Math.floor(Math.log10(rough));
    const each = [1, 2, 2.5, 5, 10].map(factor => factor * unit).find(each => each >= rough);
    for (let tick = 0; tick < highest * 0.97; tick += each) {
      const label = document.createElement("span");
      label.className = "y"; label.textContent = amount(tick, plot.dataset.unit); label.style.bottom = 100 * tick / highest + "%";
      plot.append(label);
    }
    const axis = plot.nextElementSibling, [from, to] = [time(plot, left), time(plot, right)];
    if (!axis || !axis.classList.contains("x")) return;
    axis.textContent = "";
    const step = STEPS.find(step => (to - from) / step <= 6) || (to - from) / 6;
    for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) {
      const place = 100 * (tick - from) / (to - from), label = document.createElement("span");
      if (place < 3 || place > 97) continue;
      label.textContent = tick % 86400 === 0 ? iso(tick).slice(5, 10) : iso(tick).slice(11, 16);
      label.style.left = place + "%";
      axis.append(label);
    }
  };
  const key = plot => { const own = plot.closest("[id]"); return own.id + "/" + (plot.closest("[data-find]") || own).dataset.find; };
  const zoomBy = (plot, factor, at) => {
    const [left, right] = range(plot), width = Math.max(SIZE / 200, Math.min(SIZE, (right - left) * factor));
    const place = (at - left) / (right - left), start = Math.max(0, Math.min(SIZE - width, at - place * width));
    zoom(plot, start, start + width);
  };
  const xOf = (plot, event) => {
    const box = plot.getBoundingClientRect(), [left, right] = range(plot);
    return left + Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * (right - left);
  };
  const setUp = plot => {
    if (plot.classList.contains("sketch")) return;
    let from = null, shade = null;
    plot.addEventListener("pointermove", event => {
      const x = xOf(plot, event);
      if (from !== null) {
        if (!shade) { shade = document.createElement("i"); shade.className = "chosen"; plot.append(shade); }
        const [left, right] = range(plot), percent = x => 100 * (x - left) / (right - left);
        shade.style.left = percent(Math.min(from, x)) + "%";
        shade.style.width = Math.abs(percent(x) - percent(from)) + "%";
      }
      show(plot, x);
    });
    plot.addEventListener("pointerdown", event => { if (event.button === 0 && event.pointerType === "mouse") { from = xOf(plot, event); plot.setPointerCapture(event.pointerId); } });
    plot.addEventListener("pointerup", event => {
      const to = xOf(plot, event), [left, right] = range(plot);
      if (from !== null && Math.abs(to - from) > (right - left) / 100) zoom(plot, Math.min(from, to), Math.max(from, to));
      from = null;
      if (shade) { shade.remove(); shade = null; }
    });
    plot.addEventListener("pointerleave", () => hide(plot));
    plot.addEventListener("blur", () => hide(plot));
    plot.addEventListener("dblclick", () => zoom(plot, 0, SIZE));
    plot.addEventListener("wheel", event => {
      // With a modifier only: the page itself scrolls.
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      zoomBy(plot, event.deltaY + event.deltaX > 0 ? 1.25 : 0.8, xOf(plot, event));
    }, { passive: false });
    plot.addEventListener("keydown", event => {
      const { observed } = reading(plot), [left, right] = range(plot);
      const at = observed.findIndex(point => point.x >= (plot.at ?? (left + right) / 2));
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (move && observed.length) {
        const point = observed[Math.max(0, Math.min(observed.length - 1, (at < 0 ? observed.length - 1 : at) + move * (event.shiftKey ? 10 : 1)))];
        if (point.x < left || point.x > right) zoom(plot, ...(point.x < left ? [point.x, point.x + right - left] : [point.x - right + left, point.x]));
        show(plot, point.x);
      } else if (event.key === "+" || event.key === "=") zoomBy(plot, 0.5, plot.at ?? (left + right) / 2);
      else if (event.key === "-") zoomBy(plot, 2, plot.at ?? (left + right) / 2);
      else if (event.key === "0") zoom(plot, 0, SIZE);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  };

  // ---- Filters.

  const field = name => filter.elements[name];
  const seconds = text => text ? Date.parse(text + ":00Z") / 1000 : null;
  const wanted = () => ({ text: field("text").value.trim().toLowerCase(), way: field("way").value, rank: +field("rank").value,
    state: field("state").value, from: seconds(field("from").value), to: seconds(field("to").value) });
  const fits = (item, wish) => {
    const data = item.dataset;
    return (data.find || "").toLowerCase().includes(wish.text)
      && (data.start === undefined || ((!wish.way || data.way === wish.way) && +data.rank >= wish.rank && (!wish.state || data.state === wish.state)
        && (wish.from === null || +data.end > wish.from) && (wish.to === null || +data.start < wish.to)));
  };
  const apply = () => {
    const wish = wanted();
    let shown = 0, count = 0;
    for (const item of all("[data-find]", main)) {
      // A group stays with those of its incidents that fit.
      const inner = item.matches(".group") ? all("[data-start]", item) : [];
      item.hidden = !(fits(item, wish) || inner.some(member => fits(member, wish)));
      if (item.dataset.start !== undefined) { count++; shown += item.hidden ? 0 : 1; }
    }
    const members = new Set(all(".group .incident", main).map(item => item.id));
    count -= members.size;
    shown -= all(".group .incident:not([hidden])", main).length;
    one("#shown").textContent = count ? `${shown} of ${count} shown` : "";
    for (const plot of all("#series .plot", main)) {
      const x = time => (time - plot.dataset.from) / (plot.dataset.to - plot.dataset.from) * SIZE;
      const left = wish.from === null ? 0 : Math.max(0, Math.min(SIZE - 50, x(wish.from)));
      const right = wish.to === null ? SIZE : Math.max(left + 50, Math.min(SIZE, x(wish.to)));
      const inputs = left + "/" + right;
      if (plot.filtered !== inputs && (plot.filtered || inputs !== "0/" + SIZE)) { plot.filtered = inputs; zoom(plot, left, right); }
    }
  };
  // Dragging over the timeline chooses its time.
  const timeline = () => {
    const line = one(".timeline", main);
    if (!line) return;
    let from = null, shade = null;
    const tracks = () => one(".track", line).getBoundingClientRect();
    const place = event => { const box = tracks(); return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)); };
    line.addEventListener("pointerdown", event => { if (event.pointerType === "mouse" && event.button === 0 && !event.target.closest("a")) from = place(event); });
    line.addEventListener("pointermove", event => {
      if (from === null) return;
      event.preventDefault();
      if (!shade) { shade = document.createElement("i"); shade.className = "chosen"; line.append(shade); }
      const box = tracks(), own = line.getBoundingClientRect(), to = place(event);
      shade.style.left = box.left - own.left + Math.min(from, to) * box.width + "px";
      shade.style.width = Math.abs(to - from) * box.width + "px";
    });
    addEventListener("pointerup", event => {
      if (from === null) return;
      const to = place(event), at = place => +line.dataset.from + place * (line.dataset.to - line.dataset.from);
      if (Math.abs(to - from) > 0.005) {
        field("from").value = iso(at(Math.min(from, to))).slice(0, 16);
        field("to").value = iso(at(Math.max(from, to)) + 59).slice(0, 16);
        apply();
      }
      from = null;
      if (shade) { shade.remove(); shade = null; }
    });
  };

  // ---- Export of what is shown.

  const data = () => JSON.parse(one("#data", main).textContent).filter(item => { const own = document.getElementById(item.n); return own && !own.hidden; });
  const save = (text, kind, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const COLUMNS = ["type", "id", "state", "direction", "series", "value", "start", "end", "duration_s", "peak", "observed", "expected", "expected_low",
    "expected_high", "observed_total", "expected_total", "anomaly_score", "grade", "severity", "p", "group", "reason"];
  const cell = value => {
    if (value === undefined || value === null) return "";
    if (typeof value === "number") return String(value);
    // A spreadsheet would take such a text for a formula.
    const text = (/^[=+\-@\t\r]/.test(value) ? "'" : "") + value;
    return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const csv = () => [[...COLUMNS, "name", "sentence"].join(","),
    ...data().map(item => [...COLUMNS.map(column => item.event[column]), item.name, item.sentence].map(cell).join(","))].join("\r\n") + "\r\n";
  one("#csv").addEventListener("click", () => save(csv(), "text/csv", "incidents.csv"));
  one("#json").addEventListener("click", () => save(JSON.stringify(data().map(item => ({ ...item.event, name: item.name, sentence: item.sentence })), null, 1), "application/json", "incidents.json"));

  // ---- Keys.

  const reveal = item => {
    for (let fold = item.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    item.scrollIntoView({ block: "start" });
    item.focus({ preventScroll: true });
  };
  const step = by => {
    const items = all("article.incident", main).filter(item => !item.hidden && item.offsetParent !== null);
    const at = items.indexOf(document.activeElement.closest ? document.activeElement.closest("article.incident") : null);
    const next = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : Math.max(0, Math.min(items.length - 1, at + by))];
    if (next) reveal(next);
  };
  const reset = () => { filter.reset(); all(".plot.zoomed", main).forEach(plot => zoom(plot, 0, SIZE)); apply(); };
  addEventListener("keydown", event => {
    if (event.key === "Escape") { reset(); one("#keys").open = false; if (document.activeElement !== document.body) document.activeElement.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "/") { event.preventDefault(); field("text").focus(); }
    else if (event.key === "?") one("#keys").open = !one("#keys").open;
  });
  addEventListener("hashchange", () => { const item = document.getElementById(location.hash.slice(1)); if (item) reveal(item); });

  // ---- The content, at first and whenever a process tells that there is more.

  const begin = () => {
    for (const plot of all(".plot", main)) {
      setUp(plot);
      const kept = plot.classList.contains("sketch") ? null : zooms.get(key(plot));
      if (kept) {
        const x = time => (time - plot.dataset.from) / (plot.dataset.to - plot.dataset.from) * SIZE;
        zoom(plot, Math.max(0, x(kept[0])), Math.min(SIZE, x(kept[1])));
      }
    }
    for (const text of all(".go-on pre", main)) {
      const copy = document.createElement("button");
      copy.type = "button"; copy.className = "copy"; copy.textContent = "Copy";
      copy.addEventListener("click", async () => {
        try { await navigator.clipboard.writeText(text.textContent); copy.textContent = "Copied"; }
        catch { getSelection().selectAllChildren(text); }
      });
      text.before(copy);
    }
    timeline();
    apply();
  };
  filter.hidden = filter.dataset.unused === "true";
  filter.addEventListener("input", apply);
  filter.addEventListener("submit", event => event.preventDefault());
  one("#show-all").addEventListener("click", reset);
  begin();

  const live = one("#live");
  if (!live) return;
  let version = Number(live.dataset.version), fetching = false, last = null;
  const refresh = async () => {
    // Who marks something to copy it is not disturbed.
    if (fetching || getSelection().type === "Range") return;
    fetching = true;
    try {
      const answer = await fetch("content", { cache: "no-store" });
      if (answer.ok) {
        const text = await answer.text(), open = all("details[open][id]", main).map(fold => fold.id), focus = document.activeElement.id;
        version = Number(answer.headers.get("x-version"));
        tip.hidden = true;
        // What is being read stays where it is, although something may come above it.
        const top = id => document.getElementById(id).getBoundingClientRect().top;
        const read = scrollY > 0 && all("article[id], section[id]", main).find(item => item.getBoundingClientRect().bottom > 0 && item.matches("article, :not(:has(article))"));
        const place = read && top(read.id);
        main.innerHTML = text;
        for (const id of open) { const fold = document.getElementById(id); if (fold) fold.open = true; }
        begin();
        if (read && document.getElementById(read.id)) scrollBy({ top: top(read.id) - place, behavior: "instant" });
        const item = focus && document.getElementById(focus);
        if (item && main.contains(item)) item.focus({ preventScroll: true });
      }
    } catch { /* The next event tries again. */ }
    // What came meanwhile may not be in it: a page is made at most every two seconds.
    setTimeout(() => { fetching = false; if (last && last.version !== version && !document.hidden) refresh(); }, 2000);
  };
  const put = (name, text) => { const item = one(`[data-live="${name}"]`, live); if (item && item.textContent !== text) item.textContent = text; };
  const span = seconds => {
    const units = [["s", 1], ["min", 60], ["h", 3600], ["days", 86400]];
    const [name, size] = units.findLast(([, size]) => seconds >= 2 * size) || units[0];
    return Math.max(0, Math.round(seconds / size)) + "\u00a0" + name;
  };
  const tell = state => {
    live.classList.remove("lost");
    live.classList.toggle("poor", state.health !== "ready");
    put("health", state.health);
    put("rate", state.records_per_second === null ? "–" : digits(state.records_per_second) + " records/s");
    put("lag", state.lag_s === null ? "–" : span(state.lag_s));
    put("open", String(state.open));
    document.title = (state.open ? `(${state.open}) ` : "") + live.dataset.title;
    if (state.version !== version && !document.hidden) refresh();
  };
  const source = new EventSource("events");
  source.addEventListener("state", event => { last = JSON.parse(event.data); tell(last); });
  source.addEventListener("error", () => { live.classList.add("lost"); put("health", "connection lost"); });
  document.addEventListener("visibilitychange", () => { if (last && !document.hidden) tell(last); });
})();
