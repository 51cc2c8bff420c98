// What a curve can do in a browser: finer data where one looks closely, tools, ages of the newest values, exports.
(() => {
  const charts = new Map(); // element id -> {asked, range, seen, timer}
  const SETTLED_MS = 250; // after the last move of a wheel or a finger the part that is seen is fetched
  const DETAIL_SHARE = 0.98;
  const { chartOf } = coldseal;
  const told = new WeakMap(); // chart -> what the server told beside its option
  const asked = new URLSearchParams(location.search).get("range"); // an address may name the time that it shows
  const FIRST = ["600", "7200", "86400", "seal"].includes(asked) ? asked : "event";

  // ---- which time is shown

  function show(id, asked) {
    const before = charts.get(id);
    const same = before && before.asked.seal === asked.seal && before.asked.v === asked.v;
    charts.set(id, same ? { ...before, asked } : { asked, range: FIRST, seen: null });
    press(id, charts.get(id).range); // at the first time its buttons may not be there yet
    if (!same || !before.seen) draw(id);
  }

  function wholeTime({ asked, range }) {
    if (range === "event") return asked.event;
    const first = range === "seal" ? asked.sealed_ms : asked.newest_ms - Number(range) * 1000;
    return [Math.max(0, Math.min(first, asked.newest_ms - 60000)), asked.newest_ms];
  }

  function draw(id) {
    const state = charts.get(id);
    const { asked, seen } = state;
    const [from, to] = seen ? seen.whole : wholeTime(state);
    const pixelMs = (to - from) / 1000;
    const drawn = state.drawn;
    if (!seen && drawn && Math.abs(from - drawn[0]) < pixelMs && Math.abs(to - drawn[1]) < pixelMs) return; // nothing to be seen of it
    state.drawn = seen ? null : [from, to];
    const query = new URLSearchParams({ seal: asked.seal, from, to, lang: asked.lang, place: asked.place });
    if (asked.v) query.set("v", asked.v);
    if (seen) {
      query.set("zoom_from", Math.round(seen.from));
      query.set("zoom_to", Math.round(seen.to));
    }
    coldseal.draw(id, `/console/chart?${query}`);
  }

  function choose(id, range) {
    const state = charts.get(id);
    if (!state) return;
    Object.assign(state, { range, seen: null, drawn: null });
    press(id, range);
    draw(id);
  }

  function press(id, range) {
    for (const button of document.querySelectorAll(`[data-chart="${id}"][data-range]`)) {
      button.setAttribute("aria-pressed", String(button.dataset.range === range));
    }
  }

  // ---- zoom: what is seen, in the server's milliseconds

  function seenNow(chart) {
    const about = told.get(chart);
    const zoom = chart.getOption().dataZoom?.[0];
    if (!about || !zoom) return null;
    return { from: zoom.startValue - about.shift_ms, to: zoom.endValue - about.shift_ms, whole: [about.from_ms, about.to_ms] };
  }

  function onZoom(id) {
    const state = charts.get(id);
    if (!state) return;
    clearTimeout(state.timer);
    state.timer = setTimeout(() => look(id), SETTLED_MS);
  }

  function look(id) {
    const state = charts.get(id);
    const seen = seenNow(chartOf(id));
    if (!state || !seen) return;
    const all = seen.to - seen.from >= (seen.whole[1] - seen.whole[0]) * DETAIL_SHARE;
    state.seen = all ? null : seen;
    draw(id);
  }

  function zoom(id, how) {
    const chart = chartOf(id);
    const seen = chart && seenNow(chart);
    if (!seen) return;
    const length = seen.to - seen.from;
    const moved = { earlier: [-0.5, -0.5], later: [0.5, 0.5], zoom_in: [0.25, -0.25], zoom_out: [-0.5, 0.5] }[how];
    let [from, to] = [seen.from + moved[0] * length, seen.to + moved[1] * length];
    const [first, last] = seen.whole;
    if (from < first) [from, to] = [first, how === "earlier" ? first + length : to];
    if (to > last) [from, to] = [how === "later" ? last - length : from, last];
    const shiftMs = told.get(chart).shift_ms;
    chart.dispatchAction({ type: "dataZoom", startValue: Math.max(first, from) + shiftMs, endValue: Math.min(last, to) + shiftMs });
  }

  // ---- before an option is set: sizes, tooltip, ages

  const heights = new Map(); // element id -> px
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);

  function fit(id, { coldseal: about }) {
    if (!about || heights.get(id) === about.height) return;
    heights.set(id, about.height); // a rule, not the element's own style: it may not be there yet, and stands right at once
    sheet.replaceSync([...heights].map(([of, height]) => `#c${of}{height:${height}px}`).join(""));
  }

  function prepare(chart, option) {
    const about = option.coldseal;
    if (!about) return;
    delete option.coldseal;
    told.set(chart, about);
    const element = chart.getDom();
    if (chart.getWidth() !== element.clientWidth || chart.getHeight() !== element.clientHeight) chart.resize();
    spread(option, about, chart.getHeight() - about.height, chart.getWidth());
    option.tooltip.formatter = () => tooltip(option, about, chart.convertFromPixel({ xAxisIndex: 0 }, pointer));
    if (!element.dataset.zooms) {
      element.dataset.zooms = "yes";
      const id = Number(element.id.replace(/\D/g, ""));
      chart.on("datazoom", () => onZoom(id));
      for (const move of ["pointermove", "pointerdown"]) element.addEventListener(move, point, true);
    }
    about.said = JSON.stringify(agesOf(about));
    const ages = new Map(agesOf(about).map((text) => [text.id, text.style]));
    for (const text of option.graphic) Object.assign(text.style, ages.get(text.id));
  }

  function spread(option, about, spare, width) {
    const open = about.panels.filter((panel) => !panel.lane);
    const sum = open.reduce((all, panel) => all + panel.height, 0);
    const room = Math.max(spare, 60 * open.length - sum);
    let down = 0;
    const moved = about.panels.map((panel, at) => {
      const grown = panel.lane ? 0 : Math.round((room * panel.height) / sum);
      const before = down;
      Object.assign(option.grid[at], { top: panel.top + down, height: panel.height + grown });
      down += grown;
      return before;
    });
    for (const element of option.graphic) {
      element.top += moved[element.info.panel];
      if (element.info.gutter && about.right > 60) {
        delete element.right;
        element.left = width - about.right + 10;
      }
    }
  }

  function tick() {
    for (const id of new Set([...charts.keys()])) age(chartOf(id));
  }

  function age(chart) {
    const about = chart && told.get(chart);
    const graphic = about ? agesOf(about) : [];
    const said = JSON.stringify(graphic);
    if (!graphic.length || about.said === said) return; // ECharts lays out all of a chart for one text
    about.said = said;
    chart.setOption({ graphic }, { lazyUpdate: true });
  }

  function agesOf(about) {
    const texts = about.live.map(({ id, at_ms: atMs, fresh_ms: freshMs }) => {
      const stale = coldseal.now() - atMs > freshMs;
      const style = { text: coldseal.age(atMs, freshMs), fill: about.muted };
      return [{ id, style }, stale ? { id: id.replace("age", "value"), style: { fill: about.muted } } : null];
    });
    return texts.flat().filter(Boolean);
  }

  // ---- what is under the pointer: value, why there is none, what is proved, and the envelope that says so

  let pointer = 0; // px from the chart's left edge: ECharts itself tells the nearest sample only, beyond a gap too
  const point = (event) => (pointer = event.clientX - event.currentTarget.getBoundingClientRect().left);
  const at = (parts, time) => parts.find(([from, to]) => from <= time && time < to)?.[2];
  const number = (value) => String(Number(value.toFixed(3)));

  function tooltip(option, about, time) {
    const gap = about.gaps.find(([from, to]) => from <= time && time < to);
    if (gap) return `${clock(gap[0])} – ${clock(gap[1])}<br>${gap[2]}`;
    const lines = [];
    for (const series of about.series) {
      const text = valueAt(option, series, time, at(about.sources, time) ? null : series.bucket_ms);
      if (text) lines.push(`${series.label} <b>${text}\u2009${series.unit}</b>`);
    }
    lines.push(at(about.spans, time), at(about.sources, time) ?? (about.series[0].bucket_ms ? about.source_of_minutes : ""));
    return [clock(time), ...lines.filter(Boolean)].join("<br>");
  }

  const clock = (time) => new Date(Math.round(time)).toISOString().replace("T", " ").slice(0, 19); // already Beijing's wall time

  function valueAt(option, series, time, bucketMs) {
    for (const name of series.names) {
      const data = option.series.find((one) => one.name === name)?.data ?? [];
      const next = firstAfter(data, time);
      const last = data[next - 1];
      if (!last || last[1] === null) continue;
      const bucket = bucketMs ? data.slice(Math.max(0, next - 4), next).filter(([t, value]) => value !== null && t > time - bucketMs) : [];
      const values = [last, ...bucket].map(([, value]) => value);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return low === high ? number(low) : `${number(low)}–${number(high)}`;
    }
    return "";
  }

  function firstAfter(data, time) {
    let [low, high] = [0, data.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (data[middle][0] <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // ---- exports

  async function png(id) {
    const chart = chartOf(id);
    const about = told.get(chart);
    if (!about?.title) return;
    const graphic = about.live.map(({ id, at_ms: atMs }) => ({ id, style: { text: clock(atMs + about.shift_ms).slice(11) } }));
    if (graphic.length) chart.setOption({ graphic }); // an age says nothing on paper, a time does
    const image = new Image();
    image.src = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: about.ground, excludeComponents: ["toolbox"] });
    about.said = "";
    tick();
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width + 64, height: image.height + 128 });
    const pen = canvas.getContext("2d");
    pen.fillStyle = about.ground;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(image, 32, 72);
    const write = (text, y, ink, font) => Object.assign(pen, { fillStyle: ink, font: `${font} ${about.font}` }).fillText(text, 32, y);
    write(about.title, 48, about.ink, "600 30px");
    write(about.origin, canvas.height - 24, about.muted, "22px");
    save(canvas.toDataURL("image/png"), `coldseal_${about.seal.replace(/[^A-Za-z0-9-]+/g, "_")}.png`);
  }

  function csv(id) {
    const seen = seenNow(chartOf(id));
    if (!seen) return;
    const [from, to] = [seen.from, seen.to].map((ms) => new Date(Math.round(ms)).toISOString());
    save(`/api/v1/seals/${encodeURIComponent(told.get(chartOf(id)).seal)}/curve.csv?${new URLSearchParams({ from, to })}`, "");
  }

  function save(href, name) {
    const link = Object.assign(document.createElement("a"), { href, download: name });
    document.body.append(link);
    link.click();
    link.remove();
  }

  function onClick(event) {
    const button = event.target.closest("[data-chart]");
    if (!button) return;
    const id = Number(button.dataset.chart);
    if (button.dataset.range) choose(id, button.dataset.range);
    if (button.dataset.zoom) zoom(id, button.dataset.zoom);
    if (button.dataset.export === "png") png(id);
    if (button.dataset.export === "csv") csv(id);
  }

  document.addEventListener("click", onClick);
  setInterval(tick, 1000);
  coldseal.onCome.push(fit);
  coldseal.onDrawn.push(prepare);
  coldseal.chart = { show };
})();
