// What only a browser can do: clocks that tick, ages that grow, keys, sound, dialogs, and fetching what is drawn.
(() => {
  const words = window.coldsealWords;
  const skewMs = words.now_ms - Date.now(); // ages count by the server's clock
  const now = () => Date.now() + skewMs;
  const BEIJING_MS = 8 * 3600000; // the same all year round; Intl would take 20 to 50 ms to say so, while nothing is drawn
  const beijing = (atMs) => new Date(Math.floor(atMs) + BEIJING_MS).toISOString().slice(0, 19).split("T"); // day, time
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const phone = window.matchMedia("(max-width: 720px)");
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

  function fill(key, values) {
    return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  // ---- clocks and ages

  function age(atMs, freshMs) {
    const pastMs = Math.max(0, now() - atMs);
    if (pastMs > freshMs) {
      const [day, time] = beijing(atMs);
      const isToday = beijing(now())[0] === day;
      return fill("age.stale", { time: isToday ? time : `${day.slice(5)} ${time}` });
    }
    for (const [unit, ms] of [["d", 86400000], ["h", 3600000], ["min", 60000]]) {
      if (pastMs >= ms) return fill(`age.${unit}`, { n: Math.floor(pastMs / ms) });
    }
    return fill("age.s", { n: Math.floor(pastMs / 1000) });
  }

  function since(atMs) {
    const s = Math.max(0, Math.floor((now() - atMs) / 1000));
    return [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60].map((n) => String(n).padStart(2, "0")).join(":");
  }

  function put(element, text) {
    if (element.textContent !== text) element.textContent = text; // an unchanged page must not wake its observer
  }

  function tick() {
    for (const element of all("[data-age]")) {
      const [atMs, freshMs] = [Number(element.dataset.age), Number(element.dataset.fresh)];
      put(element, age(atMs, freshMs));
      element.classList.toggle("stale", now() - atMs > freshMs);
    }
    for (const element of all("[data-since]")) put(element, since(Number(element.dataset.since)));
    for (const element of all("[data-clock]")) put(element, beijing(now())[element.dataset.clock]); // 0 day, 1 time
  }

  // ---- keys: each presses the button or link that carries it, so there is no second way to do anything

  let asksUntilMs = 0; // a dialog is on its way from the server: what is typed meanwhile must press nothing

  function onKey(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && event.target.matches("textarea")) {
      event.target.form?.requestSubmit();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && event.target.closest("a, button")) return;
    if (Date.now() < asksUntilMs) return;
    const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
    const wanted = all(`[data-key="${CSS.escape(key)}"]`).find((element) => element.checkVisibility());
    if (!wanted) return;
    event.preventDefault();
    wanted.click();
  }

  // ---- dialogs; what is typed in them is kept until it is recorded, even over a reload

  const draftKey = (name) => `coldseal.draft.${name}`;
  const sheet = (name) => document.querySelector(`dialog[data-sheet="${name}"]`);

  function showSheet(dialog) {
    asksUntilMs = 0;
    for (const field of all("[data-draft]", dialog)) {
      if (!field.value) field.value = sessionStorage.getItem(draftKey(field.dataset.draft)) ?? "";
    }
    if (!dialog.open) dialog.showModal();
    (dialog.querySelector("[autofocus]") ?? dialog.querySelector("select, input, button"))?.focus();
  }

  async function open(id) {
    await new Promise((done) => setTimeout(done)); // its content is put in with the same message
    showSheet(getHtmlElement(id));
  }

  function close(id, draft) {
    if (draft) sessionStorage.removeItem(draftKey(draft));
    getHtmlElement(id).close();
  }

  function onClick(event) {
    const at = (selector) => event.target.closest(selector);
    if (at("[data-asks]")) asksUntilMs = Date.now() + 1000;
    if (at("[data-dismiss]")) at("[data-dismiss]").parentElement.replaceChildren();
    if (at("[data-closes]")) at("dialog").close();
    if (at("[data-opens]")) showSheet(sheet(at("[data-opens]").dataset.opens));
    if (at('[data-opens="finder"]')) find("", at("[data-opens]").dataset.county ?? "");
    if (at("[data-sound]")) switchSound();
    if (at("[data-language]")) at("[data-language]").search = location.search; // the same page in the other language
    if (event.target.matches("dialog")) event.target.close(); // the ground around it
  }

  function onInput(event) {
    const name = event.target.dataset?.draft;
    if (name) sessionStorage.setItem(draftKey(name), event.target.value);
    if (event.target.closest("[data-finder]")) {
      clearTimeout(finding);
      finding = setTimeout(() => find(event.target.value), 200);
    }
  }

  let finding = 0;
  let findings = 0;

  async function find(text, county) {
    const form = document.querySelector("[data-finder]");
    if (county !== undefined) {
      form.elements.county.value = county;
      form.elements.text.value = "";
    }
    const mine = ++findings;
    const asked = new URLSearchParams({ text, county: form.elements.county.value });
    const results = form.querySelector(".results");
    try {
      const answer = await fetch(`${form.dataset.url}&${asked}`);
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const html = await answer.text();
      if (mine === findings) results.innerHTML = html;
    } catch (error) {
      if (mine === findings) results.textContent = fill("failed_list", { detail: error.message });
    }
  }

  // ---- an unacknowledged red: the tab's title and icon, and a gentle sound that repeats

  const REPEAT_MS = 8000;
  const title = document.title;
  const icon = () => document.querySelector('link[rel~="icon"]');
  let calmIcon = null;
  let red = 0;
  let audio = null;
  let soundDueMs = 0;
  let soundWanted = localStorage.getItem("coldseal.sound") !== "off";

  function lookAtUnseen() {
    const told = document.querySelector("[data-red]");
    if (!told) return;
    const seen = red;
    red = Number(told.dataset.red);
    const wanted = red ? `(${red}) ■ ${title}` : title;
    if (document.title !== wanted) document.title = wanted;
    calmIcon ??= icon()?.href ?? null;
    if (icon() && (seen > 0) !== (red > 0)) icon().href = red ? badge() : calmIcon;
    if (red > seen) soundDueMs = 0; // a new one is heard at once
    ring();
  }

  function badge() {
    const fill = getComputedStyle(document.documentElement).getPropertyValue("--red-fill");
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="1" width="14" height="14" rx="2" fill="${fill}"/></svg>`;
    return `data:image/svg+xml,${encodeURIComponent(svg)}`;
  }

  function ring() {
    if (!red || !soundWanted || audio?.state !== "running" || Date.now() < soundDueMs) return;
    soundDueMs = Date.now() + REPEAT_MS;
    for (const [at, hertz] of [[0, 660], [0.22, 880]]) tone(audio.currentTime + at, hertz);
  }

  function tone(at, hertz) {
    const [oscillator, gain] = [audio.createOscillator(), audio.createGain()];
    oscillator.frequency.value = hertz;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.2, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.4);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(at);
    oscillator.stop(at + 0.45);
  }

  async function allowSound() {
    audio ??= new AudioContext(); // browsers let a page sound only after somebody touched it
    if (audio.state === "suspended") await audio.resume();
    showSound();
    ring();
  }

  function switchSound() {
    soundWanted = !soundWanted;
    localStorage.setItem("coldseal.sound", soundWanted ? "on" : "off");
    showSound();
  }

  function showSound() {
    for (const button of all("[data-sound]")) {
      const state = button.querySelector("b");
      button.setAttribute("aria-pressed", String(soundWanted));
      put(state, soundWanted ? (audio?.state === "running" ? state.dataset.on : state.dataset.waits) : state.dataset.off);
    }
  }

  // ---- the line to the server

  let heardMs = now();

  function watchLine() {
    const socket = window.socket;
    if (!socket) {
      setTimeout(watchLine, 50);
      return;
    }
    socket.io.engine?.on("packet", () => (heardMs = now()));
    socket.io.on("open", () => socket.io.engine.on("packet", () => (heardMs = now())));
    socket.on("disconnect", () => cut(true));
    socket.on("connect", () => cut(false));
    socket.off("connect_error"); // it reloads after a timeout, which on a dead line loses the page; the line is tried on
    socket.on("connect_error", (error) => {
      if (error.message === "Implicit handshake failed") location.reload(); // the server no longer knows this page
    });
  }

  function cut(isCut) {
    document.documentElement.classList.toggle("is-cut", isCut);
    if (isCut) put(document.querySelector("[data-cut]"), fill("cut_since", { time: beijing(heardMs)[1] }));
  }

  // ---- charts and small curves

  const drawn = new Map(); // element id -> url that it is to show
  const onCome = []; // told the element's id and the option as soon as it is here
  const onDrawn = []; // told the chart and the option before it is set
  const chartOf = (id) => document.getElementById(`c${id}`) && getElement(id)?.chart; // its element comes before its chart

  function show(id, url) {
    if (drawn.get(id) !== url) draw(id, url); // a page is told twice what to draw: by its first HTML and by its line
  }

  async function draw(id, url) {
    drawn.set(id, url);
    const isMine = () => drawn.get(id) === url;
    const [answer] = await Promise.allSettled([come(id, url), stands(id)]);
    if (!isMine()) return;
    const problem = document.querySelector(`[data-chart-problem="${id}"]`);
    try {
      if (answer.reason) throw answer.reason;
      const chart = chartOf(id);
      for (const prepare of onDrawn) prepare(chart, answer.value, url);
      chart.setOption(answer.value, true);
      put(problem, "");
    } catch (error) {
      put(problem, fill("chart_failed", { detail: error.message }));
    }
  }

  async function come(id, url) {
    const option = await asked(url);
    for (const told of onCome) told(id, option);
    return option;
  }

  const awaited = new Map(); // element id -> told when its chart is there

  function stands(id) {
    return new Promise((stand) => {
      awaited.set(id, [...(awaited.get(id) ?? []), stand]);
      lookForCharts();
    });
  }

  function lookForCharts() {
    for (const [id, told] of awaited) {
      if (!chartOf(id)) continue; // ECharts puts its ground into the element, and that is when this is asked again
      awaited.delete(id);
      for (const stand of told) stand();
    }
  }

  async function asked(url) {
    const answer = await fetch(`${url}&theme=${dark.matches ? "dark" : "light"}&narrow=${phone.matches}`);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const option = await answer.json();
    if (option.tooltip) option.tooltip.formatter ??= tooltip; // a function cannot travel
    return option;
  }

  function tooltip(points) {
    const shown = points.filter((point) => point.value[1] !== null && point.seriesName !== "coverage");
    if (!shown.length) return "";
    const time = new Date(shown[0].value[0]).toISOString().slice(11, 19); // already Beijing's wall time
    return `${time}<br><b>${shown[0].value[1]}\u2009kW</b>`;
  }

  const redraw = () => drawn.forEach((url, id) => draw(id, url));

  const sparks = new Map(); // address -> SVG, so that a row that is written anew has its curve at once
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      spark(target, target.dataset.spark);
    }
  });

  async function spark(element, url) {
    if (!sparks.has(url)) {
      const answer = await fetch(url).catch(() => null);
      if (!answer?.ok) return; // a small curve that does not come is left out; the large one says why
      if (sparks.size > 500) sparks.clear();
      sparks.set(url, await answer.text());
    }
    element.innerHTML = sparks.get(url);
  }

  function lookForSparks() {
    for (const element of all("[data-spark]:empty")) {
      const known = sparks.get(element.dataset.spark);
      if (known) element.innerHTML = known;
      else seen.observe(element);
    }
  }

  function onChange() {
    lookForCharts();
    tick();
    lookForSparks();
    lookAtUnseen();
    showSound();
  }

  dark.addEventListener("change", redraw);
  phone.addEventListener("change", redraw);
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onClick);
  document.addEventListener("input", onInput);
  for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, allowSound, { once: true });
  setInterval(() => (tick(), ring()), 1000);
  new MutationObserver(onChange).observe(document.documentElement, { childList: true, subtree: true });
  watchLine();
  window.coldseal = {
    show,
    draw,
    chartOf,
    onCome,
    onDrawn,
    now,
    age,
    open,
    close,
    isPhone: () => phone.matches,
    reveal: () => setTimeout(() => document.querySelector(".item.selected")?.scrollIntoView({ block: "nearest" }), 30),
  };
})();
